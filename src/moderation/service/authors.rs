//! What is known of an author. Must not know HTTP or SQL.

use sqlx::PgConnection;

use super::Moderation;
use super::notes::page;
use crate::accounts::model::Caller;
use crate::base::ids::AuthorId;
use crate::base::paging::Limit;
use crate::comments::service::moderate;
use crate::database::Lane;
use crate::moderation::error::Error;
use crate::moderation::model::AuthorDetails;
use crate::moderation::store::notes::{self as store, About};

impl Moderation {
    /// An author as the comments on the caller's sites show them, with the latest notes. Two round trips.
    pub async fn show_author(&self, caller: &Caller, id: AuthorId) -> Result<AuthorDetails, Error> {
        let run = async |connection: &mut PgConnection| {
            let author = moderate::find_author(connection, &caller.sites, id).await?;
            let author = author.ok_or(Error::AuthorNotFound)?;
            let limit = Limit::default();
            let about = About::Author(id);
            let notes = store::list(connection, &caller.sites, about, None, limit).await?;
            Ok(AuthorDetails {
                author,
                notes: page(notes, limit),
            })
        };
        self.database.run(Lane::Moderators, run).await
    }
}
