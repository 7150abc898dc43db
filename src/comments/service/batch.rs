//! One batch of submissions: from candidates to receipts. Must not know who waits for them, nor HTTP.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::ingest::Waiting;
use super::submit::{
    ATTEMPTS_MAX, Candidate, Position, REMEMBERED, Receipt, duplicate_key, judge, open_page,
    position,
};
use super::{AuthorView, Change, Comments};
use crate::base::ids::{CommentId, PageId, SiteId};
use crate::comments::error::Error;
use crate::comments::model::{PublicComment, Status};
use crate::comments::store::facts::{self, Facts};
use crate::comments::store::submit::{self as store, Earlier, Stored};
use crate::database::{self, Lane};

/// A submission that was judged, by its place in the batch.
struct Judged {
    place: usize,
    id: CommentId,
    /// None until its page is made.
    page: Option<PageId>,
    position: Position,
    status: Status,
}

impl Comments {
    /// Stores the submissions and answers each. Where a statement fails on what one of them holds, the batch is halved
    /// until that one is alone, so that it spoils nobody else's.
    pub(super) async fn take_in(&self, batch: Vec<Waiting>) {
        let mut batches = vec![batch];
        while let Some(mut batch) = batches.pop() {
            let work = async |connection: &mut PgConnection| {
                // Each race has one who wins it, so few tries in a row answer nobody.
                let mut vain = 0;
                while !batch.is_empty() && vain < ATTEMPTS_MAX {
                    let before = batch.len();
                    self.attempt(connection, &mut batch).await?;
                    batch.retain(Waiting::is_open);
                    vain = if batch.len() < before { 0 } else { vain + 1 };
                }
                Ok(())
            };
            let outcome = self.database.run(Lane::Submissions, work).await;
            batch.retain(Waiting::is_open);
            if let Err(Error::Database(database::Error::Statement(_))) = outcome
                && batch.len() > 1
            {
                let second = batch.split_off(batch.len() / 2);
                batches.extend([second, batch]);
                continue;
            }
            for waiting in &mut batch {
                waiting.answer(Err(match &outcome {
                    Err(Error::Database(error)) => store::refused(error.clone()),
                    Ok(()) | Err(_) => Error::Contended,
                }));
            }
        }
    }

    /// One try: all are answered afterwards but those with whom somebody else was faster; the next try will see what they
    /// did. Two round trips, one more for new pages, and one or two for each that meets an earlier one.
    async fn attempt(
        &self,
        connection: &mut PgConnection,
        batch: &mut [Waiting],
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let questions: Vec<_> = batch
            .iter()
            .map(|waiting| question(&waiting.work))
            .collect();
        let known = facts::ask(connection, &questions).await?;
        let mut judged = Vec::with_capacity(batch.len());
        let mut keys = HashSet::new();
        for (place, (waiting, facts)) in batch.iter_mut().zip(&known).enumerate() {
            if let Some(earlier) = &facts.earlier {
                self.answer_earlier(connection, waiting, earlier, now)
                    .await?;
                continue;
            }
            // The same key twice: whoever comes second is a retry, which the next try finds and which costs no limit.
            let key = waiting.work.prints.idempotency_key;
            if key.is_some_and(|key| !keys.insert(key)) {
                continue;
            }
            match self.judge_one(&mut waiting.work, facts, place, now) {
                Ok(one) => judged.push(one),
                Err(refusal) => waiting.answer(Err(refusal)),
            }
        }
        let made = make_pages(connection, batch, &mut judged, now).await?;
        self.changes.pages().publish(made);
        self.store(connection, batch, &judged, now).await
    }

    /// Judges a submission by what is known; takes it from its limits, once for all tries.
    fn judge_one(
        &self,
        candidate: &mut Candidate,
        facts: &Facts,
        at: usize,
        now: OffsetDateTime,
    ) -> Result<Judged, Error> {
        let pace = match candidate.pace {
            Some(pace) => pace,
            None => *candidate.pace.insert(self.take(&candidate.submission)?),
        };
        let submission = &candidate.submission;
        let draft = &submission.draft;
        let id = CommentId::new(now);
        let author_is_known = matches!((&submission.voucher, facts.voucher_version),
            (Some(token), Some(version)) if self.tokens.verify(token, version));
        Ok(Judged {
            place: at,
            id,
            page: open_page(&candidate.site, draft, facts.page.as_ref(), now)?,
            position: position(id, draft, facts.parent.as_ref())?,
            status: judge(candidate.site.hold, author_is_known, pace),
        })
    }

    /// Stores what was judged and has its page, and answers it.
    async fn store(
        &self,
        connection: &mut PgConnection,
        batch: &mut [Waiting],
        judged: &[Judged],
        now: OffsetDateTime,
    ) -> Result<(), Error> {
        let new: Vec<_> = judged
            .iter()
            .filter_map(|one| {
                let candidate = &batch.get(one.place)?.work;
                Some(self.new_comment(candidate, one, one.page?, now))
            })
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        let stored = store::insert(connection, &new).await?;
        // The statement was its own transaction, so this is after the commit.
        let changes: Vec<_> = new
            .iter()
            .zip(&stored)
            .filter(|(_, stored)| matches!(stored, Stored::Inserted))
            .map(|(new, _)| Change {
                comment_id: new.id,
                site_id: new.site,
                status: new.status,
                version: 1,
                shown_page: (new.status == Status::Approved).then_some(new.page),
            })
            .collect();
        self.changes.publish(&changes);
        drop(new);
        let with_page = judged.iter().filter(|one| one.page.is_some());
        for (one, stored) in with_page.zip(stored) {
            let Some(waiting) = batch.get_mut(one.place) else {
                continue;
            };
            match stored {
                Stored::Inserted => {
                    let receipt = self.receipt(&waiting.work, one, now);
                    waiting.answer(Ok(receipt));
                }
                Stored::InTheWay(earlier) => {
                    self.answer_earlier(connection, waiting, &earlier, now)
                        .await?;
                }
                Stored::Raced => {}
            }
        }
        Ok(())
    }

    fn new_comment<'a>(
        &self,
        candidate: &'a Candidate,
        one: &Judged,
        page: PageId,
        now: OffsetDateTime,
    ) -> store::NewComment<'a> {
        let draft = &candidate.submission.draft;
        store::NewComment {
            id: one.id,
            site: candidate.site.id,
            page,
            parent_id: one.position.parent_id,
            root_id: one.position.root_id,
            depth: one.position.depth,
            status: one.status,
            draft,
            body_html: &candidate.body_html,
            avatar: &candidate.avatar,
            author: self.authors.of(draft.email.key()),
            submitted_at: now,
            idempotency_key: candidate.prints.key(),
            content_hash: &candidate.prints.content,
            duplicate_key: duplicate_key(page, draft.email.key(), &draft.body),
        }
    }

    /// A submission with the same key or the same text is there: answer it again, refuse, or free its keys for the next
    /// try.
    async fn answer_earlier(
        &self,
        connection: &mut PgConnection,
        waiting: &mut Waiting,
        earlier: &Earlier,
        now: OffsetDateTime,
    ) -> Result<(), Error> {
        if earlier.submitted_at <= now - REMEMBERED {
            return store::free_keys(connection, earlier.id, now - REMEMBERED).await;
        }
        let prints = &waiting.work.prints;
        let same_key = prints
            .key()
            .is_some_and(|key| earlier.idempotency_key.as_deref() == Some(key));
        if !same_key {
            waiting.answer(Err(Error::Duplicate));
        } else if earlier.content_hash != prints.content {
            waiting.answer(Err(Error::KeyReused));
        } else {
            let whole = self.find_whole(connection, earlier.id).await?;
            let manage_token = self.tokens.make(earlier.id, whole.token_version);
            waiting.answer(Ok(Receipt {
                comment: AuthorView::of(whole, &self.sites),
                manage_token,
                replayed: true,
            }));
        }
        Ok(())
    }

    fn receipt(&self, candidate: &Candidate, one: &Judged, now: OffsetDateTime) -> Receipt {
        let draft = &candidate.submission.draft;
        let website = draft.website.as_ref();
        Receipt {
            manage_token: self.tokens.make(one.id, 1),
            replayed: false,
            comment: AuthorView {
                status: one.status,
                body: draft.body.as_str().to_owned(),
                reason: None,
                editable_until: Some(now + candidate.site.edit_window),
                comment: PublicComment {
                    id: one.id,
                    parent_id: one.position.parent_id,
                    depth: one.position.depth,
                    name: draft.name.as_str().to_owned(),
                    website: website.map(|website| website.as_str().to_owned()),
                    is_staff: false,
                    avatar: candidate.avatar.clone(),
                    body_html: candidate.body_html.clone(),
                    submitted_at: now,
                    edited_at: None,
                    score: 0,
                },
            },
        }
    }
}

fn question(candidate: &Candidate) -> facts::Question<'_> {
    let submission = &candidate.submission;
    facts::Question {
        site: candidate.site.id,
        draft: &submission.draft,
        idempotency_key: candidate.prints.key(),
        vouched_by: submission.voucher.as_ref().map(|token| token.comment_id),
    }
}

/// Makes the pages that are named for the first time, and says which. A submission stays without one where somebody else
/// has just taken its address or key, also within the batch under another key.
async fn make_pages(
    connection: &mut PgConnection,
    batch: &[Waiting],
    judged: &mut [Judged],
    now: OffsetDateTime,
) -> Result<HashSet<PageId>, Error> {
    let mut wanted: HashMap<(SiteId, &str), store::NewPage<'_>> = HashMap::new();
    let mut without = Vec::new();
    for one in judged.iter_mut().filter(|one| one.page.is_none()) {
        let Some(Waiting {
            work: candidate, ..
        }) = batch.get(one.place)
        else {
            continue;
        };
        let (site, draft) = (candidate.site.id, &candidate.submission.draft);
        let address = (site, draft.page_url.key());
        wanted.entry(address).or_insert_with(|| store::NewPage {
            id: PageId::new(now),
            site,
            draft,
            created_at: now,
        });
        without.push((address, &draft.page_key, one));
    }
    if wanted.is_empty() {
        return Ok(HashSet::new());
    }
    let pages: Vec<_> = wanted.values().collect();
    let made = store::make_pages(connection, &pages).await?;
    let made: HashSet<PageId> = made.into_iter().collect();
    for (address, page_key, one) in without {
        let named = wanted.get(&address);
        one.page = named
            .filter(|page| made.contains(&page.id) && page.draft.page_key == *page_key)
            .map(|page| page.id);
    }
    Ok(made)
}
