//! Cursor pages: how many, and where to go on. Must not know what is listed, nor SQL.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::base::complaint::{Complaint, ComplaintCode};

/// How many items a page of a list has: 1–100, 50 where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limit(u8);

impl Limit {
    /// The most items a page can have.
    pub const MAX: u8 = 100;

    /// Reads the query parameter: decimal digits only.
    pub fn parse(text: &str) -> Result<Self, Complaint> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u8>() {
            Ok(limit @ 1..=Self::MAX) if digits => Ok(Self(limit)),
            _ => Err(Complaint::new(
                ComplaintCode::InvalidValue,
                "must be a whole number from 1 to 100",
            )),
        }
    }

    /// How many items to give.
    pub fn get(self) -> usize {
        usize::from(self.0)
    }

    /// How many rows to ask the database for: one more, which tells whether another page follows.
    pub fn rows(self) -> i64 {
        i64::from(self.0) + 1
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

/// Names the list (and its order) that a cursor belongs to, so that one can't be used in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CursorTag(pub u8);

/// The last item of a page in a list that is ordered by time, then id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeCursor {
    /// The item's time, to the microsecond.
    pub at: OffsetDateTime,
    /// The item's id, for items of one time.
    pub id: Uuid,
}

/// The last item of a page in a list that is ordered by a number (a score, a risk), then time, then id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RankCursor {
    /// The number that orders the list.
    pub rank: i32,
    /// The item's time, to the microsecond.
    pub at: OffsetDateTime,
    /// The item's id, for items of one time.
    pub id: Uuid,
}

/// Tag, microseconds since 1970, id.
const TIME_CURSOR_BYTES: usize = 1 + 8 + 16;
/// The same and the rank at the end.
const RANK_CURSOR_BYTES: usize = TIME_CURSOR_BYTES + 4;

impl TimeCursor {
    /// The opaque text that goes out as `next_cursor`.
    pub fn encode(&self, tag: CursorTag) -> String {
        URL_SAFE_NO_PAD.encode(head(tag, self.at, self.id))
    }

    /// Reads a cursor of the list `tag`; none for anything that [`TimeCursor::encode`] can't have made.
    pub fn decode(tag: CursorTag, text: &str) -> Option<Self> {
        let bytes = decode_exactly::<TIME_CURSOR_BYTES>(text)?;
        let (at, id, []) = split_head(tag, &bytes)? else {
            return None;
        };
        Some(Self { at, id })
    }
}

impl RankCursor {
    /// The opaque text that goes out as `next_cursor`.
    pub fn encode(&self, tag: CursorTag) -> String {
        let mut bytes = head(tag, self.at, self.id);
        bytes.extend(self.rank.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor of the list `tag`; none for anything that [`RankCursor::encode`] can't have made.
    pub fn decode(tag: CursorTag, text: &str) -> Option<Self> {
        let bytes = decode_exactly::<RANK_CURSOR_BYTES>(text)?;
        let (at, id, rest) = split_head(tag, &bytes)?;
        let (rank, []) = rest.split_first_chunk()? else {
            return None;
        };
        Some(Self {
            rank: i32::from_be_bytes(*rank),
            at,
            id,
        })
    }
}

fn head(tag: CursorTag, at: OffsetDateTime, id: Uuid) -> Vec<u8> {
    let micros = i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000)).unwrap_or(i64::MAX);
    let mut bytes = Vec::with_capacity(RANK_CURSOR_BYTES);
    bytes.push(tag.0);
    bytes.extend(micros.to_be_bytes());
    bytes.extend(id.as_bytes());
    bytes
}

/// Times before this year can't be stored; a cursor that names one was made up.
const FIRST_YEAR: i32 = 0;

fn split_head(tag: CursorTag, bytes: &[u8]) -> Option<(OffsetDateTime, Uuid, &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (micros, rest) = rest.split_first_chunk()?;
    let (id, rest) = rest.split_first_chunk()?;
    let nanos = i128::from(i64::from_be_bytes(*micros)) * 1_000;
    // A number out of the calendar is simply no cursor: there is no cause worth keeping.
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?;
    (found == tag.0 && at.year() >= FIRST_YEAR).then(|| (at, Uuid::from_bytes(*id), rest))
}

/// Strict: the right length, no padding, no stray bits, so that a cursor has one text.
fn decode_exactly<const N: usize>(text: &str) -> Option<[u8; N]> {
    // Checked first: a long text isn't worth decoding.
    if text.len() != (N * 4).div_ceil(3) {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const TAG: CursorTag = CursorTag(7);
    const AT: OffsetDateTime = datetime!(2026-11-24 16:27:18.123456 UTC);

    #[test]
    fn limits_are_1_to_100() {
        for (text, limit) in [("1", 1), ("50", 50), ("99", 99), ("100", 100), ("007", 7)] {
            assert_eq!(Limit::parse(text).map(Limit::get), Ok(limit));
        }
        for text in [
            "",
            "0",
            "101",
            "256",
            "-1",
            "+5",
            "1.0",
            " 5",
            "5 ",
            "1e2",
            "٣",
            "x",
            "99999999999999999999",
        ] {
            assert_eq!(
                Limit::parse(text).unwrap_err().code,
                ComplaintCode::InvalidValue,
                "{text}"
            );
        }
        assert_eq!(Limit::default().get(), 50);
        assert_eq!(Limit::default().rows(), 51);
    }

    #[test]
    fn a_cursor_belongs_to_its_list() {
        let text = TimeCursor {
            at: AT,
            id: Uuid::nil(),
        }
        .encode(TAG);
        assert!(TimeCursor::decode(TAG, &text).is_some());
        assert_eq!(TimeCursor::decode(CursorTag(8), &text), None);
        assert_eq!(RankCursor::decode(TAG, &text), None);
        let text = RankCursor {
            rank: -3,
            at: AT,
            id: Uuid::nil(),
        }
        .encode(TAG);
        assert_eq!(TimeCursor::decode(TAG, &text), None);
    }

    #[test]
    fn a_broken_cursor_is_none() {
        let good = TimeCursor {
            at: AT,
            id: Uuid::max(),
        }
        .encode(TAG);
        let longer = format!("{good}A");
        let padded = format!("{good}==");
        let shorter: String = good.chars().skip(1).collect();
        let standard = good.replace(['-', '_'], "+");
        let out_of_calendar = URL_SAFE_NO_PAD.encode([[7].as_slice(), &[0x7f; 24]].concat());
        let before_the_calendar = URL_SAFE_NO_PAD.encode([[7, 0x80].as_slice(), &[0; 23]].concat());
        for text in [
            "", "null", "0", "\0", "é", &longer, &padded, &shorter, &standard,
        ] {
            assert_eq!(TimeCursor::decode(TAG, text), None, "{text:?}");
        }
        assert_eq!(TimeCursor::decode(TAG, &out_of_calendar), None);
        assert_eq!(TimeCursor::decode(TAG, &before_the_calendar), None);
        assert_eq!(TimeCursor::decode(TAG, &"A".repeat(1_000_000)), None);
    }

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_it_went(
            tag: u8, rank: i32, micros in 0i64..253_402_300_799_999_999, id: u128,
        ) {
            let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).unwrap();
            let (tag, id) = (CursorTag(tag), Uuid::from_u128(id));
            let plain = TimeCursor { at, id };
            prop_assert_eq!(TimeCursor::decode(tag, &plain.encode(tag)), Some(plain));
            let ranked = RankCursor { rank, at, id };
            prop_assert_eq!(RankCursor::decode(tag, &ranked.encode(tag)), Some(ranked));
        }

        #[test]
        fn a_cursor_has_one_text(text in "[A-Za-z0-9_-]{34}") {
            if let Some(cursor) = TimeCursor::decode(TAG, &text) {
                prop_assert_eq!(cursor.encode(TAG), text);
            }
        }

        #[test]
        fn no_text_is_a_panic(text in ".*") {
            TimeCursor::decode(TAG, &text);
            RankCursor::decode(TAG, &text);
        }
    }
}
