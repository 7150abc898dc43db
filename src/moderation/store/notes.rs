//! The statements of notes about comments and authors. Must not know who may write or see them.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::accounts::model::SiteScope;
use crate::base::ids::{AuthorId, CommentId, ModeratorId, NoteId, SiteId};
use crate::base::paging::{Limit, TimeCursor};
use crate::base::text::Note;
use crate::comments::model::{Actor, ActorKind};
use crate::database::Error;
use crate::moderation::model::NoteLine;

/// What a note is about.
#[derive(Debug, Clone, Copy)]
pub(in crate::moderation) enum About {
    /// One comment.
    Comment(CommentId),
    /// Whoever writes under an address.
    Author(AuthorId),
}

impl About {
    const fn comment(&self) -> Option<&Uuid> {
        match self {
            Self::Comment(id) => Some(id.as_uuid()),
            Self::Author(_) => None,
        }
    }

    const fn author(&self) -> Option<&Uuid> {
        match self {
            Self::Comment(_) => None,
            Self::Author(id) => Some(id.as_uuid()),
        }
    }
}

/// A note to be kept.
#[derive(Debug)]
pub(in crate::moderation) struct NewNote<'a> {
    pub(in crate::moderation) id: NoteId,
    pub(in crate::moderation) site: SiteId,
    pub(in crate::moderation) about: About,
    pub(in crate::moderation) moderator: ModeratorId,
    pub(in crate::moderation) note: &'a Note,
    pub(in crate::moderation) at: OffsetDateTime,
}

/// Keeps a note. One statement.
pub(in crate::moderation) async fn insert(
    connection: &mut PgConnection,
    new: &NewNote<'_>,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        insert into notes (id, site_id, comment_id, author_id, moderator_id, note, at)
        values ($1, $2, $3, $4, $5, $6, $7)
        "#,
        new.id.as_uuid(),
        new.site.as_uuid(),
        new.about.comment(),
        new.about.author(),
        new.moderator.as_uuid(),
        new.note.as_str(),
        new.at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

#[derive(Debug)]
struct NoteRow {
    id: NoteId,
    site: String,
    moderator_id: ModeratorId,
    moderator_name: String,
    note: String,
    at: OffsetDateTime,
}

impl From<NoteRow> for NoteLine {
    fn from(row: NoteRow) -> Self {
        Self {
            id: row.id,
            site: row.site,
            by: Actor {
                kind: ActorKind::Moderator,
                id: Some(row.moderator_id),
                name: Some(row.moderator_name),
            },
            note: row.note,
            at: row.at,
        }
    }
}

/// Notes of the scope's sites, newest first (their ids sort as their times do), before that place: up to [`Limit::rows`].
/// One statement.
pub(in crate::moderation) async fn list(
    connection: &mut PgConnection,
    scope: &SiteScope,
    about: About,
    before: Option<TimeCursor>,
    limit: Limit,
) -> Result<Vec<NoteLine>, Error> {
    let (scope, before) = (scope.uuids(), before.map(|last| last.id));
    let rows = match about {
        About::Comment(comment) => {
            sqlx::query_as!(
                NoteRow,
                r#"
                select n.id as "id: NoteId", s.slug as site, n.moderator_id as "moderator_id: ModeratorId",
                    m.name as moderator_name, n.note, n.at
                from notes n
                join sites s on s.id = n.site_id
                join moderators m on m.id = n.moderator_id
                where n.comment_id = $1
                    and ($2::uuid[] is null or n.site_id = any($2))
                    and ($3::uuid is null or n.id < $3)
                order by n.id desc
                limit $4
                "#,
                comment.as_uuid(),
                scope as _,
                before,
                limit.rows(),
            )
            .fetch_all(connection)
            .await?
        }
        About::Author(author) => {
            sqlx::query_as!(
                NoteRow,
                r#"
                select n.id as "id: NoteId", s.slug as site, n.moderator_id as "moderator_id: ModeratorId",
                    m.name as moderator_name, n.note, n.at
                from notes n
                join sites s on s.id = n.site_id
                join moderators m on m.id = n.moderator_id
                where n.author_id = $1
                    and ($2::uuid[] is null or n.site_id = any($2))
                    and ($3::uuid is null or n.id < $3)
                order by n.id desc
                limit $4
                "#,
                author.as_uuid(),
                scope as _,
                before,
                limit.rows(),
            )
            .fetch_all(connection)
            .await?
        }
    };
    Ok(rows.into_iter().map(NoteLine::from).collect())
}

/// Deletes a note of the scope's sites, only if it is by `moderator` where one is given, and says whether there was such a
/// one. One statement.
pub(in crate::moderation) async fn delete(
    connection: &mut PgConnection,
    scope: &SiteScope,
    id: NoteId,
    moderator: Option<ModeratorId>,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        r#"
        delete from notes
        where id = $1
            and ($2::uuid[] is null or site_id = any($2))
            and ($3::uuid is null or moderator_id = $3)
        "#,
        id.as_uuid(),
        scope.uuids() as _,
        moderator.as_ref().map(ModeratorId::as_uuid),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}
