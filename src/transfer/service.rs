//! The export of a site, part by part. Must not know HTTP or SQL.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Map;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::error::Error;
use super::model::{CommentLine, Line, PageLine, SiteLine};
use super::store::{self, COMMENTS_MAX, Place, ROWS_MAX, SiteName};
use crate::accounts::model::{Caller, SiteScope};
use crate::audit;
use crate::audit::model::{Act, AuditActor, Subject};
use crate::base::clock::Clock;
use crate::base::ids::{CommentId, NoteId, PageId, ReportId, SiteId};
use crate::database::{Database, Lane};

/// Exports at once in an instance: each may have a part of a site in memory for as long as its client likes.
const EXPORTS_MAX: usize = 4;
/// Rows are on disk this long after the time in their ids, or never: no statement lasts longer, and no clock of another
/// instance is further off.
const SETTLED_AFTER: Duration = Duration::minutes(1);

/// The handle of transfers; cheap to clone.
#[derive(Clone)]
pub struct Transfer {
    database: Database,
    clock: Clock,
    exports: Arc<Semaphore>,
}

impl Transfer {
    /// Transfers from this database, by this clock.
    pub fn new(database: Database, clock: Clock) -> Self {
        Self {
            database,
            clock,
            exports: Arc::new(Semaphore::new(EXPORTS_MAX)),
        }
    }

    /// Whether the caller may see a site of this id. Two round trips.
    pub async fn check(&self, caller: &Caller, id: SiteId) -> Result<(), Error> {
        let now = self.clock.now();
        let run = async |connection: &mut PgConnection| {
            let name = SiteName::Id(id);
            let site = store::find_site(connection, &caller.sites, name, now).await?;
            site.map(drop).ok_or(Error::SiteNotFound)
        };
        self.database.run(Lane::Moderators, run).await
    }

    /// Begins the export of one of the caller's sites, and records it. Three round trips and those of the transaction.
    pub async fn export(&self, caller: &Caller, id: SiteId) -> Result<Export, Error> {
        let by = AuditActor::Moderator(caller.moderator_id);
        self.begin(by, &caller.sites, SiteName::Id(id)).await
    }

    /// The same for whoever runs the service.
    pub async fn export_for_operator(&self, slug: &str) -> Result<Export, Error> {
        let name = SiteName::Slug(slug);
        self.begin(AuditActor::Operator, &SiteScope::All, name)
            .await
    }

    async fn begin(
        &self,
        by: AuditActor,
        scope: &SiteScope,
        name: SiteName<'_>,
    ) -> Result<Export, Error> {
        let permit = Arc::clone(&self.exports).try_acquire_owned();
        let permit = permit.ok().ok_or(Error::Busy)?;
        let now = self.clock.now();
        let run = async |connection: &mut PgConnection| {
            let site = store::find_site(connection, scope, name, now).await?;
            let site = site.ok_or(Error::SiteNotFound)?;
            let act = Act {
                by,
                name: "site.exported",
                subject: Subject {
                    kind: "site",
                    id: Some(*site.id.as_uuid()),
                    site: Some(site.id),
                },
                details: Map::new(),
            };
            audit::service::record(connection, &act, now).await?;
            Ok::<_, Error>(site)
        };
        let site = self.database.transact(Lane::Moderators, run).await?;
        Ok(Export {
            database: self.database.clone(),
            site: site.id,
            slug: site.slug.clone(),
            begun_at: now,
            next: Stage::Site(Box::new(site)),
            unsettled: PageId::least_of(now - SETTLED_AFTER),
            pages_written: HashSet::new(),
            thread: Thread::default(),
            pages: 0,
            comments: 0,
            _permit: permit,
        })
    }
}

/// An export under way: what comes next is read when it is asked for, on a connection that is given back before the lines
/// are handed out.
///
/// It has every page and comment that was there when it began and wasn't changed meanwhile; what comes in or changes while
/// it goes on may be in it in either form, or not at all, but never without its page and the comments that it answers.
pub struct Export {
    database: Database,
    site: SiteId,
    slug: String,
    begun_at: OffsetDateTime,
    next: Stage,
    /// Pages from this id on may have come in unseen behind the reading of pages.
    unsettled: PageId,
    /// Those of them that are written.
    pages_written: HashSet<PageId>,
    thread: Thread,
    pages: u64,
    comments: u64,
    _permit: OwnedSemaphorePermit,
}

/// What comes next.
enum Stage {
    Site(Box<SiteLine>),
    Pages(Option<PageId>),
    Comments(Place),
    AuthorNotes(NoteId),
    End,
    Nothing,
}

/// The comments of the thread under way that are written.
#[derive(Default)]
struct Thread {
    root: Option<CommentId>,
    written: HashSet<CommentId>,
}

impl Thread {
    /// Whether a comment may be written: the one that it answers is, or it answers none. An answer to one that came in
    /// behind the reading isn't.
    fn takes(&mut self, root: CommentId, comment: &CommentLine) -> bool {
        if self.root != Some(root) {
            self.root = Some(root);
            self.written.clear();
        }
        let parent = comment.parent_id.as_ref();
        let takes = parent.is_none_or(|parent| self.written.contains(parent));
        if takes {
            self.written.insert(comment.id);
        }
        takes
    }
}

impl Export {
    /// The slug of the site.
    pub fn slug(&self) -> &str {
        &self.slug
    }

    /// The site.
    pub fn site(&self) -> SiteId {
        self.site
    }

    /// When it began.
    pub fn begun_at(&self) -> OffsetDateTime {
        self.begun_at
    }

    /// Pages and comments so far.
    pub fn written(&self) -> (u64, u64) {
        (self.pages, self.comments)
    }

    /// The next lines, never none; nothing after the last. One to a few round trips, each within a deadline of its own.
    pub async fn next(&mut self) -> Result<Option<Vec<Line>>, Error> {
        loop {
            let lines = match std::mem::replace(&mut self.next, Stage::Nothing) {
                Stage::Site(site) => {
                    self.next = Stage::Pages(None);
                    vec![Line::Site(site)]
                }
                Stage::Pages(after) => self.next_pages(after).await?,
                Stage::Comments(after) => self.next_comments(after).await?,
                Stage::AuthorNotes(after) => self.next_author_notes(after).await?,
                Stage::End => vec![Line::End {
                    pages: self.pages,
                    comments: self.comments,
                }],
                Stage::Nothing => return Ok(None),
            };
            if !lines.is_empty() {
                return Ok(Some(lines));
            }
        }
    }

    async fn next_pages(&mut self, after: Option<PageId>) -> Result<Vec<Line>, Error> {
        let pages = self.load_pages(after, None).await?;
        self.next = match pages.last().filter(|_| pages.len() == ROWS_MAX) {
            Some(last) => Stage::Pages(Some(last.id)),
            None => Stage::Comments(Place::beginning()),
        };
        Ok(self.write_pages(pages))
    }

    async fn next_comments(&mut self, after: Place) -> Result<Vec<Line>, Error> {
        let site = self.site;
        let run = async |connection: &mut PgConnection| {
            Ok::<_, Error>(store::load_comments(connection, site, after).await?)
        };
        let found = self.database.run(Lane::Moderators, run).await?;
        self.next = match found.last().filter(|_| found.len() == COMMENTS_MAX) {
            Some((place, _)) => Stage::Comments(*place),
            None => Stage::AuthorNotes(NoteId::from_uuid(Uuid::nil())),
        };
        let mut comments = Vec::with_capacity(found.len());
        for (place, comment) in found {
            if self.thread.takes(place.root, &comment) {
                comments.push(comment);
            }
        }
        let mut lines = self.missing_pages(&comments).await?;
        self.add_history(&mut comments).await?;
        self.add_notes(&mut comments).await?;
        self.add_reports(&mut comments).await?;
        self.comments += count(comments.len());
        let comments = comments.into_iter();
        lines.extend(comments.map(|comment| Line::Comment(Box::new(comment))));
        Ok(lines)
    }

    /// The pages of these comments that aren't written yet.
    async fn missing_pages(&mut self, comments: &[CommentLine]) -> Result<Vec<Line>, Error> {
        let pages: HashSet<PageId> = comments.iter().map(|comment| comment.page).collect();
        let missing: Vec<PageId> = pages
            .into_iter()
            .filter(|page| *page >= self.unsettled && !self.pages_written.contains(page))
            .collect();
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        let pages = self.load_pages(None, Some(&missing)).await?;
        Ok(self.write_pages(pages))
    }

    async fn load_pages(
        &self,
        after: Option<PageId>,
        only: Option<&[PageId]>,
    ) -> Result<Vec<PageLine>, Error> {
        let run = async |connection: &mut PgConnection| {
            Ok(store::load_pages(connection, self.site, after, only).await?)
        };
        self.database.run(Lane::Moderators, run).await
    }

    fn write_pages(&mut self, pages: Vec<PageLine>) -> Vec<Line> {
        self.pages += count(pages.len());
        let ids = pages.iter().map(|page| page.id);
        self.pages_written
            .extend(ids.filter(|id| *id >= self.unsettled));
        pages.into_iter().map(Line::Page).collect()
    }

    async fn add_history(&self, comments: &mut [CommentLine]) -> Result<(), Error> {
        let load = async |ids: &[CommentId], after| {
            let run = async |connection: &mut PgConnection| {
                Ok::<_, Error>(store::load_history(connection, ids, after).await?)
            };
            self.database.run(Lane::Moderators, run).await
        };
        let first = (CommentId::from_uuid(Uuid::nil()), 0);
        add_parts(comments, first, load, |comment| &mut comment.history).await
    }

    async fn add_notes(&self, comments: &mut [CommentLine]) -> Result<(), Error> {
        let load = async |ids: &[CommentId], after| {
            let run = async |connection: &mut PgConnection| {
                Ok::<_, Error>(store::load_notes(connection, ids, after).await?)
            };
            self.database.run(Lane::Moderators, run).await
        };
        let first = NoteId::from_uuid(Uuid::nil());
        add_parts(comments, first, load, |comment| &mut comment.notes).await
    }

    async fn add_reports(&self, comments: &mut [CommentLine]) -> Result<(), Error> {
        let load = async |ids: &[CommentId], after| {
            let run = async |connection: &mut PgConnection| {
                Ok::<_, Error>(store::load_reports(connection, ids, after).await?)
            };
            self.database.run(Lane::Moderators, run).await
        };
        let nil = Uuid::nil();
        let first = (CommentId::from_uuid(nil), ReportId::from_uuid(nil));
        add_parts(comments, first, load, |comment| &mut comment.reports).await
    }

    async fn next_author_notes(&mut self, after: NoteId) -> Result<Vec<Line>, Error> {
        let site = self.site;
        let run = async |connection: &mut PgConnection| {
            Ok::<_, Error>(store::load_author_notes(connection, site, after).await?)
        };
        let notes = self.database.run(Lane::Moderators, run).await?;
        self.next = match notes.last().filter(|_| notes.len() == ROWS_MAX) {
            Some((last, _)) => Stage::AuthorNotes(*last),
            None => Stage::End,
        };
        let notes = notes.into_iter();
        Ok(notes.map(|(_, note)| Line::AuthorNote(note)).collect())
    }
}

/// Adds to each comment what `load` gives of all of them: pieces of at most [`ROWS_MAX`], each behind the last part of the one
/// before, in their order.
async fn add_parts<After: Copy, Part>(
    comments: &mut [CommentLine],
    mut after: After,
    load: impl AsyncFn(&[CommentId], After) -> Result<Vec<(After, CommentId, Part)>, Error>,
    parts_of: impl Fn(&mut CommentLine) -> &mut Vec<Part>,
) -> Result<(), Error> {
    let ids: Vec<CommentId> = comments.iter().map(|comment| comment.id).collect();
    let comments = comments.iter_mut();
    let mut places: HashMap<_, _> = comments.map(|comment| (comment.id, comment)).collect();
    loop {
        let parts = load(&ids, after).await?;
        let more = parts.len() == ROWS_MAX;
        for (place, comment, part) in parts {
            after = place;
            if let Some(comment) = places.get_mut(&comment) {
                parts_of(comment).push(part);
            }
        }
        if !more {
            return Ok(());
        }
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
