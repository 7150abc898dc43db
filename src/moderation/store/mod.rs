//! All SQL of moderation's own tables. Must not know who may do what, nor HTTP.

use uuid::Uuid;

use crate::accounts::model::SiteScope;
use crate::database::Error;

pub(in crate::moderation) mod batches;
pub(in crate::moderation) mod claims;
pub(in crate::moderation) mod erase;
pub(in crate::moderation) mod figures;
pub(in crate::moderation) mod notes;

/// The ids of a scope as the statements take them; null is all.
fn scope_ids(scope: &SiteScope) -> Option<Vec<Uuid>> {
    match scope {
        SiteScope::All => None,
        SiteScope::Only(sites) => Some(sites.iter().map(|site| *site.as_uuid()).collect()),
    }
}

/// The schema lets no other words in, so this is a schema that is newer than the program.
fn unknown(what: &str) -> Error {
    sqlx::Error::Decode(format!("a stored {what} is not known to this version").into()).into()
}
