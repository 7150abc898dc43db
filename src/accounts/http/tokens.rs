//! `/api/v1/admin/tokens`: API tokens. Translates only.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;

use super::tokens_wire::{ChangeToken, MakeToken, TokenItem, TokenList, TokenReceipt};
use crate::accounts::Accounts;
use crate::accounts::extract::MakesTokens;
use crate::base::codes::Code;
use crate::base::ids::TokenId;
use crate::base::paging::{CursorTag, TimeCursor};
use crate::web::conditional::private_json;
use crate::web::query::Query;
use crate::web::{ApiError, PathId, Strict};

/// Marks this list's cursors.
const TAG: CursorTag = CursorTag(41);
/// What the list can be asked for.
const PARAMETERS: &[&str] = &["limit", "cursor"];

/// Makes a token for a program; the answer holds it, which is shown this once.
#[utoipa::path(
    post,
    path = "/api/v1/admin/tokens",
    operation_id = "make_token",
    tag = "tokens",
    request_body = MakeToken,
    security(("bearer" = ["moderator", "session"])),
    responses(
        (status = 201, description = "Made", body = TokenReceipt),
        (status = 409, description = "`too_many_tokens`"),
        (status = 422, description = "`validation_failed`, `unknown_field`, `unknown_site`: also a scope or a site that the maker's own role and sites don't have"),
    )
)]
pub async fn make(
    MakesTokens(caller): MakesTokens,
    accounts: Data<Accounts>,
    Strict(body): Strict<MakeToken>,
) -> Result<HttpResponse, ApiError> {
    let new = body.parse().map_err(ApiError::from)?;
    let made = accounts.make_token(&caller, new).await?;
    Ok(private_json(
        HttpResponse::Created(),
        &TokenReceipt::from(made),
    ))
}

/// Lists one's own tokens, newest first; for owners and admins also those of people below them.
#[utoipa::path(
    get,
    path = "/api/v1/admin/tokens",
    operation_id = "list_tokens",
    tag = "tokens",
    params(
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "50 where it is missing"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    security(("bearer" = ["moderator", "session"])),
    responses(
        (status = 200, description = "A page of tokens", body = TokenList),
    )
)]
pub async fn list(
    MakesTokens(caller): MakesTokens,
    accounts: Data<Accounts>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    query.only(PARAMETERS)?;
    let after = match query.find("cursor")? {
        Some(text) => {
            let cursor = TimeCursor::decode(TAG, text);
            Some(cursor.ok_or_else(|| ApiError::new(Code::InvalidCursor))?)
        }
        None => None,
    };
    let page = accounts.list_tokens(&caller, after, query.limit()?).await?;
    Ok(private_json(
        HttpResponse::Ok(),
        &TokenList {
            tokens: page.tokens.into_iter().map(TokenItem::from).collect(),
            next_cursor: page.next.map(|cursor| cursor.encode(TAG)),
        },
    ))
}

/// Shows a token, without its text.
#[utoipa::path(
    get,
    path = "/api/v1/admin/tokens/{id}",
    operation_id = "show_token",
    tag = "tokens",
    params(("id" = TokenId, Path, description = "The token's id")),
    security(("bearer" = ["moderator", "session"])),
    responses(
        (status = 200, description = "The token", body = TokenItem),
    )
)]
pub async fn show(
    MakesTokens(caller): MakesTokens,
    PathId(id): PathId<TokenId>,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, ApiError> {
    let token = accounts.load_token(&caller, id).await?;
    Ok(private_json(HttpResponse::Ok(), &TokenItem::from(token)))
}

/// Changes a token's name or end. Scopes and sites stay as they are: for others make another token.
#[utoipa::path(
    patch,
    path = "/api/v1/admin/tokens/{id}",
    operation_id = "change_token",
    tag = "tokens",
    params(("id" = TokenId, Path, description = "The token's id")),
    request_body = ChangeToken,
    security(("bearer" = ["moderator", "session"])),
    responses(
        (status = 200, description = "The token as it is now", body = TokenItem),
    )
)]
pub async fn change(
    MakesTokens(caller): MakesTokens,
    PathId(id): PathId<TokenId>,
    accounts: Data<Accounts>,
    Strict(body): Strict<ChangeToken>,
) -> Result<HttpResponse, ApiError> {
    let change = body.parse().map_err(ApiError::from)?;
    let token = accounts.change_token(&caller, id, change).await?;
    Ok(private_json(HttpResponse::Ok(), &TokenItem::from(token)))
}

/// Revokes a token: it is worth nothing from now on, on every instance.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/tokens/{id}",
    operation_id = "revoke_token",
    tag = "tokens",
    params(("id" = TokenId, Path, description = "The token's id")),
    security(("bearer" = ["moderator", "session"])),
    responses(
        (status = 204, description = "Revoked"),
    )
)]
pub async fn revoke(
    MakesTokens(caller): MakesTokens,
    PathId(id): PathId<TokenId>,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, ApiError> {
    accounts.revoke_token(&caller, id).await?;
    Ok(HttpResponse::NoContent()
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .finish())
}
