//! All SQL of moderation's own tables. Must not know who may do what, nor HTTP.

use crate::database::Error;

pub(in crate::moderation) mod batches;
pub(in crate::moderation) mod claims;
pub(in crate::moderation) mod figures;
pub(in crate::moderation) mod notes;
pub(in crate::moderation) mod persons;

/// The schema lets no other words in, so this is a schema that is newer than the program.
fn unknown(what: &str) -> Error {
    sqlx::Error::Decode(format!("a stored {what} is not known to this version").into()).into()
}
