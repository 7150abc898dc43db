//! The ids of things, one type each, so that a page's can't be taken for a comment's. Must not know the things.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::{Builder, Uuid};

use crate::base::random;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord,
            Serialize, Deserialize, sqlx::Type, ToSchema,
        )]
        #[serde(transparent)]
        #[sqlx(transparent)]
        #[schema(value_type = Uuid)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id made at `now`: later ones sort after earlier ones.
            pub fn new(now: OffsetDateTime) -> Self {
                Self(uuid_v7(now, random::bytes()))
            }

            /// The id of this time and these octets, which have to be chosen by chance.
            pub fn from_parts(at: OffsetDateTime, random: [u8; 10]) -> Self {
                Self(uuid_v7(at, random))
            }

            /// The least of all ids made at this time.
            pub fn least_of(at: OffsetDateTime) -> Self {
                Self(uuid_v7(at, [0; 10]))
            }

            /// The id that the database or another system holds as a UUID.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID, for statements and keyed hashes.
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            /// Reads the hyphenated form only, so that one id has one address.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                uuid::fmt::Hyphenated::from_str(text).map(|uuid| Self(uuid.into_uuid()))
            }
        }
    };
}

id! {
    /// One comment, for ever.
    CommentId
}
id! {
    /// One page that readers comment on.
    PageId
}
id! {
    /// One site: pages of one publisher under one policy.
    SiteId
}
id! {
    /// One moderator's account.
    ModeratorId
}
id! {
    /// One sign-in of a moderator.
    SessionId
}

id! {
    /// One API token.
    TokenId
}
id! {
    /// One line of the log of administrative acts.
    AuditEntryId
}
id! {
    /// One job of the queue.
    JobId
}
id! {
    /// One run of a job.
    RunId
}
id! {
    /// One decision on all that a filter takes.
    BatchId
}
id! {
    /// One erasure of what is held of a person.
    ErasureId
}
id! {
    /// One note about a comment or an author.
    NoteId
}
id! {
    /// One report of a reader about a comment.
    ReportId
}
id! {
    /// One browser that votes: a UUID that it made and keeps. Never stored.
    VoterId
}
id! {
    /// One reason of a site for its decisions.
    ReasonId
}
id! {
    /// Stands for an author's e-mail address: a keyed hash of it, in the form of a UUID of version 8.
    AuthorId
}

/// A UUID of version 7 (RFC 9562, section 5.7): milliseconds since 1970, then the microseconds within
/// them as a fraction of 4,096 (section 6.2, method 3), then 62 random bits.
///
/// With the fraction ids sort as their times do, to the microsecond, and new rows land at the end of an index.
fn uuid_v7(now: OffsetDateTime, mut random: [u8; 10]) -> Uuid {
    let micros = u64::try_from(now.unix_timestamp_nanos() / 1_000).unwrap_or(0);
    let fraction = u16::try_from(micros % 1_000 * 4_096 / 1_000)
        .unwrap_or(0)
        .to_be_bytes();
    for (byte, value) in random.iter_mut().zip(fraction) {
        *byte = value;
    }
    Builder::from_unix_timestamp_millis(micros / 1_000, &random).into_uuid()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::Duration;
    use time::macros::datetime;
    use utoipa::PartialSchema as _;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-24 16:27:18.123456 UTC);

    #[test]
    fn an_id_is_a_version_7_uuid_of_its_time() {
        let id = CommentId::new(NOW);
        assert_eq!(id.as_uuid().get_version_num(), 7);
        assert_eq!(id.as_uuid().get_variant(), uuid::Variant::RFC4122);
        let (seconds, _) = id.as_uuid().get_timestamp().unwrap().to_unix();
        assert_eq!(i64::try_from(seconds).unwrap(), NOW.unix_timestamp());
    }

    #[test]
    fn two_ids_of_one_time_differ() {
        assert_ne!(CommentId::new(NOW), CommentId::new(NOW));
    }

    #[test]
    fn times_before_1970_and_far_off_are_not_a_panic() {
        PageId::new(datetime!(1969-12-31 0:00 UTC));
        PageId::new(datetime!(-9999-01-01 0:00 UTC));
        PageId::new(datetime!(9999-12-31 0:00 UTC));
    }

    #[test]
    fn text_and_json_are_the_hyphenated_uuid() {
        let id = SiteId::new(NOW);
        let text = id.to_string();
        assert_eq!(text.len(), 36);
        assert_eq!(text.parse::<SiteId>().unwrap(), id);
        assert_eq!(text.to_uppercase().parse::<SiteId>().unwrap(), id);
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{text}\""));
        assert_eq!(
            serde_json::from_str::<SiteId>(&format!("\"{text}\"")).unwrap(),
            id
        );
    }

    #[test]
    fn other_texts_are_no_ids() {
        let braced = format!("{{{}}}", SiteId::new(NOW));
        let simple = SiteId::new(NOW).as_uuid().simple().to_string();
        for text in [
            "",
            "0",
            "x",
            "../..",
            "00000000-0000-0000-0000-00000000000g",
            &braced,
            &simple,
        ] {
            assert!(text.parse::<SiteId>().is_err(), "{text}");
        }
    }

    /// Compiles only where an id is a UUID to the database, alone and in an array.
    #[test]
    fn the_database_takes_ids_as_uuids() {
        fn same_type<T: sqlx::Type<sqlx::Postgres> + sqlx::postgres::PgHasArrayType>() -> bool {
            T::type_info() == <Uuid as sqlx::Type<sqlx::Postgres>>::type_info()
        }
        assert!(same_type::<CommentId>() && same_type::<PageId>() && same_type::<SiteId>());
        assert!(same_type::<ModeratorId>() && same_type::<SessionId>());
    }

    #[test]
    fn the_schema_is_a_uuid_string() {
        let schema = serde_json::to_value(SessionId::schema()).unwrap();
        assert_eq!(schema["type"], "string");
        assert_eq!(schema["format"], "uuid");
    }

    proptest! {
        #[test]
        fn ids_sort_as_their_times_do(micros in 0i64..4_000_000_000_000_000, later in 1i64..5_000) {
            let at = OffsetDateTime::UNIX_EPOCH + Duration::microseconds(micros);
            let first = ModeratorId::new(at);
            let second = ModeratorId::new(at + Duration::microseconds(later));
            prop_assert!(first < second);
            prop_assert!(first.to_string() < second.to_string());
        }
    }
}
