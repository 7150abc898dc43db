//! What moderators wrote about comments goes when the comments do. Must not know why they go.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::base::ids::CommentId;
use crate::database::Error;

/// Deletes the notes about these comments; for the transaction that deletes them. One statement.
pub(in crate::moderation) async fn delete_notes(
    connection: &mut PgConnection,
    comments: &[CommentId],
) -> Result<(), Error> {
    let ids: Vec<Uuid> = comments.iter().map(|id| *id.as_uuid()).collect();
    sqlx::query!(
        r#"
        delete from notes
        where comment_id = any($1::uuid[])
        "#,
        &ids
    )
    .execute(connection)
    .await?;
    Ok(())
}
