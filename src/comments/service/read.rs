//! Reading: a page's list, a thread's answers, one comment. Must not know HTTP.

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::Comments;
use crate::base::ids::CommentId;
use crate::base::page_url::PageUrl;
use crate::base::paging::{CursorTag, Limit, RankCursor, TimeCursor};
use crate::base::text::PageKey;
use crate::comments::error::Error;
use crate::comments::model::{PublicComment, PublicPage, Published, Status};
use crate::comments::store::read as store;
use crate::comments::store::read::{Place, REPLIES_SHOWN};
use crate::comments::tokens::ManageToken;
use crate::database::Lane;
use crate::sites::model::SPAM_CODE;
use crate::sites::{Site, Sites};

/// The order of a page's top-level comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// By time.
    #[default]
    Oldest,
    /// By time, the last first.
    Newest,
    /// By score, then the last first.
    Top,
}

const REPLIES_TAG: CursorTag = CursorTag(b'r');

impl Order {
    /// The order of a query word.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "oldest" => Some(Self::Oldest),
            "newest" => Some(Self::Newest),
            "top" => Some(Self::Top),
            _ => None,
        }
    }

    const fn tag(self) -> CursorTag {
        CursorTag(match self {
            Self::Oldest => b'o',
            Self::Newest => b'n',
            Self::Top => b't',
        })
    }

    fn beginning(self) -> Place {
        match self {
            Self::Oldest => earliest(),
            Self::Newest | Self::Top => Place {
                rank: i32::MAX,
                at: FAR_FUTURE,
                id: CommentId::from_uuid(Uuid::max()),
            },
        }
    }

    fn decode(self, cursor: &str) -> Option<Place> {
        if self == Self::Top {
            let RankCursor { rank, at, id } = RankCursor::decode(self.tag(), cursor)?;
            return Some(Place {
                rank,
                at,
                id: CommentId::from_uuid(id),
            });
        }
        decode_time(self.tag(), cursor)
    }

    /// The cursor's text for a list that goes on with this item.
    fn encode(self, place: &Place) -> String {
        if self == Self::Top {
            return RankCursor {
                rank: place.rank,
                at: place.at,
                id: *place.id.as_uuid(),
            }
            .encode(self.tag());
        }
        TimeCursor {
            at: place.at,
            id: *place.id.as_uuid(),
        }
        .encode(self.tag())
    }
}

const FAR_FUTURE: OffsetDateTime = time::macros::datetime!(9999-12-31 0:00 UTC);
const FAR_PAST: OffsetDateTime = time::macros::datetime!(0001-01-01 0:00 UTC);

fn earliest() -> Place {
    Place {
        rank: i32::MIN,
        at: FAR_PAST,
        id: CommentId::from_uuid(Uuid::nil()),
    }
}

fn decode_time(tag: CursorTag, cursor: &str) -> Option<Place> {
    let TimeCursor { at, id } = TimeCursor::decode(tag, cursor)?;
    Some(Place {
        rank: 0,
        at,
        id: CommentId::from_uuid(id),
    })
}

/// How the wanted page is named.
pub enum PageName {
    /// By its address.
    Url(PageUrl),
    /// By the publisher's key within a site.
    Key {
        /// The site's slug.
        site: String,
        /// The key.
        key: PageKey,
    },
}

/// Where in the list to begin.
pub enum Start {
    /// At its beginning.
    Beginning,
    /// Where an earlier answer's cursor says.
    Cursor(String),
    /// So that this comment is among those given.
    Around(CommentId),
}

/// A list that is asked for.
pub struct ListAsked {
    /// Whose.
    pub page: PageName,
    /// In which order.
    pub order: Order,
    /// From where.
    pub start: Start,
    /// How many threads.
    pub limit: Limit,
}

/// A page with a part of its threads.
pub struct ThreadList {
    /// The page.
    pub page: PublicPage,
    /// The threads.
    pub threads: Vec<Thread>,
    /// Where the list goes on.
    pub next_cursor: Option<String>,
}

/// A top-level comment with the beginning of its answers.
pub struct Thread {
    /// The comment itself.
    pub first: Published,
    /// Public answers in all.
    pub reply_count: i64,
    /// The first of them, oldest first.
    pub replies: Vec<Published>,
    /// Where they go on.
    pub next_replies_cursor: Option<String>,
}

/// A part of a thread's answers.
pub struct Replies {
    /// The answers.
    pub replies: Vec<Published>,
    /// Where they go on.
    pub next_cursor: Option<String>,
}

/// A comment as its author may see it, in any state.
pub struct AuthorView {
    /// What the public would see.
    pub comment: PublicComment,
    /// Its state; spam reads as rejected.
    pub status: Status,
    /// The text as it was written.
    pub body: String,
    /// Why it was rejected: code and words.
    pub reason: Option<(String, String)>,
    /// Until when the author may edit.
    pub editable_until: Option<OffsetDateTime>,
}

impl AuthorView {
    pub(super) fn of(whole: store::WholeComment, sites: &Sites) -> Self {
        let open = matches!(whole.status, Status::Pending | Status::Approved);
        let window = Duration::minutes(whole.edit_window_minutes.into());
        let (status, reason) = match whole.status {
            Status::Spam => (Status::Rejected, Some(SPAM_CODE.to_owned())),
            Status::Rejected => (Status::Rejected, whole.reason),
            other => (other, None),
        };
        Self {
            status,
            body: whole.body,
            reason: reason.map(|code| {
                let text = match code.as_str() {
                    SPAM_CODE => "It was taken for advertising.".to_owned(),
                    code => sites.reason_text(whole.site_id, code),
                };
                (code, text)
            }),
            editable_until: open.then(|| whole.comment.submitted_at + window),
            comment: whole.comment,
        }
    }
}

impl Comments {
    /// A page's published threads. Two round trips; one where the page is unknown or empty.
    pub async fn list(&self, asked: ListAsked) -> Result<ThreadList, Error> {
        let site = match &asked.page {
            PageName::Url(url) => self.sites.find_by_origin(url.origin()),
            PageName::Key { site, .. } => self.sites.find_by_slug(site),
        }
        .ok_or(Error::UnknownSite)?;
        let (from, around) = match &asked.start {
            Start::Beginning => (asked.order.beginning(), None),
            Start::Cursor(cursor) => (
                asked.order.decode(cursor).ok_or(Error::InvalidCursor)?,
                None,
            ),
            Start::Around(id) => (asked.order.beginning(), Some(*id)),
        };
        let span = store::Span {
            from,
            around,
            rows: asked.limit.rows(),
        };
        self.database
            .run(Lane::Readers, async |connection: &mut PgConnection| {
                self.list_on(connection, &asked, &site, &span).await
            })
            .await
    }

    async fn list_on(
        &self,
        connection: &mut PgConnection,
        asked: &ListAsked,
        site: &Site,
        span: &store::Span,
    ) -> Result<ThreadList, Error> {
        let (url_key, key) = match &asked.page {
            PageName::Url(url) => (Some(url.key()), None),
            PageName::Key { key, .. } => (None, Some(key.as_str())),
        };
        let page = store::PageAsked {
            site: site.id,
            url_key,
            key,
        };
        let aged = match asked.order {
            Order::Oldest => store::list_oldest(connection, &page, span).await?,
            Order::Newest => store::list_newest(connection, &page, span).await?,
            Order::Top => store::list_top(connection, &page, span).await?,
        };
        let Some(store::Aged { mut listed, began }) = aged else {
            return match span.around {
                Some(_) => Err(Error::NotFound),
                None => Ok(ThreadList {
                    page: unknown_page(asked, site),
                    threads: Vec::new(),
                    next_cursor: None,
                }),
            };
        };
        if !listed.found {
            return Err(Error::NotFound);
        }
        listed.page.comments_open &= !site.has_closed(began, self.clock.now());
        let next_cursor = listed
            .places
            .get(asked.limit.get())
            .map(|place| asked.order.encode(place));
        let roots: Vec<CommentId> = listed
            .places
            .iter()
            .take(asked.limit.get())
            .map(|place| place.id)
            .collect();
        let threads = if roots.is_empty() {
            Vec::new()
        } else {
            gather(store::load_threads(connection, &roots, span.around).await?)
        };
        Ok(ThreadList {
            page: listed.page,
            threads,
            next_cursor,
        })
    }

    /// A thread's answers after those that the list showed. One round trip.
    pub async fn replies(
        &self,
        root: CommentId,
        cursor: Option<&str>,
        limit: Limit,
    ) -> Result<Replies, Error> {
        let from = match cursor {
            None => earliest(),
            Some(cursor) => decode_time(REPLIES_TAG, cursor).ok_or(Error::InvalidCursor)?,
        };
        let found = self
            .database
            .run(Lane::Readers, async |connection: &mut PgConnection| {
                store::load_replies(connection, root, &from, limit.rows()).await
            })
            .await?;
        let mut replies = found.ok_or(Error::NotFound)?;
        let next_cursor = cut(&mut replies, limit.get());
        Ok(Replies {
            replies,
            next_cursor,
        })
    }

    /// A published comment. One round trip.
    pub async fn find_published(&self, id: CommentId) -> Result<PublicComment, Error> {
        let whole = self.load_whole(id).await?;
        match whole.status {
            Status::Approved => Ok(whole.comment),
            _ => Err(Error::NotFound),
        }
    }

    /// A comment in any state but deleted, for whoever holds its manage token. One round trip.
    pub async fn find_own(&self, id: CommentId, token: &ManageToken) -> Result<AuthorView, Error> {
        let whole = self.load_whole(id).await?;
        let own = token.comment_id == id && self.tokens.verify(token, whole.token_version);
        if !own || whole.status == Status::Deleted {
            return Err(Error::NotFound);
        }
        Ok(AuthorView::of(whole, &self.sites))
    }

    async fn load_whole(&self, id: CommentId) -> Result<store::WholeComment, Error> {
        self.database
            .run(Lane::Readers, async |connection: &mut PgConnection| {
                self.find_whole(connection, id).await
            })
            .await
    }

    pub(super) async fn find_whole(
        &self,
        connection: &mut PgConnection,
        id: CommentId,
    ) -> Result<store::WholeComment, Error> {
        store::find(connection, id).await?.ok_or(Error::NotFound)
    }
}

fn unknown_page(asked: &ListAsked, site: &Site) -> PublicPage {
    PublicPage {
        id: None,
        site_id: site.id,
        url: match &asked.page {
            PageName::Url(url) => Some(url.as_str().to_owned()),
            PageName::Key { .. } => None,
        },
        title: None,
        comment_count: 0,
        comments_open: site.new_pages == crate::sites::NewPages::Open,
    }
}

/// From rows (a thread's first comment, then its answers) to threads.
fn gather(rows: Vec<store::ThreadRow>) -> Vec<Thread> {
    let mut threads: Vec<Thread> = Vec::new();
    for row in rows {
        match (row.reply_count, threads.last_mut()) {
            (None, Some(thread)) => thread.replies.push(row.published),
            (reply_count, _) => threads.push(Thread {
                first: row.published,
                reply_count: reply_count.unwrap_or(0),
                replies: Vec::new(),
                next_replies_cursor: None,
            }),
        }
    }
    let shown = usize::try_from(REPLIES_SHOWN).unwrap_or(usize::MAX);
    for thread in &mut threads {
        thread.next_replies_cursor = cut(&mut thread.replies, shown);
    }
    threads
}

/// Cuts a list of answers to its length; the cursor goes on with the first one cut.
fn cut(replies: &mut Vec<Published>, length: usize) -> Option<String> {
    let next = replies.get(length).map(|next| {
        let (at, id) = match next {
            Published::Comment(comment) => (comment.submitted_at, comment.id),
            Published::Removed(removed) => (removed.submitted_at, removed.id),
        };
        TimeCursor {
            at,
            id: *id.as_uuid(),
        }
        .encode(REPLIES_TAG)
    });
    replies.truncate(length);
    next
}
