//! Erasing a person, in pieces that each commit what they did and how far they came. Must not know HTTP or SQL.
//!
//! First what the person wrote and what was noted about it and them, then their address in the texts of others. A piece
//! begins with looking for comments again, so the end comes only when none is left: what the same address sends while the
//! erasure is at work goes too, and what it sends later is new.

use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;

use super::{Persons, record};
use crate::accounts::find_account_of;
use crate::accounts::model::SiteScope;
use crate::base::email::{EmailAddress, EmailKey};
use crate::base::ids::{CommentId, ErasureId, NoteId, PageId};
use crate::base::mentions::redact;
use crate::base::text::Title;
use crate::comments::model::changes::Deletion;
use crate::comments::model::decisions::{DecisionResult, Outcome};
use crate::comments::service::moderate::delete_comments;
use crate::comments::service::{Change, moderate, without};
use crate::database::Lane;
use crate::jobs;
use crate::jobs::model::{NewJob, Progress};
use crate::moderation::error::Error;
use crate::moderation::model::persons::{Asker, Erasure, ErasureJob, HeldErasure, Walk};
use crate::moderation::store::persons as store;
use crate::sites::service::titles;

/// The kind of the jobs that erase; the payload is an [`ErasureJob`].
pub const ERASURE_JOB: &str = "persons.erase";

/// So many comments, notes or pages are gone over by one transaction.
const PIECE: i64 = 500;
/// So many pieces a run of the job does before other jobs get their turn: a second or so.
const PIECES_OF_RUN: usize = 8;
/// A command does the work itself; the job is for the case that it is broken off.
const HEAD_START: Duration = Duration::minutes(1);

/// What a piece came to: comments that changed, and pages whose words did.
type Piece = (Progress, Vec<DecisionResult>, Vec<PageId>);

/// What a piece of a walk came to: where it is, how many texts had the address, and comments that changed.
struct Walked {
    /// None at the end of this kind of texts.
    to: Option<Uuid>,
    redacted: usize,
    changed: Vec<DecisionResult>,
    changed_pages: Vec<PageId>,
}

impl Persons {
    /// Begins to erase a person on the asker's sites, if they have as many comments there as the asker was shown. One
    /// transaction; a job does the work, at once, or later where the asker is at the command line and does it there.
    pub async fn begin_erasure(
        &self,
        asker: &Asker,
        email: &EmailAddress,
        expected_count: i64,
    ) -> Result<Erasure, Error> {
        self.find_all_authors().await?;
        let (author, now) = (self.author(email.key()), self.clock.now());
        let head_start = match asker.moderator_id {
            Some(_) => Duration::ZERO,
            None => HEAD_START,
        };
        let work = async |connection: &mut PgConnection| {
            let count = moderate::count_of_author(connection, &asker.sites, author).await?;
            if count != expected_count {
                return Err(Error::CountChanged);
            }
            let account = find_account_of(connection, &asker.sites, email.key()).await?;
            let erasure = Erasure {
                id: ErasureId::new(now),
                total: i32::try_from(count).unwrap_or(i32::MAX),
                erased: 0,
                redacted: 0,
                has_account: account.is_some(),
                created_at: now,
                finished_at: None,
            };
            store::insert(connection, &erasure, author, asker).await?;
            let key = erasure.id.to_string();
            let payload = serde_json::to_value(ErasureJob {
                erasure: erasure.id,
            });
            let job = NewJob {
                kind: ERASURE_JOB,
                payload: payload.unwrap_or_default(),
                unique_key: Some(&key),
                run_at: now + head_start,
            };
            jobs::enqueue(connection, &job, now).await?;
            record(connection, asker, "person.erased", (author, count), now).await?;
            Ok(erasure)
        };
        self.database.transact(Lane::Moderators, work).await
    }

    /// An erasure whose sites the asker sees. One round trip.
    pub async fn show_erasure(&self, scope: &SiteScope, id: ErasureId) -> Result<Erasure, Error> {
        let run = async |connection: &mut PgConnection| {
            let found = store::find(connection, scope, id).await?;
            found.ok_or(Error::ErasureNotFound)
        };
        self.database.run(Lane::Moderators, run).await
    }

    /// Goes on with an erasure for a second or so; for the job, and for the command until it is done. One transaction for
    /// each 500 things. May run twice or at the same time as another, and after the end.
    pub async fn run_erasure(&self, id: ErasureId) -> Result<Progress, Error> {
        if self.comments.fill_author_ids().await? != Progress::Done {
            return Ok(Progress::More);
        }
        for _ in 0..PIECES_OF_RUN {
            let work = async |connection: &mut PgConnection| self.erase_piece(connection, id).await;
            let (progress, results, pages) = self.database.transact(Lane::Moderators, work).await?;
            let changes: Vec<Change> = results.iter().filter_map(Change::of).collect();
            self.comments.changes().publish(&changes);
            self.comments.changes().pages().publish(pages);
            if progress == Progress::Done {
                return Ok(Progress::Done);
            }
        }
        Ok(Progress::More)
    }

    async fn erase_piece(
        &self,
        connection: &mut PgConnection,
        id: ErasureId,
    ) -> Result<Piece, Error> {
        let Some(erasure) = store::hold(connection, id).await? else {
            return Ok((Progress::Done, Vec::new(), Vec::new()));
        };
        let (sites, author) = (&erasure.sites, erasure.author);
        let first = CommentId::from_uuid(Uuid::nil());
        let ids = moderate::find_of_author(connection, sites, author, first, PIECE).await?;
        if !ids.is_empty() {
            let deletion = Deletion {
                ids: &ids,
                only: None,
                version: None,
                by: erasure.by,
                at: self.clock.now(),
            };
            let results = delete_comments(connection, sites, &deletion).await?;
            let gone = results
                .iter()
                .filter(|result| result.outcome == Outcome::Decided);
            let gone = i32::try_from(gone.count()).unwrap_or(i32::MAX);
            store::count_erased(connection, id, gone).await?;
            return Ok((Progress::More, results, Vec::new()));
        }
        if store::delete_author_notes(connection, sites, author, PIECE).await? > 0 {
            return Ok((Progress::More, Vec::new(), Vec::new()));
        }
        let walked = match erasure.walk {
            Walk::Comments => self.walk_comments(connection, &erasure).await?,
            Walk::Notes => self.walk_notes(connection, &erasure).await?,
            Walk::Pages => self.walk_pages(connection, &erasure).await?,
        };
        let next = match walked.to {
            Some(to) => Some((erasure.walk, to)),
            None => erasure.walk.next().map(|walk| (walk, Uuid::nil())),
        };
        let place = next.unwrap_or((erasure.walk, erasure.walked_to));
        let redacted = i32::try_from(walked.redacted).unwrap_or(i32::MAX);
        store::walk_on(connection, id, place, redacted).await?;
        if next.is_some() {
            return Ok((Progress::More, walked.changed, walked.changed_pages));
        }
        store::finish(connection, id, self.clock.now()).await?;
        Ok((Progress::Done, walked.changed, walked.changed_pages))
    }

    async fn walk_comments(
        &self,
        connection: &mut PgConnection,
        erasure: &HeldErasure,
    ) -> Result<Walked, Error> {
        let after = CommentId::from_uuid(erasure.walked_to);
        let Some(until) = moderate::find_end_of_chunk(connection, after, PIECE).await? else {
            return Ok(Walked::over());
        };
        let chunk = (after, until);
        let texts = moderate::load_texts(connection, &erasure.sites, erasure.author, chunk).await?;
        let is_meant = |key: &EmailKey| self.author(key) == erasure.author;
        let texts = texts
            .into_iter()
            .filter_map(|text| without(text, is_meant))
            .collect();
        let at = self.clock.now();
        let redacted = self
            .comments
            .rewrite(connection, texts, erasure.by, at)
            .await?;
        // Where somebody edited one meanwhile, the chunk is gone over again.
        let to = if redacted.missed > 0 { after } else { until };
        Ok(Walked {
            to: Some(*to.as_uuid()),
            redacted: redacted.texts,
            changed: redacted.changed,
            changed_pages: Vec::new(),
        })
    }

    async fn walk_notes(
        &self,
        connection: &mut PgConnection,
        erasure: &HeldErasure,
    ) -> Result<Walked, Error> {
        let after = NoteId::from_uuid(erasure.walked_to);
        let (sites, author) = (&erasure.sites, erasure.author);
        let notes = store::list_texts(connection, sites, author, after, PIECE).await?;
        let mut walked = Walked::over();
        for note in notes {
            let text = note.note.unwrap_or_default();
            if let Some(redacted) = redact(&text, |key| self.author(key) == author) {
                store::rewrite_note(connection, note.id, &redacted).await?;
                walked.redacted += 1;
            }
            walked.to = Some(*note.id.as_uuid());
        }
        Ok(walked)
    }

    /// Only titles: by its address and the publisher's id of it a page is found.
    async fn walk_pages(
        &self,
        connection: &mut PgConnection,
        erasure: &HeldErasure,
    ) -> Result<Walked, Error> {
        let after = PageId::from_uuid(erasure.walked_to);
        let pages = titles::list_words(connection, &erasure.sites, after, PIECE).await?;
        let mut walked = Walked::over();
        for page in pages {
            let title = page.title.unwrap_or_default();
            if let Some(redacted) = redact(&title, |key| self.author(key) == erasure.author) {
                let redacted = Title::from_stored(redacted);
                titles::replace_title(connection, page.id, &title, &redacted).await?;
                walked.changed_pages.push(page.id);
                walked.redacted += 1;
            }
            walked.to = Some(*page.id.as_uuid());
        }
        Ok(walked)
    }
}

impl Walked {
    /// There is nothing more of this kind.
    fn over() -> Self {
        Self {
            to: None,
            redacted: 0,
            changed: Vec::new(),
            changed_pages: Vec::new(),
        }
    }
}
