//! Submitting: what can be said of a submission before it is shared with those that wait at the same time (`ingest`), and
//! the rules by which it is judged. Must not know HTTP or SQL.

use std::sync::Arc;

use time::{Duration, OffsetDateTime};

use super::{AuthorView, Comments};
use crate::base::codes::Refusal as _;
use crate::base::email::EmailKey;
use crate::base::fingerprint::fingerprint;
use crate::base::ids::{CommentId, PageId};
use crate::base::page_url::Origin;
use crate::base::text::Body;
use crate::comments::avatar::AvatarHash;
use crate::comments::error::Error;
use crate::comments::limits::Pace;
use crate::comments::model::{DEPTH_MAX, Draft, Status};
use crate::comments::render;
use crate::comments::store::facts as store;
use crate::comments::tokens::ManageToken;
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

/// A submission that is ready to be judged and stored.
pub(super) struct Candidate {
    pub(super) submission: Submission,
    pub(super) site: Arc<Site>,
    pub(super) prints: Fingerprints,
    pub(super) body_html: String,
    pub(super) avatar: String,
    /// None until something is taken from its limits.
    pub(super) pace: Option<Pace>,
}

/// The hashes by which a submission is known again.
pub(super) struct Fingerprints {
    pub(super) idempotency_key: Option<[u8; 32]>,
    pub(super) content: [u8; 32],
}

impl Fingerprints {
    /// That of the key, where there is one.
    pub(super) fn key(&self) -> Option<&[u8]> {
        self.idempotency_key.as_ref().map(<[u8; 32]>::as_slice)
    }
}

impl Comments {
    /// Takes a comment. When this returns it is on disk, with the first line of its history. Two round trips, shared with
    /// whoever waits at the same time; three where the page is new; more only after a lost race or a key whose time is
    /// over.
    pub async fn submit(&self, submission: Submission) -> Result<Receipt, Error> {
        let outcome = match self.candidate(submission).await {
            Ok(candidate) => self.hand_over(candidate).await,
            Err(error) => Err(error),
        };
        let word = match &outcome {
            Ok(receipt) if receipt.replayed => "replayed",
            Ok(receipt) => receipt.comment.status.as_str(),
            Err(error) => error.code().as_str(),
        };
        metrics::counter!("rejoinder_submissions_total", "outcome" => word).increment(1);
        outcome
    }

    async fn candidate(&self, submission: Submission) -> Result<Candidate, Error> {
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
        let pace = match submission.idempotency_key {
            None => Some(self.take(&submission)?),
            Some(_) => None,
        };
        let avatar = AvatarHash::new(&self.avatars, site.id, draft.email.key(), &draft.name);
        Ok(Candidate {
            prints: self.fingerprints(&submission, &site),
            body_html: render_body(draft.body.clone()).await,
            avatar: avatar.to_string(),
            submission,
            site,
            pace,
        })
    }

    /// Takes a submission from the limits of its network and address.
    pub(super) fn take(&self, submission: &Submission) -> Result<Pace, Error> {
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
            content: fingerprint(&[
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
}

/// The page to comment under, `None` where it is to be made, or why it takes none.
pub(super) fn open_page(
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

/// Where a comment stands: at the top, or under the comment that it answers.
pub(super) fn position(
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
    fingerprint(&[
        page.as_uuid().as_bytes(),
        email.as_str().as_bytes(),
        body.as_str().as_bytes(),
    ])
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
