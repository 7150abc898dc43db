//! A person's data by their e-mail address: how much there is, all of it as a document, its erasure. Must not know HTTP or
//! SQL.
//!
//! The address is turned into the id that stands for it as soon as it is known, and is never written down: others' texts
//! are searched by making the id of every address in them.

mod erase;
mod export;

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::accounts::find_account_of;
use crate::audit;
use crate::audit::model::{Act, Subject};
use crate::base::clock::Clock;
use crate::base::email::{EmailAddress, EmailKey};
use crate::base::ids::AuthorId;
use crate::comments::Comments;
use crate::comments::service::moderate;
use crate::database::{Database, Lane};
use crate::jobs::model::Progress;
use crate::moderation::error::Error;
use crate::moderation::model::persons::{Asker, PersonCount};

pub use erase::ERASURE_JOB;
pub use export::Export;

/// Comments from before there were author ids get theirs on the way, this many thousands; with more, the job that does it
/// is waited for.
const FILLS_MAX: usize = 3;

/// The handle to what is held of persons; cheap to clone.
#[derive(Clone)]
pub struct Persons {
    database: Database,
    clock: Clock,
    comments: Comments,
}

impl Persons {
    /// Of this database's comments, by this clock.
    pub fn new(database: Database, clock: Clock, comments: Comments) -> Self {
        Self {
            database,
            clock,
            comments,
        }
    }

    /// Makes sure that every comment is found by its author; for commands, which have no request's deadline, and may have
    /// been given another secret than the service. One transaction for each 1,000 comments that lack their author's id.
    pub async fn prepare(&self) -> Result<(), Error> {
        let run = async |connection: &mut PgConnection| {
            Ok::<_, Error>(moderate::find_latest_author(connection).await?)
        };
        let latest = self.database.run(Lane::Moderators, run).await?;
        if latest.is_some_and(|(email, author)| self.author(&email) != author) {
            return Err(Error::OtherSecret);
        }
        while self.comments.fill_author_ids().await? != Progress::Done {}
        Ok(())
    }

    /// How much there is of a person on the asker's sites. Two round trips.
    pub async fn count(&self, asker: &Asker, email: &EmailAddress) -> Result<PersonCount, Error> {
        self.find_all_authors().await?;
        let author = self.author(email.key());
        let run = async |connection: &mut PgConnection| {
            let comments = moderate::count_of_author(connection, &asker.sites, author).await?;
            let account = find_account_of(connection, &asker.sites, email.key()).await?;
            Ok(PersonCount {
                comments,
                has_account: account.is_some(),
            })
        };
        self.database.run(Lane::Moderators, run).await
    }

    fn author(&self, email: &EmailKey) -> AuthorId {
        self.comments.authors().of(email)
    }

    async fn find_all_authors(&self) -> Result<(), Error> {
        for _ in 0..FILLS_MAX {
            if self.comments.fill_author_ids().await? == Progress::Done {
                return Ok(());
            }
        }
        Err(Error::AuthorsNotReady)
    }
}

/// Records that somebody asked for a person's data. The id in it can't be told from others without the server's secret and
/// the address; with both it shows that a demand was met.
async fn record(
    connection: &mut PgConnection,
    asker: &Asker,
    name: &'static str,
    (author, comments): (AuthorId, i64),
    now: OffsetDateTime,
) -> Result<(), Error> {
    let act = Act {
        by: asker.actor(),
        name,
        subject: Subject {
            kind: "author",
            id: Some(*author.as_uuid()),
            site: None,
        },
        details: [("comments".to_owned(), comments.into())]
            .into_iter()
            .collect(),
    };
    Ok(audit::service::record(connection, &act, now).await?)
}
