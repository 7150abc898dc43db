//! Submitting: from a draft to a receipt, in two round trips. Must not know HTTP.

use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use super::{AuthorView, Change, Comments};
use crate::base::codes::Refusal as _;
use crate::base::email::EmailKey;
use crate::base::ids::{CommentId, PageId};
use crate::base::page_url::Origin;
use crate::base::text::Body;
use crate::comments::avatar::AvatarHash;
use crate::comments::error::Error;
use crate::comments::limits::Pace;
use crate::comments::model::{DEPTH_MAX, Draft, PublicComment, Status};
use crate::comments::render;
use crate::comments::store::submit as store;
use crate::comments::tokens::ManageToken;
use crate::database::Lane;
use crate::sites::{Hold, NewPages, Site};
use crate::web::client_address::Network;

/// A key stands for its submission, and a text for itself, this long.
pub(super) const REMEMBERED: Duration = Duration::hours(24);
/// How often a submission that lost a race looks again. Each time somebody else has got on, so few do.
pub(super) const ATTEMPTS_MAX: usize = 5;
/// Longer texts are rendered off the thread that serves requests.
const RENDER_INLINE_BYTES_MAX: usize = 2_000;

/// What a reader sends, with where it came from.
pub struct Submission {
    /// The fields.
    pub draft: Draft,
    /// The client's Idempotency-Key.
    pub idempotency_key: Option<String>,
    /// The web page's origin, where a browser names it.
    pub origin: Option<Origin>,
    /// The manage token of an earlier comment, by which `first_time` knows an author.
    pub voucher: Option<ManageToken>,
    /// What limits are counted by.
    pub network: Network,
}

/// The answer to a submission.
pub struct Receipt {
    /// The comment as its author may see it.
    pub comment: AuthorView,
    /// Good for seeing, editing and withdrawing it.
    pub manage_token: String,
    /// True when an earlier submission of the same key is answered again.
    pub replayed: bool,
}

/// Where a comment stands in its thread.
pub(super) struct Position {
    pub(super) parent_id: Option<CommentId>,
    pub(super) root_id: CommentId,
    pub(super) depth: i16,
}

/// What stays the same from try to try.
struct Candidate<'a> {
    submission: &'a Submission,
    site: &'a Site,
    prints: Fingerprints,
    body_html: String,
}

/// The hashes by which a submission is known again.
struct Fingerprints {
    idempotency_key: Option<[u8; 32]>,
    content: [u8; 32],
}

impl Comments {
    /// Takes a comment. When this returns it is on disk, with the first line of its history. Two round trips; three
    /// or more only after a lost race or a key whose time is over.
    pub async fn submit(&self, submission: Submission) -> Result<Receipt, Error> {
        let outcome = self.take_in(submission).await;
        let word = match &outcome {
            Ok(receipt) if receipt.replayed => "replayed",
            Ok(receipt) => receipt.comment.status.as_str(),
            Err(error) => error.code().as_str(),
        };
        metrics::counter!("rejoinder_submissions_total", "outcome" => word).increment(1);
        outcome
    }

    async fn take_in(&self, submission: Submission) -> Result<Receipt, Error> {
        let draft = &submission.draft;
        let site = self
            .sites
            .find_by_origin(draft.page_url.origin())
            .ok_or(Error::UnknownSiteSubmitted)?;
        if submission
            .origin
            .as_ref()
            .is_some_and(|origin| !self.sites.may_write(origin, &site))
        {
            return Err(Error::OriginNotAllowed);
        }
        // A replay costs no limit, so with a key the limit waits until we know that it is none. Without one it comes
        // before the rendering, which is the costly part.
        let mut pace = match submission.idempotency_key {
            None => Some(self.take(&submission)?),
            Some(_) => None,
        };
        let candidate = Candidate {
            submission: &submission,
            site: &site,
            prints: self.fingerprints(&submission, &site),
            body_html: render_body(draft.body.clone()).await,
        };
        self.database
            .run(Lane::Readers, async |connection: &mut PgConnection| {
                for _ in 0..ATTEMPTS_MAX {
                    if let Some(receipt) = self.attempt(connection, &candidate, &mut pace).await? {
                        return Ok(receipt);
                    }
                }
                Err(Error::Contended)
            })
            .await
    }

    fn take(&self, submission: &Submission) -> Result<Pace, Error> {
        self.limits
            .take_submission(submission.network, submission.draft.email.key())
            .map_err(Error::RateLimited)
    }

    fn fingerprints(&self, submission: &Submission, site: &Site) -> Fingerprints {
        let draft = &submission.draft;
        let site_id = site.id.as_uuid().as_bytes();
        let parent = draft.parent_id.map(|id| id.to_string());
        Fingerprints {
            idempotency_key: submission
                .idempotency_key
                .as_ref()
                .map(|key| self.idempotency.mac(&[site_id, key.as_bytes()])),
            content: hash(&[
                site_id,
                draft.page_url.key().as_bytes(),
                draft
                    .page_key
                    .as_ref()
                    .map_or("", |key| key.as_str())
                    .as_bytes(),
                draft
                    .page_title
                    .as_ref()
                    .map_or("", |title| title.as_str())
                    .as_bytes(),
                parent.as_deref().unwrap_or("").as_bytes(),
                draft.name.as_str().as_bytes(),
                draft.email.key().as_str().as_bytes(),
                draft
                    .website
                    .as_ref()
                    .map_or("", |website| website.as_str())
                    .as_bytes(),
                draft.body.as_str().as_bytes(),
            ]),
        }
    }

    /// One try; `None` when somebody else was faster and the next try will see what they did.
    async fn attempt(
        &self,
        connection: &mut PgConnection,
        candidate: &Candidate<'_>,
        pace: &mut Option<Pace>,
    ) -> Result<Option<Receipt>, Error> {
        let Candidate {
            submission,
            site,
            prints,
            body_html,
        } = candidate;
        let draft = &submission.draft;
        let now = self.clock.now();
        let facts = store::ask(
            connection,
            &store::Question {
                site: site.id,
                draft,
                idempotency_key: prints.idempotency_key.as_ref().map(<[u8; 32]>::as_slice),
                vouched_by: submission.voucher.as_ref().map(|token| token.comment_id),
            },
        )
        .await?;
        if let Some(earlier) = &facts.earlier {
            return self.answer_earlier(connection, earlier, prints, now).await;
        }
        let pace = match *pace {
            Some(pace) => pace,
            None => *pace.insert(self.take(submission)?),
        };
        let known_page = open_page(site, draft, facts.page.as_ref(), now)?;
        let id = CommentId::new(now);
        let position = position(id, draft, facts.parent.as_ref())?;
        let known = matches!((&submission.voucher, facts.voucher_version),
            (Some(token), Some(version)) if self.tokens.verify(token, version));
        let page_id = known_page.unwrap_or_else(|| PageId::new(now));
        let avatar =
            AvatarHash::new(&self.avatars, site.id, draft.email.key(), &draft.name).to_string();
        let new = store::NewComment {
            id,
            site: site.id,
            page: page_id,
            page_is_new: known_page.is_none(),
            parent_id: position.parent_id,
            root_id: position.root_id,
            depth: position.depth,
            status: judge(site.hold, known, pace),
            draft,
            body_html,
            avatar: &avatar,
            author: self.authors.of(draft.email.key()),
            submitted_at: now,
            idempotency_key: prints.idempotency_key.as_ref().map(<[u8; 32]>::as_slice),
            content_hash: &prints.content,
            duplicate_key: &duplicate_key(page_id, draft.email.key(), &draft.body),
        };
        match store::insert(connection, &new).await? {
            // The statement was its own transaction, so this is after the commit.
            store::Stored::Inserted => {
                self.changes.publish(&[Change {
                    comment_id: new.id,
                    site_id: site.id,
                    status: new.status,
                    version: 1,
                }]);
                Ok(Some(self.receipt(&new, site)))
            }
            store::Stored::InTheWay(earlier) => {
                self.answer_earlier(connection, &earlier, prints, now).await
            }
            store::Stored::Raced => Ok(None),
        }
    }

    /// A submission with the same key or the same text is there: answer it again, refuse, or free its keys.
    async fn answer_earlier(
        &self,
        connection: &mut PgConnection,
        earlier: &store::Earlier,
        prints: &Fingerprints,
        now: OffsetDateTime,
    ) -> Result<Option<Receipt>, Error> {
        if earlier.submitted_at <= now - REMEMBERED {
            store::free_keys(connection, earlier.id, now - REMEMBERED).await?;
            return Ok(None);
        }
        let same_key = prints
            .idempotency_key
            .is_some_and(|key| earlier.idempotency_key.as_deref() == Some(&key[..]));
        if !same_key {
            return Err(Error::Duplicate);
        }
        if earlier.content_hash != prints.content {
            return Err(Error::KeyReused);
        }
        let whole = self.find_whole(connection, earlier.id).await?;
        let manage_token = self.tokens.make(earlier.id, whole.token_version);
        Ok(Some(Receipt {
            comment: AuthorView::of(whole, &self.sites),
            manage_token,
            replayed: true,
        }))
    }

    fn receipt(&self, new: &store::NewComment<'_>, site: &Site) -> Receipt {
        let draft = new.draft;
        Receipt {
            manage_token: self.tokens.make(new.id, 1),
            replayed: false,
            comment: AuthorView {
                status: new.status,
                body: draft.body.as_str().to_owned(),
                reason: None,
                editable_until: Some(new.submitted_at + site.edit_window),
                comment: PublicComment {
                    id: new.id,
                    parent_id: new.parent_id,
                    depth: new.depth,
                    name: draft.name.as_str().to_owned(),
                    website: draft
                        .website
                        .as_ref()
                        .map(|website| website.as_str().to_owned()),
                    is_staff: false,
                    avatar: new.avatar.to_owned(),
                    body_html: new.body_html.to_owned(),
                    submitted_at: new.submitted_at,
                    edited_at: None,
                    score: 0,
                },
            },
        }
    }
}

/// The page to comment under, `None` where it is to be made, or why it takes none.
fn open_page(
    site: &Site,
    draft: &Draft,
    page: Option<&store::PageFacts>,
    now: OffsetDateTime,
) -> Result<Option<PageId>, Error> {
    let Some(page) = page else {
        return match site.new_pages {
            NewPages::Open => Ok(None),
            NewPages::Registered => Err(Error::PageNotRegistered),
        };
    };
    if draft
        .page_key
        .as_ref()
        .is_some_and(|key| page.key.as_deref() != Some(key.as_str()))
    {
        return Err(Error::UnknownPageKey);
    }
    if !page.comments_open || site.has_closed(page.began, now) {
        return Err(Error::Closed);
    }
    Ok(Some(page.id))
}

fn position(
    id: CommentId,
    draft: &Draft,
    parent: Option<&store::ParentFacts>,
) -> Result<Position, Error> {
    match (draft.parent_id, parent) {
        (None, _) => Ok(Position {
            parent_id: None,
            root_id: id,
            depth: 0,
        }),
        (Some(_), None) => Err(Error::ParentNotFound),
        (Some(_), Some(parent)) => Ok(under(parent)),
    }
}

/// Where an answer to this comment stands: under it, or beside it where it stands deepest.
pub(super) fn under(parent: &store::ParentFacts) -> Position {
    if parent.depth < DEPTH_MAX {
        return Position {
            parent_id: Some(parent.id),
            root_id: parent.root_id,
            depth: parent.depth + 1,
        };
    }
    Position {
        parent_id: parent.parent_id,
        root_id: parent.root_id,
        depth: parent.depth,
    }
}

pub(super) fn judge(hold: Hold, author_is_known: bool, pace: Pace) -> Status {
    match (hold, pace) {
        (_, Pace::Hurried) | (Hold::All, _) => Status::Pending,
        (Hold::FirstTime, Pace::Usual) if !author_is_known => Status::Pending,
        (Hold::FirstTime | Hold::Flagged, Pace::Usual) => Status::Approved,
    }
}

pub(super) fn duplicate_key(page: PageId, email: &EmailKey, body: &Body) -> [u8; 32] {
    hash(&[
        page.as_uuid().as_bytes(),
        email.as_str().as_bytes(),
        body.as_str().as_bytes(),
    ])
}

/// SHA-256 over the parts, each behind its length, so that no two lists of parts give the same octets.
pub(super) fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

pub(super) async fn render_body(body: Body) -> String {
    if body.as_str().len() <= RENDER_INLINE_BYTES_MAX {
        return render::render(&body);
    }
    let aside = body.clone();
    match tokio::task::spawn_blocking(move || render::render(&aside)).await {
        Ok(html) => html,
        // The runtime is shutting down, or the renderer failed on this text: do it here, where an error shows.
        Err(_) => render::render(&body),
    }
}
