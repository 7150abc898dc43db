//! `Comments`: what readers can do with comments. Must not know HTTP; owns the calls to the store.

use std::sync::Arc;

use crate::base::clock::Clock;
use crate::base::secret::{Purpose, ServerSecret, Subkey};
use crate::comments::avatar::{self, AvatarHash};
use crate::comments::cache::Lists;
use crate::comments::tokens::ManageTokens;
use crate::database::Database;
use crate::sites::Sites;

mod authors;
mod batch;
mod changes;
mod counts;
mod edit;
mod feed;
mod ingest;
pub mod moderate;
mod own;
pub mod past;
mod persons;
mod preview;
mod reactions;
mod read;
mod reply;
pub mod retention;
mod submit;

use ingest::Ingest;

pub use authors::AUTHOR_IDS_JOB;
pub use changes::{Change, Changes};
pub use ingest::WRITERS;
pub use own::Own;
pub use persons::{Redacted, without};
pub use reactions::Reaction;
pub use read::{AuthorView, ListAsked, Order, PageName, Replies, Start, Thread, ThreadList};
pub use reply::StoredReply;
pub use submit::{Receipt, Submission};

pub use crate::comments::authors::AuthorIds;
pub use crate::comments::cache::Kept;
pub use crate::comments::limits::Limits;
pub use crate::comments::tokens::ManageToken;

/// The handle to readers' comments; cheap to clone.
#[derive(Clone)]
pub struct Comments {
    database: Database,
    sites: Sites,
    clock: Clock,
    tokens: ManageTokens,
    idempotency: Subkey,
    avatars: Subkey,
    voters: Subkey,
    reporters: Subkey,
    authors: AuthorIds,
    limits: Arc<Limits>,
    changes: Changes,
    ingest: Ingest,
    lists: Arc<Lists>,
}

/// Octets of published lists that are kept where nothing else is said.
const LISTS_BYTES_MAX: u64 = 32 << 20;

impl Comments {
    /// With the server's secret for manage tokens, idempotency keys, avatars and whoever votes or reports; what changes is told to `changes`.
    pub fn new(
        database: Database,
        sites: Sites,
        clock: Clock,
        secret: &ServerSecret,
        limits: Arc<Limits>,
        changes: Changes,
    ) -> Self {
        Self {
            database,
            sites,
            clock,
            tokens: ManageTokens::new(secret.subkey(Purpose::ManageToken)),
            idempotency: secret.subkey(Purpose::IdempotencyKey),
            avatars: secret.subkey(Purpose::Avatar),
            voters: secret.subkey(Purpose::Voter),
            reporters: secret.subkey(Purpose::Reporter),
            authors: AuthorIds::new(secret),
            limits,
            lists: Arc::new(Lists::new(LISTS_BYTES_MAX, changes.pages().clone())),
            changes,
            ingest: Ingest::new(ingest::WAITING_MAX),
        }
    }

    /// The same with another bound, in octets, for the published lists that are kept; 0 keeps none.
    #[must_use]
    pub fn keeping(self, lists_bytes_max: u64) -> Self {
        Self {
            lists: Arc::new(Lists::new(lists_bytes_max, self.changes.pages().clone())),
            ..self
        }
    }

    /// Publishes the gauges of what is kept.
    pub fn observe(&self) {
        self.lists.observe();
    }

    /// The ids that stand for authors.
    pub fn authors(&self) -> &AuthorIds {
        &self.authors
    }

    /// Where changes are told, after their commit.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// The readers' limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
}

/// The picture of an avatar's hash, 32 hexadecimal digits; the same for ever. Looks nothing up.
pub fn draw_avatar(hash: &str) -> Option<String> {
    hash.parse::<AvatarHash>()
        .ok()
        .map(|hash| avatar::svg(&hash))
}
