//! The statements of erasures, and of notes as far as a person's data go. Must not know whose id it is.
//!
//! An erasure's row is locked before anything of it goes, so that two runs take turns.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::unknown;
use crate::accounts::model::SiteScope;
use crate::base::ids::{AuthorId, CommentId, ErasureId, ModeratorId, NoteId, SiteId};
use crate::comments::model::changes::Deleter;
use crate::database::Error;
use crate::moderation::model::persons::{Asker, Erasure, HeldErasure, HeldNote, NoteText, Walk};

/// Writes an erasure down. One statement.
pub(in crate::moderation) async fn insert(
    connection: &mut PgConnection,
    erasure: &Erasure,
    author: AuthorId,
    asker: &Asker,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        insert into erasures (id, author_id, sites, moderator_id, total, moderator_account, created_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        "#,
        erasure.id.as_uuid(),
        author.as_uuid(),
        asker.sites.uuids() as _,
        asker.moderator_id.as_ref().map(ModeratorId::as_uuid),
        erasure.total,
        erasure.has_account,
        erasure.created_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// An erasure whose sites the scope covers. One statement.
pub(in crate::moderation) async fn find(
    connection: &mut PgConnection,
    scope: &SiteScope,
    id: ErasureId,
) -> Result<Option<Erasure>, Error> {
    let erasure = sqlx::query_as!(
        Erasure,
        r#"
        select
            id as "id: ErasureId", total, erased, redacted, moderator_account as has_account, created_at, finished_at
        from erasures
        where id = $1 and ($2::uuid[] is null or sites <@ $2)
        "#,
        id.as_uuid(),
        scope.uuids() as _,
    )
    .fetch_optional(connection)
    .await?;
    Ok(erasure)
}

/// Locks an erasure, unless it is done. One statement.
pub(in crate::moderation) async fn hold(
    connection: &mut PgConnection,
    id: ErasureId,
) -> Result<Option<HeldErasure>, Error> {
    let row = sqlx::query!(
        r#"
        select author_id as "author_id!: AuthorId", sites, moderator_id as "moderator_id: ModeratorId", walk, walked_to
        from erasures
        where id = $1 and finished_at is null
        for update
        "#,
        id.as_uuid(),
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(HeldErasure {
            author: row.author_id,
            sites: row.sites.map_or(SiteScope::All, |sites| {
                SiteScope::Only(sites.into_iter().map(SiteId::from_uuid).collect())
            }),
            by: row.moderator_id.map_or(Deleter::System, Deleter::Moderator),
            walk: Walk::parse(&row.walk).ok_or_else(|| unknown("kind of texts"))?,
            walked_to: row.walked_to,
        })
    })
    .transpose()
}

/// Counts comments that have gone; there may be more than there were when it was asked for. One statement.
pub(in crate::moderation) async fn count_erased(
    connection: &mut PgConnection,
    id: ErasureId,
    erased: i32,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        update erasures
        set erased = erased + $2,
            total = greatest(total, erased + $2)
        where id = $1
        "#,
        id.as_uuid(),
        erased,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes how far it has gone over texts, and how many had the address. One statement.
pub(in crate::moderation) async fn walk_on(
    connection: &mut PgConnection,
    id: ErasureId,
    (walk, walked_to): (Walk, Uuid),
    redacted: i32,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        update erasures
        set walk = $2,
            walked_to = $3,
            redacted = redacted + $4
        where id = $1
        "#,
        id.as_uuid(),
        walk.as_str(),
        walked_to,
        redacted,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends it; whom it was about isn't known from then on. One statement.
pub(in crate::moderation) async fn finish(
    connection: &mut PgConnection,
    id: ErasureId,
    now: OffsetDateTime,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        update erasures
        set author_id = null,
            finished_at = $2
        where id = $1
        "#,
        id.as_uuid(),
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Deletes up to so many notes about an author on the scope's sites; says how many. One statement.
pub(in crate::moderation) async fn delete_author_notes(
    connection: &mut PgConnection,
    scope: &SiteScope,
    author: AuthorId,
    limit: i64,
) -> Result<u64, Error> {
    let done = sqlx::query!(
        r#"
        delete from notes
        where id in (
            select id
            from notes
            where author_id = $1 and ($2::uuid[] is null or site_id = any($2))
            order by id
            limit $3
        )
        "#,
        author.as_uuid(),
        scope.uuids() as _,
        limit,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// The next notes about an author on the scope's sites, in the order of their ids. One statement.
pub(in crate::moderation) async fn list_author_notes(
    connection: &mut PgConnection,
    scope: &SiteScope,
    author: AuthorId,
    after: NoteId,
    limit: i64,
) -> Result<Vec<HeldNote>, Error> {
    let notes = sqlx::query_as!(
        HeldNote,
        r#"
        select n.id as "id: NoteId", s.slug as site, n.note, n.at
        from notes n
        join sites s on s.id = n.site_id
        where n.author_id = $1 and ($2::uuid[] is null or n.site_id = any($2)) and n.id > $3
        order by n.id
        limit $4
        "#,
        author.as_uuid(),
        scope.uuids() as _,
        after.as_uuid(),
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(notes)
}

/// The next notes about these comments, in the order of their ids. One statement.
pub(in crate::moderation) async fn list_comment_notes(
    connection: &mut PgConnection,
    comments: &[CommentId],
    after: NoteId,
    limit: i64,
) -> Result<Vec<(CommentId, HeldNote)>, Error> {
    let ids: Vec<Uuid> = comments.iter().map(|id| *id.as_uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select
            n.comment_id as "comment_id!: CommentId", n.id as "id: NoteId", s.slug as site, n.note, n.at
        from notes n
        join sites s on s.id = n.site_id
        where n.comment_id = any($1) and n.id > $2
        order by n.id
        limit $3
        "#,
        &ids,
        after.as_uuid(),
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let note = HeldNote {
                id: row.id,
                site: row.site,
                note: row.note,
                at: row.at,
            };
            (row.comment_id, note)
        })
        .collect())
}

/// The next notes of all sites in the order of their ids, with the text where it has an `@` and is of the scope and not
/// about the author. One statement.
pub(in crate::moderation) async fn list_texts(
    connection: &mut PgConnection,
    scope: &SiteScope,
    author: AuthorId,
    after: NoteId,
    limit: i64,
) -> Result<Vec<NoteText>, Error> {
    let notes = sqlx::query_as!(
        NoteText,
        r#"
        select
            n.id as "id: NoteId",
            case
                when position('@' in n.note) > 0
                    and ($2::uuid[] is null or n.site_id = any($2))
                    and n.author_id is distinct from $3
                    and c.author_id is distinct from $3
                then n.note
            end as note
        from notes n
        left join comments c on c.id = n.comment_id
        where n.id > $1
        order by n.id
        limit $4
        "#,
        after.as_uuid(),
        scope.uuids() as _,
        author.as_uuid(),
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(notes)
}

/// Changes a note's text, if it is still there. One statement.
pub(in crate::moderation) async fn rewrite_note(
    connection: &mut PgConnection,
    id: NoteId,
    note: &str,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        update notes
        set note = $2
        where id = $1
        "#,
        id.as_uuid(),
        note,
    )
    .execute(connection)
    .await?;
    Ok(())
}
