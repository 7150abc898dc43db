//! Cursors of lists: one that is taken is exactly the one that was given. Must not know any list.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rejoinder::base::paging::{CursorTag, RankCursor, TimeCursor};
use time::OffsetDateTime;
use uuid::Uuid;

fuzz_target!(|input: (u8, &str, [u8; 16], i64, i32)| {
    let (tag, text, id, microseconds, rank) = input;
    let tag = CursorTag(tag);
    if let Some(cursor) = TimeCursor::decode(tag, text) {
        assert_eq!(cursor.encode(tag), text);
    }
    if let Some(cursor) = RankCursor::decode(tag, text) {
        assert_eq!(cursor.encode(tag), text);
    }
    let id = Uuid::from_bytes(id);
    let Ok(at) = OffsetDateTime::from_unix_timestamp_nanos(i128::from(microseconds) * 1_000) else {
        return;
    };
    // Nothing is as old as that, and such a cursor isn't taken.
    if at.year() < 0 {
        return;
    }
    let cursor = TimeCursor { at, id };
    assert_eq!(TimeCursor::decode(tag, &cursor.encode(tag)), Some(cursor));
    let cursor = RankCursor { rank, at, id };
    assert_eq!(RankCursor::decode(tag, &cursor.encode(tag)), Some(cursor));
});
