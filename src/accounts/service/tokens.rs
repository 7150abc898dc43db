//! API tokens: making, seeing, changing, revoking, and being recognised by one. Must not know HTTP.

use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use super::{Accounts, Allowance};
use crate::accounts::api_tokens::{
    ApiToken, Expiry, NewToken, TokenChange, TokenPage, TokenText, least_role,
};
use crate::accounts::error::Error;
use crate::accounts::model::{Caller, Proof, Scope};
use crate::accounts::store::tokens::{self as store, Reach};
use crate::audit;
use crate::audit::model::{Act, AuditActor, Subject};
use crate::base::clock::to_rfc3339;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::ids::{ModeratorId, SiteId, TokenId};
use crate::base::paging::{Limit, TimeCursor};
use crate::database::Lane;

/// Tokens of one moderator, expired ones included.
const TOKENS_MAX: i64 = 100;

/// A token that has just been made.
#[derive(Debug)]
pub struct MadeToken {
    /// Shown once, here.
    pub text: TokenText,
    /// The token.
    pub token: ApiToken,
}

impl Accounts {
    /// Whom the token stands for, within what its maker may do at this moment. One round trip.
    pub async fn authenticate_token(&self, token: &TokenText) -> Result<Caller, Error> {
        let now = self.0.clock.now();
        let caller = self
            .0
            .database
            .run(Lane::Moderators, async |connection: &mut PgConnection| {
                store::find_token_caller(connection, token, now).await
            })
            .await?
            .ok_or(Error::Unauthenticated)?;
        if let Proof::Token(id, _) = &caller.proof {
            self.take_request(Allowance::Token(*id))?;
        }
        Ok(caller)
    }

    /// Makes a token that exceeds its maker in nothing. Six round trips; its text is known to the answer only.
    pub async fn make_token(&self, caller: &Caller, new: NewToken) -> Result<MadeToken, Error> {
        let now = self.0.clock.now();
        let mut wrong = beyond_role(caller, &new.scopes);
        wrong.extend(self.ended(new.expires_at));
        let text = TokenText::generate();
        let asked = new.sites.as_deref().unwrap_or_default();
        let maker = caller.moderator_id;
        let id = self
            .0
            .database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                let room = store::lock_room(connection, maker, asked).await?;
                let within =
                    |site: &SiteId| caller.sites.holds(*site) && room.known_sites.contains(site);
                let beyond = asked.iter().enumerate().filter(|(_, site)| !within(site));
                wrong.extend(beyond.map(|(place, _)| unknown_site(place)));
                if !wrong.is_empty() {
                    return Err(Error::Rejected(std::mem::take(&mut wrong)));
                }
                if room.tokens >= TOKENS_MAX {
                    return Err(Error::TooManyTokens);
                }
                let id = store::insert_token(connection, maker, &new, &text, now).await?;
                let act = act(maker, "token.created", id, created_details(&new));
                audit::service::record(connection, &act, now).await?;
                Ok(id)
            })
            .await?;
        Ok(MadeToken {
            text,
            token: ApiToken {
                id,
                name: new.name.into_string(),
                scopes: new.scopes,
                sites: new.sites,
                created_at: now,
                expires_at: new.expires_at,
                last_used_at: None,
                moderator_id: maker,
                moderator_name: caller.name.clone(),
            },
        })
    }

    /// The caller's tokens and those of people below them, newest first. One round trip.
    pub async fn list_tokens(
        &self,
        caller: &Caller,
        after: Option<TimeCursor>,
        limit: Limit,
    ) -> Result<TokenPage, Error> {
        let before = after.map(|cursor| TokenId::from_uuid(cursor.id));
        let mut tokens = self
            .0
            .database
            .run(Lane::Moderators, async |connection: &mut PgConnection| {
                store::list_tokens(connection, &Reach::of(caller), before, limit).await
            })
            .await?;
        let more = tokens.len() > limit.get();
        tokens.truncate(limit.get());
        let last = tokens.last().filter(|_| more);
        let next = last.map(|last| TimeCursor {
            at: last.created_at,
            id: *last.id.as_uuid(),
        });
        Ok(TokenPage { tokens, next })
    }

    /// One of these tokens. One round trip.
    pub async fn load_token(&self, caller: &Caller, id: TokenId) -> Result<ApiToken, Error> {
        self.0
            .database
            .run(Lane::Moderators, async |connection: &mut PgConnection| {
                store::find_token(connection, &Reach::of(caller), id).await
            })
            .await?
            .ok_or(Error::TokenNotFound)
    }

    /// Changes the name or the end of one of these tokens; scopes and sites stay, since a token that could grow would
    /// surprise whoever gave it away. Four round trips, one where there is nothing to change.
    pub async fn change_token(
        &self,
        caller: &Caller,
        id: TokenId,
        change: TokenChange,
    ) -> Result<ApiToken, Error> {
        if change.name.is_none() && change.expiry == Expiry::Kept {
            return self.load_token(caller, id).await;
        }
        let now = self.0.clock.now();
        let ended = self.ended(change.expiry.at());
        self.0
            .database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                let changed = store::update_token(connection, &Reach::of(caller), id, &change)
                    .await?
                    .ok_or(Error::TokenNotFound)?;
                if let Some(complaint) = ended {
                    return Err(Error::Rejected(vec![complaint]));
                }
                let mut details = of_maker(caller, changed.moderator_id);
                if change.name.is_some() {
                    details.insert("name".to_owned(), json!("changed"));
                }
                if change.expiry != Expiry::Kept {
                    let at = change.expiry.at().map(to_rfc3339);
                    details.insert("expires_at".to_owned(), json!(at));
                }
                let act = act(caller.moderator_id, "token.changed", id, details);
                audit::service::record(connection, &act, now).await?;
                Ok(changed)
            })
            .await
    }

    /// Revokes one of these tokens: it is worth nothing from now on, on every instance. Four round trips.
    pub async fn revoke_token(&self, caller: &Caller, id: TokenId) -> Result<(), Error> {
        let now = self.0.clock.now();
        self.0
            .database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                let maker = store::delete_token(connection, &Reach::of(caller), id)
                    .await?
                    .ok_or(Error::TokenNotFound)?;
                let details = of_maker(caller, maker);
                let act = act(caller.moderator_id, "token.revoked", id, details);
                audit::service::record(connection, &act, now).await?;
                Ok(())
            })
            .await
    }

    fn ended(&self, expires_at: Option<time::OffsetDateTime>) -> Option<(String, Complaint)> {
        let ended = expires_at.is_some_and(|at| at <= self.0.clock.now());
        ended.then(|| {
            let complaint = Complaint::new(ComplaintCode::InvalidValue, "must be in the future");
            ("expires_at".to_owned(), complaint)
        })
    }
}

fn beyond_role(caller: &Caller, scopes: &[Scope]) -> Vec<(String, Complaint)> {
    let beyond = scopes
        .iter()
        .enumerate()
        .filter(|(_, scope)| least_role(**scope) > caller.role);
    beyond
        .map(|(place, _)| {
            let complaint = Complaint::new(
                ComplaintCode::InvalidValue,
                "your own role can't use this scope",
            );
            (format!("scopes[{place}]"), complaint)
        })
        .collect()
}

/// A site that the maker may not see is none to them.
fn unknown_site(place: usize) -> (String, Complaint) {
    let complaint = Complaint::new(
        ComplaintCode::UnknownSite,
        "must be the id of a site that you may see",
    );
    (format!("sites[{place}]"), complaint)
}

fn created_details(new: &NewToken) -> Map<String, Value> {
    let scopes: Vec<&str> = new.scopes.iter().map(|scope| scope.as_str()).collect();
    let mut details = Map::new();
    details.insert("scopes".to_owned(), json!(scopes));
    details.insert("sites".to_owned(), json!(new.sites));
    details.insert(
        "expires_at".to_owned(),
        json!(new.expires_at.map(to_rfc3339)),
    );
    details
}

/// Whose token it is, where somebody else acts on it.
fn of_maker(caller: &Caller, maker: ModeratorId) -> Map<String, Value> {
    let mut details = Map::new();
    if maker != caller.moderator_id {
        details.insert("moderator_id".to_owned(), json!(maker));
    }
    details
}

fn act(by: ModeratorId, name: &'static str, id: TokenId, details: Map<String, Value>) -> Act {
    Act {
        by: AuditActor::Moderator(by),
        name,
        subject: Subject {
            kind: "token",
            id: Some(*id.as_uuid()),
            site: None,
        },
        details,
    }
}
