//! Notes about comments and authors. Must not know HTTP or SQL.

use sqlx::PgConnection;

use super::Moderation;
use crate::accounts::model::{Caller, Role};
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::ids::{AuthorId, CommentId, NoteId};
use crate::base::paging::{Limit, TimeCursor};
use crate::base::text::Note;
use crate::comments::model::queue::AuthorSite;
use crate::comments::model::{Actor, ActorKind};
use crate::comments::service::moderate;
use crate::database::Lane;
use crate::moderation::error::Error;
use crate::moderation::model::{NoteLine, NotePage};
use crate::moderation::store::notes::{self as store, About, NewNote};

impl Moderation {
    /// Notes about a comment, newest first. Two round trips.
    pub async fn list_comment_notes(
        &self,
        caller: &Caller,
        id: CommentId,
        before: Option<TimeCursor>,
        limit: Limit,
    ) -> Result<NotePage, Error> {
        let run = async |connection: &mut PgConnection| {
            moderate::find_site_of(connection, &caller.sites, id)
                .await?
                .ok_or(Error::CommentNotFound)?;
            let about = About::Comment(id);
            let notes = store::list(connection, &caller.sites, about, before, limit).await?;
            Ok(page(notes, limit))
        };
        self.database.run(Lane::Moderators, run).await
    }

    /// Notes about an author that belong to the caller's sites, newest first. Two round trips.
    pub async fn list_author_notes(
        &self,
        caller: &Caller,
        id: AuthorId,
        before: Option<TimeCursor>,
        limit: Limit,
    ) -> Result<NotePage, Error> {
        let run = async |connection: &mut PgConnection| {
            moderate::find_author(connection, &caller.sites, id)
                .await?
                .ok_or(Error::AuthorNotFound)?;
            let about = About::Author(id);
            let notes = store::list(connection, &caller.sites, about, before, limit).await?;
            Ok(page(notes, limit))
        };
        self.database.run(Lane::Moderators, run).await
    }

    /// Keeps a note about a comment, for whoever may see the comment. Two round trips in a transaction.
    pub async fn note_comment(
        &self,
        caller: &Caller,
        id: CommentId,
        note: &Note,
    ) -> Result<NoteLine, Error> {
        let run = async |connection: &mut PgConnection| {
            let site = moderate::find_site_of(connection, &caller.sites, id)
                .await?
                .ok_or(Error::CommentNotFound)?;
            self.keep(connection, caller, About::Comment(id), (site, note))
                .await
        };
        self.database.transact(Lane::Moderators, run).await
    }

    /// Keeps a note about an author. It belongs to one site: the one that is named, or the only one of the caller's on
    /// which the author wrote. Two round trips in a transaction.
    pub async fn note_author(
        &self,
        caller: &Caller,
        id: AuthorId,
        site: Option<&str>,
        note: &Note,
    ) -> Result<NoteLine, Error> {
        let run = async |connection: &mut PgConnection| {
            let author = moderate::find_author(connection, &caller.sites, id)
                .await?
                .ok_or(Error::AuthorNotFound)?;
            let site = choose_site(author.sites, site).map_err(Error::NoteSite)?;
            self.keep(connection, caller, About::Author(id), (site, note))
                .await
        };
        self.database.transact(Lane::Moderators, run).await
    }

    /// Deletes a note: one's own, or as an admin any on one's sites. One round trip.
    pub async fn delete_note(&self, caller: &Caller, id: NoteId) -> Result<(), Error> {
        let author = (caller.role < Role::Admin).then_some(caller.moderator_id);
        let run = async |connection: &mut PgConnection| {
            if store::delete(connection, &caller.sites, id, author).await? {
                Ok(())
            } else {
                Err(Error::NoteNotFound)
            }
        };
        self.database.run(Lane::Moderators, run).await
    }

    async fn keep(
        &self,
        connection: &mut PgConnection,
        caller: &Caller,
        about: About,
        (site, note): (AuthorSite, &Note),
    ) -> Result<NoteLine, Error> {
        let at = self.clock.now();
        let new = NewNote {
            id: NoteId::new(at),
            site: site.id,
            about,
            moderator: caller.moderator_id,
            note,
            at,
        };
        store::insert(connection, &new).await?;
        Ok(NoteLine {
            id: new.id,
            site: site.slug,
            by: Actor {
                kind: ActorKind::Moderator,
                id: Some(caller.moderator_id),
                name: Some(caller.name.clone()),
            },
            note: note.as_str().to_owned(),
            at,
        })
    }
}

/// The site that a note about an author belongs to.
fn choose_site(sites: Vec<AuthorSite>, named: Option<&str>) -> Result<AuthorSite, Complaint> {
    let Some(slug) = named else {
        let only = <[AuthorSite; 1]>::try_from(sites).ok();
        return only.map(|[site]| site).ok_or_else(|| {
            Complaint::new(
                ComplaintCode::Required,
                "is required, since the author wrote on several sites",
            )
        });
    };
    let found = sites.into_iter().find(|site| site.slug == slug);
    found.ok_or_else(|| {
        Complaint::new(
            ComplaintCode::InvalidValue,
            "must be the slug of a site on which the author wrote",
        )
    })
}

/// The page that was asked for, of one row more.
pub(super) fn page(mut notes: Vec<NoteLine>, limit: Limit) -> NotePage {
    let more = notes.len() > limit.get();
    notes.truncate(limit.get());
    let last = notes.last().filter(|_| more);
    NotePage {
        next: last.map(|note| TimeCursor {
            at: note.at,
            id: *note.id.as_uuid(),
        }),
        notes,
    }
}
