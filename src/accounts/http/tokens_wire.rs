//! API tokens as JSON. Must not know the database or any rule of the trade.

use std::collections::HashSet;
use std::hash::Hash;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use super::fields::{Wrong, required};
use crate::accounts::api_tokens::{ApiToken, Expiry, NewToken, TokenChange};
use crate::accounts::model::Scope;
use crate::accounts::service::tokens::MadeToken;
use crate::base::change::Change;
use crate::base::clock::truncate;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::ids::{ModeratorId, SiteId, TokenId};
use crate::base::text::Name;

/// The most sites of one token.
const SITES_MAX: usize = 100;

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MakeToken {
    /// What it is for, for whoever looks at the list.
    #[schema(value_type = String, required = true, min_length = 1, max_length = 100)]
    name: Option<String>,
    /// What it is good for, within what its maker may do.
    #[schema(value_type = Vec<Scope>, required = true, min_items = 1, max_items = 4)]
    scopes: Option<Vec<String>>,
    /// The sites that it is good for; null or missing: all that its maker sees.
    #[schema(value_type = Option<Vec<SiteId>>, min_items = 1, max_items = 100)]
    sites: Option<Vec<String>>,
    /// When it ends; null or missing: when it is revoked.
    #[schema(value_type = Option<String>, format = "date-time", example = "2099-01-01T00:00:00Z")]
    expires_at: Option<String>,
}

impl MakeToken {
    /// The token to be made, or everything that is wrong with it.
    pub(super) fn parse(&self) -> Result<NewToken, Wrong> {
        let mut wrong = Wrong::default();
        let name = self.name.as_deref().ok_or_else(required);
        let name = wrong.take("name", name.and_then(Name::parse));
        let scopes = match self.scopes.as_deref() {
            None | Some([]) => {
                wrong.push("scopes", required());
                None
            }
            Some(words) => entries(&mut wrong, "scopes", words, Scope::ALL.len(), |word| {
                Scope::parse(word).ok_or_else(|| not_one("must be one of the scopes"))
            }),
        };
        let sites = self.sites.as_deref().map(|ids| {
            if ids.is_empty() {
                wrong.push("sites", required());
            }
            entries(&mut wrong, "sites", ids, SITES_MAX, |id| {
                id.parse()
                    .ok()
                    .ok_or_else(|| not_one("must be a site's id, a UUID"))
            })
        });
        let expires_at = self.expires_at.as_deref().map(parse_time).transpose();
        let expires_at = wrong.take("expires_at", expires_at);
        match (name, scopes, expires_at) {
            (Some(name), Some(scopes), Some(expires_at)) if wrong.is_empty() => Ok(NewToken {
                name,
                scopes,
                sites: sites.flatten(),
                expires_at,
            }),
            _ => Err(wrong),
        }
    }
}

/// By hand: the derived one can't name an entry of a list.
impl Validate for MakeToken {
    fn validate(&self) -> Result<(), ValidationErrors> {
        self.parse().map(drop).map_err(Wrong::into_errors)
    }
}

/// What is to be changed of a token; what is missing stays.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ChangeToken {
    /// What it is for.
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100)]
    name: Change<String>,
    /// When it ends; null: when it is revoked.
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false, format = "date-time", example = "2099-01-01T00:00:00Z")]
    expires_at: Change<String>,
}

impl ChangeToken {
    /// The change, or everything that is wrong with it.
    pub(super) fn parse(&self) -> Result<TokenChange, Wrong> {
        let mut wrong = Wrong::default();
        let name = match &self.name {
            Change::Keep => Ok(None),
            Change::Remove => Err(required()),
            Change::Set(name) => Name::parse(name).map(Some),
        };
        let name = wrong.take("name", name);
        let expiry = match &self.expires_at {
            Change::Keep => Ok(Expiry::Kept),
            Change::Remove => Ok(Expiry::Never),
            Change::Set(at) => parse_time(at).map(Expiry::At),
        };
        let expiry = wrong.take("expires_at", expiry);
        match (name, expiry) {
            (Some(name), Some(expiry)) => Ok(TokenChange { name, expiry }),
            _ => Err(wrong),
        }
    }
}

impl Validate for ChangeToken {
    fn validate(&self) -> Result<(), ValidationErrors> {
        self.parse().map(drop).map_err(Wrong::into_errors)
    }
}

/// The entries of a list, each once.
fn entries<T: Copy + Eq + Hash>(
    wrong: &mut Wrong,
    field: &str,
    texts: &[String],
    entries_max: usize,
    parse: impl Fn(&str) -> Result<T, Complaint>,
) -> Option<Vec<T>> {
    if texts.len() > entries_max {
        return wrong.take(
            field.to_owned(),
            Err(Complaint::new(
                ComplaintCode::TooMany,
                format!("must have at most {entries_max} entries"),
            )),
        );
    }
    let mut seen = HashSet::with_capacity(texts.len());
    let parsed = texts.iter().enumerate().map(|(place, text)| {
        let entry = parse(text).and_then(|entry| {
            if seen.insert(entry) {
                Ok(entry)
            } else {
                Err(Complaint::new(
                    ComplaintCode::Repeated,
                    "stands in this list already",
                ))
            }
        });
        wrong.take(format!("{field}[{place}]"), entry)
    });
    // All of them, so that all complaints are there.
    let parsed: Vec<Option<T>> = parsed.collect();
    parsed.into_iter().collect()
}

fn not_one(message: &'static str) -> Complaint {
    Complaint::new(ComplaintCode::InvalidValue, message)
}

fn parse_time(text: &str) -> Result<OffsetDateTime, Complaint> {
    // Why it is none is of no use to anybody.
    let at = OffsetDateTime::parse(text, &Rfc3339).ok();
    at.map(truncate)
        .ok_or_else(|| not_one("must be a time of RFC 3339, such as 2027-01-31T12:00:00Z"))
}

/// A token that has just been made.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenReceipt {
    /// Which one.
    id: TokenId,
    /// For `Authorization: Bearer …`; shown this once.
    #[schema(example = "rjt_q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA")]
    token: String,
    /// What it is for.
    name: String,
    /// What it is good for, within what its maker may do.
    scopes: Vec<Scope>,
    /// The sites that it is good for; null: all that its maker sees.
    #[schema(required = true)]
    sites: Option<Vec<SiteId>>,
    /// When it was made.
    #[serde(with = "crate::base::clock::rfc3339")]
    created_at: OffsetDateTime,
    /// When it ends; null: when it is revoked.
    #[serde(with = "crate::base::clock::rfc3339::option")]
    #[schema(required = true)]
    expires_at: Option<OffsetDateTime>,
}

impl From<MadeToken> for TokenReceipt {
    fn from(made: MadeToken) -> Self {
        let MadeToken { text, token } = made;
        Self {
            id: token.id,
            token: text.expose().to_owned(),
            name: token.name,
            scopes: token.scopes,
            sites: token.sites,
            created_at: token.created_at,
            expires_at: token.expires_at,
        }
    }
}

/// A token, without its text.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiToken)]
pub(super) struct TokenItem {
    /// Which one.
    id: TokenId,
    /// What it is for.
    name: String,
    /// What it is good for, within what its maker may do.
    scopes: Vec<Scope>,
    /// The sites that it is good for; null: all that its maker sees.
    #[schema(required = true)]
    sites: Option<Vec<SiteId>>,
    /// When it was made.
    #[serde(with = "crate::base::clock::rfc3339")]
    created_at: OffsetDateTime,
    /// When it ends; null: when it is revoked.
    #[serde(with = "crate::base::clock::rfc3339::option")]
    #[schema(required = true)]
    expires_at: Option<OffsetDateTime>,
    /// When it was used last, to the minute; null: never.
    #[serde(with = "crate::base::clock::rfc3339::option")]
    #[schema(required = true)]
    last_used_at: Option<OffsetDateTime>,
    /// Who made it.
    moderator: TokenMaker,
}

/// Who made a token.
#[derive(Debug, Serialize, ToSchema)]
struct TokenMaker {
    /// The account.
    id: ModeratorId,
    /// The name that colleagues see.
    name: String,
}

impl From<ApiToken> for TokenItem {
    fn from(token: ApiToken) -> Self {
        Self {
            id: token.id,
            name: token.name,
            scopes: token.scopes,
            sites: token.sites,
            created_at: token.created_at,
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
            moderator: TokenMaker {
                id: token.moderator_id,
                name: token.moderator_name,
            },
        }
    }
}

/// A page of tokens.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenList {
    /// Newest first.
    pub(super) tokens: Vec<TokenItem>,
    /// For the next page; null on the last.
    #[schema(required = true)]
    pub(super) next_cursor: Option<String>,
}
