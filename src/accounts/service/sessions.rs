//! Looking after sessions: one's own, and those of people whom one manages. Must not know HTTP.

use serde_json::{Map, json};
use sqlx::PgConnection;

use super::Accounts;
use super::people::{Manager, record};
use crate::accounts::error::Error;
use crate::accounts::model::people::Authority;
use crate::accounts::model::{Role, Session, SessionEntry};
use crate::accounts::store::{self, people, sessions};
use crate::base::ids::{ModeratorId, SessionId};
use crate::base::paging::{Limit, TimeCursor};
use crate::database::Lane;

/// Sessions, newest first.
#[derive(Debug)]
pub struct SessionPage {
    /// The sessions.
    pub sessions: Vec<SessionEntry>,
    /// Where the next page begins, if there is one.
    pub next: Option<TimeCursor>,
}

impl Accounts {
    /// The sessions of the caller, or of somebody whom they manage. One round trip, two for somebody else's.
    pub async fn list_sessions(
        &self,
        session: &Session,
        of: Option<ModeratorId>,
        after: Option<TimeCursor>,
        limit: Limit,
    ) -> Result<SessionPage, Error> {
        let (caller, now) = (&session.caller, self.0.clock.now());
        let of = of.unwrap_or(caller.moderator_id);
        let before = after.map(|after| SessionId::from_uuid(after.id));
        let run = async |connection: &mut PgConnection| {
            if of != caller.moderator_id {
                let authority = Authority::of(caller);
                let found = people::find(connection, of, now).await?;
                let found = found
                    .filter(|found| authority.sees(&found.sites))
                    .ok_or(Error::ModeratorNotFound)?;
                if !authority.manages(found.role, &found.sites) {
                    return Err(Error::NotManaged);
                }
            }
            sessions::list(connection, of, before, limit.rows(), now).await
        };
        let mut sessions = self.0.database.run(Lane::Moderators, run).await?;
        let more = sessions.len() > limit.get();
        sessions.truncate(limit.get());
        let last = sessions.last().filter(|_| more);
        let next = last.map(|last| TimeCursor {
            at: last.created_at,
            id: *last.id.as_uuid(),
        });
        Ok(SessionPage { sessions, next })
    }

    /// Ends a session of the caller, or of somebody whom they manage, which is recorded. A transaction of three statements
    /// at most; afterwards its token is worth nothing on any instance.
    pub async fn end_session(&self, session: &Session, id: SessionId) -> Result<(), Error> {
        let (caller, now) = (&session.caller, self.0.clock.now());
        self.0
            .database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                let holder = sessions::find_holder(connection, id).await?;
                let holder = holder.ok_or(Error::SessionNotFound)?;
                if holder.id == caller.moderator_id {
                    return store::delete_session(connection, id).await;
                }
                let may = caller.role >= Role::Admin
                    && Authority::of(caller).manages(holder.role, &holder.sites);
                if !may {
                    return Err(Error::SessionNotFound);
                }
                store::delete_session(connection, id).await?;
                let details = Map::from_iter([("session".to_owned(), json!(id))]);
                let manager = Manager::Moderator(caller.moderator_id);
                let act = "moderator.session_ended";
                record(connection, manager, act, holder.id, details, now).await
            })
            .await
    }
}
