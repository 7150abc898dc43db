//! Cursors of lists that are ordered by their ids alone. Must not know what is listed.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::base::codes::Code;
use crate::base::paging::{CursorTag, TimeCursor};
use crate::web::ApiError;
use crate::web::query::Query;

/// The cursors of one list.
#[derive(Clone, Copy)]
pub(super) struct Cursor(pub(super) CursorTag);

impl Cursor {
    /// The id of the last item before, where a cursor was sent.
    pub(super) fn read(self, query: &Query) -> Result<Option<Uuid>, ApiError> {
        let Some(text) = query.find("cursor")? else {
            return Ok(None);
        };
        let cursor = TimeCursor::decode(self.0, text);
        let cursor = cursor.ok_or_else(|| ApiError::new(Code::InvalidCursor))?;
        Ok(Some(cursor.id))
    }

    /// The cursor behind an item. The time isn't needed, since ids sort as their times do.
    pub(super) fn write(self, id: Uuid) -> String {
        let at = OffsetDateTime::UNIX_EPOCH;
        TimeCursor { at, id }.encode(self.0)
    }
}
