//! Taking an address out of texts of comments. Must not know whose it is, nor SQL.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::Comments;
use super::submit::render_body;
use crate::base::email::EmailKey;
use crate::base::mentions::redact;
use crate::base::text::Body;
use crate::comments::model::changes::Deleter;
use crate::comments::model::decisions::DecisionResult;
use crate::comments::model::persons::{CommentText, TextKind};
use crate::comments::store::mentions as store;
use crate::database;

/// What came of taking an address out of texts.
#[derive(Debug, Default)]
pub struct Redacted {
    /// So many texts don't have it any more.
    pub texts: usize,
    /// Comments that changed, to be told after the commit.
    pub changed: Vec<DecisionResult>,
    /// So many comments have been changed by others since they were read: to be read and asked for again.
    pub missed: usize,
}

/// The text without the address, where that stands in it. A website or a browser's name with it goes as a whole.
pub fn without(mut text: CommentText, is_meant: impl Fn(&EmailKey) -> bool) -> Option<CommentText> {
    let mut found = false;
    for part in [&mut text.name, &mut text.body] {
        if let Some(redacted) = redact(part, &is_meant) {
            *part = redacted;
            found = true;
        }
    }
    for part in [&mut text.website, &mut text.user_agent] {
        let mentions = |written: &String| redact(written, &is_meant).is_some();
        found |= part.take_if(|written| mentions(written)).is_some();
    }
    found.then_some(text)
}

impl Comments {
    /// Writes texts as they are without an address ([`without`]): what it was isn't kept, since the address would stand
    /// there; the change has its line in the history. For a transaction: one statement for what stands there now, one for
    /// each other text.
    pub async fn rewrite(
        &self,
        connection: &mut PgConnection,
        texts: Vec<CommentText>,
        by: Deleter,
        at: OffsetDateTime,
    ) -> Result<Redacted, database::Error> {
        let mut redacted = Redacted::default();
        let mut current = Vec::new();
        for text in texts {
            match text.kind {
                TextKind::Current => {
                    let html = render_body(Body::from_stored(text.body.clone())).await;
                    current.push((text, html));
                    continue;
                }
                TextKind::Earlier => store::rewrite_earlier(connection, &text).await?,
                TextKind::DecisionNote => store::rewrite_decision_note(connection, &text).await?,
                TextKind::ReportNote(id) => {
                    store::rewrite_report_note(connection, id, &text.body).await?;
                }
            }
            redacted.texts += 1;
        }
        if !current.is_empty() {
            redacted.changed = store::rewrite(connection, &current, by, at).await?;
            redacted.texts += redacted.changed.len();
            redacted.missed = current.len().saturating_sub(redacted.changed.len());
        }
        Ok(redacted)
    }
}
