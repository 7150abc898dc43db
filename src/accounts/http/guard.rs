//! Stands before the whole admin API: strangers get 401 whatever they ask for, before their body is read. Who comes with
//! the desk's cookie must come from our own pages. Must not know roles, nor what the routes do.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage as _, ResponseError as _};

use super::cookie::{self, Found};
use crate::accounts::Accounts;
use crate::accounts::api_tokens::TokenText;
use crate::accounts::error::Error as Refused;
use crate::accounts::model::{Caller, Session, SessionToken};
use crate::base::codes::Code;
use crate::web::ApiError;
use crate::web::same_origin::OwnOrigin;

/// Where one may come without a session, to get one; below the scope.
const SIGN_IN: &str = "/sessions";

/// Authenticates every request of the scope that it wraps (but sign-ins) and leaves who calls, and their session, for the
/// extractors.
///
/// Why not the extractors alone: actix-web polls those of a handler in turn, and a body that has arrived is judged while
/// the database is still asked who calls. A wrong body would be 422 to a stranger, an unknown path 404.
pub async fn authenticate<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let signs_in =
        request.method() == Method::POST && request.match_info().unprocessed() == SIGN_IN;
    if !signs_in {
        match known(&request).await {
            Ok(Known::Session(session)) => {
                let mut extensions = request.extensions_mut();
                extensions.insert(session.caller.clone());
                extensions.insert(*session);
            }
            Ok(Known::Token(caller)) => {
                request.extensions_mut().insert(caller);
            }
            Err(refused) => return Ok(request.into_response(refused.error_response())),
        }
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

/// Somebody who isn't a stranger.
enum Known {
    Session(Box<Session>),
    Token(Caller),
}

/// What a request shows.
enum Shown {
    Session(SessionToken),
    Token(TokenText),
}

async fn known(request: &ServiceRequest) -> Result<Known, ApiError> {
    // Without accounts nobody can be anybody.
    let (Some(accounts), Some(own)) = (
        request.app_data::<Data<Accounts>>(),
        request.app_data::<Data<OwnOrigin>>(),
    ) else {
        return Err(Refused::Unauthenticated.into());
    };
    let shown = if request.headers().contains_key(header::AUTHORIZATION) {
        bearer(request.headers())
    } else {
        cookied(own, request)?
    };
    Ok(match shown.ok_or(Refused::Unauthenticated)? {
        Shown::Session(token) => Known::Session(Box::new(accounts.authenticate(&token).await?)),
        Shown::Token(token) => Known::Token(accounts.authenticate_token(&token).await?),
    })
}

/// The session of the desk's cookie, which browsers send along whoever's page asks: so it must be ours.
fn cookied(own: &OwnOrigin, request: &ServiceRequest) -> Result<Option<Shown>, ApiError> {
    match cookie::find(own, request.headers()) {
        Found::Nothing => Ok(None),
        _ if !own.has_made(request.head()) => Err(ApiError::new(Code::NotSameOrigin)),
        Found::Unfit => Ok(None),
        Found::Token(token) => Ok(Some(Shown::Session(token))),
    }
}

/// The token of `Authorization: Bearer …` (RFC 6750). Two such headers are none: proxies differ in which one they read.
fn bearer(headers: &HeaderMap) -> Option<Shown> {
    let mut values = headers.get_all(header::AUTHORIZATION);
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let token = token.trim_matches(' ');
    let session = SessionToken::parse(token).map(Shown::Session);
    session.or_else(|| TokenText::parse(token).map(Shown::Token))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{AUTHORIZATION, HeaderValue};

    use super::*;

    fn read(values: &[&str]) -> Option<[u8; 32]> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        bearer(&headers).map(|shown| match shown {
            Shown::Session(token) => token.hash(),
            Shown::Token(token) => token.hash(),
        })
    }

    #[test]
    fn a_token_is_read_from_one_bearer_header_only() {
        let token = SessionToken::generate();
        let text = token.expose();
        for good in [
            format!("Bearer {text}"),
            format!("bearer {text}"),
            format!("BEARER  {text} "),
        ] {
            assert_eq!(read(&[&good]), Some(token.hash()));
        }
        let of_program = TokenText::generate();
        let header = format!("Bearer {}", of_program.expose());
        assert_eq!(read(&[&header]), Some(of_program.hash()));
        let bearer = format!("Bearer {text}");
        for bad in [
            text.to_owned(),
            format!("Basic {text}"),
            format!("Bearer{text}"),
            format!("Bearer {text},"),
            "Bearer".into(),
        ] {
            assert_eq!(read(&[&bad]), None, "{bad}");
        }
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[&bearer, &bearer]), None);
    }
}
