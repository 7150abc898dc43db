//! A moderator's edit of a comment. Must not know HTTP, nor who may edit.

use sqlx::PgConnection;

use super::Comments;
use super::submit::render_body;
use crate::accounts::model::SiteScope;
use crate::base::change::Change;
use crate::comments::avatar::AvatarHash;
use crate::comments::model::changes::TextChange;
use crate::comments::model::decisions::{DecidedComment, Decider};
use crate::comments::store::edit as store;
use crate::database::{self, Lane};

impl Comments {
    /// Changes the text of a comment of the scope; what it was is kept with the history. One transaction; a
    /// statement more where the name changes, since the avatar is made of site, address and name.
    pub async fn edit_for_moderator(
        &self,
        scope: &SiteScope,
        by: Decider,
        change: &TextChange,
    ) -> Result<DecidedComment, database::Error> {
        let body = match &change.body {
            Some(body) => Some((body.as_str(), render_body(body.clone()).await)),
            None => None,
        };
        let run = async |connection: &mut PgConnection| {
            let mut edit = store::Edit {
                comment_id: change.comment_id,
                name: None,
                website: match &change.website {
                    Change::Keep => Change::Keep,
                    Change::Remove => Change::Remove,
                    Change::Set(website) => Change::Set(website.as_str()),
                },
                body,
                version: change.version,
            };
            if let Some(name) = &change.name {
                // Where there is no such comment, the statement says so.
                let facts = store::find_avatar_facts(connection, scope, change.comment_id).await?;
                edit.name = facts.map(|(site, email)| {
                    let avatar = AvatarHash::new(&self.avatars, site, &email, name);
                    (name.as_str(), avatar.to_string())
                });
            }
            store::edit_one(connection, scope, by, &edit).await
        };
        self.database.transact(Lane::Moderators, run).await
    }
}
