//! Reading: a page's list, a thread's answers, one comment. Must not know HTTP.

use std::sync::Arc;

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::Comments;
use crate::base::ids::{CommentId, PageId};
use crate::base::page_url::PageUrl;
use crate::base::paging::{CursorTag, Limit, RankCursor, TimeCursor};
use crate::base::text::PageKey;
use crate::comments::cache::{Fetched, Kept};
use crate::comments::error::Error;
use crate::comments::model::{PublicComment, PublicPage, Published, Status};
use crate::comments::store::list::{self, Place, REPLIES_SHOWN, Sorting};
use crate::comments::store::read as store;
use crate::comments::tokens::ManageToken;
use crate::database::Lane;
use crate::sites::model::SPAM_CODE;
use crate::sites::{Site, Sites};
use crate::web::conditional::Ready;

/// The order of a page's top-level comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
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

    const fn sorting(self) -> Sorting {
        match self {
            Self::Oldest => Sorting::Oldest,
            Self::Newest => Sorting::Newest,
            Self::Top => Sorting::Top,
        }
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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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

impl ListAsked {
    /// Octets of what it is made of.
    pub(in crate::comments) fn text_bytes(&self) -> usize {
        let page = match &self.page {
            PageName::Url(url) => url.as_str().len() + url.key().len(),
            PageName::Key { site, key } => site.len() + key.as_str().len(),
        };
        let start = match &self.start {
            Start::Cursor(cursor) => cursor.len(),
            Start::Beginning | Start::Around(_) => 0,
        };
        page + start
    }
}

impl PageName {
    /// The site that it belongs to, as this instance knows it.
    pub(super) fn find_site(&self, sites: &Sites) -> Option<Arc<Site>> {
        match self {
            Self::Url(url) => sites.find_by_origin(url.origin()),
            Self::Key { site, .. } => sites.find_by_slug(site),
        }
    }

    /// The same as the store knows it.
    pub(super) fn asked(&self, site: &Site) -> list::PageAsked<'_> {
        let (url_key, key) = match self {
            Self::Url(url) => (Some(url.key()), None),
            Self::Key { key, .. } => (None, Some(key.as_str())),
        };
        list::PageAsked {
            site: site.id,
            url_key,
            key,
        }
    }
}

/// Where in the list to begin.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Start {
    /// At its beginning.
    Beginning,
    /// Where an earlier answer's cursor says.
    Cursor(String),
    /// So that this comment is among those given.
    Around(CommentId),
}

/// A list that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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

impl Thread {
    fn of(listed: list::ListedThread) -> Self {
        let mut replies = listed.replies;
        let shown = usize::try_from(REPLIES_SHOWN).unwrap_or(usize::MAX);
        Self {
            next_replies_cursor: cut(&mut replies, shown),
            first: listed.first,
            reply_count: listed.reply_count,
            replies,
        }
    }
}

/// A list with the version of its page at that moment, 0 for a page that isn't known.
pub(super) struct LoadedList {
    pub(super) list: ThreadList,
    pub(super) version: i64,
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
    /// A part of a page's published threads, ready to be answered: kept, or rendered by `render`. No round trip where it is
    /// kept, else one, two for [`Start::Around`].
    pub async fn list(
        &self,
        asked: &Arc<ListAsked>,
        render: impl Fn(ThreadList) -> Option<Ready>,
    ) -> Result<Arc<Kept>, Error> {
        let site = asked
            .page
            .find_site(&self.sites)
            .ok_or(Error::UnknownSite)?;
        let (asked_of, site_of) = (asked.as_ref(), site.as_ref());
        let fetch = async |kept: Option<(PageId, i64)>| {
            let fetch = async |connection: &mut PgConnection| {
                if let Some((page, version)) = kept
                    && list::find_version(connection, page).await? == Some(version)
                {
                    return Ok(None);
                }
                self.load_list(connection, asked_of, site_of)
                    .await
                    .map(Some)
            };
            let loaded = self.database.run(Lane::Readers, fetch).await?;
            let Some(LoadedList { list, version }) = loaded else {
                return Ok(None);
            };
            Ok(Some(Fetched {
                page: list.page.id.map(|page| (page, version)),
                answer: render(list).ok_or(Error::UnknownValue)?,
            }))
        };
        self.lists.read(asked, &site, &self.clock, fetch).await
    }

    /// What a query string asks for, where one just the same was read before.
    pub fn find_asked(&self, query: &str) -> Option<Arc<ListAsked>> {
        self.lists.find_asked(query)
    }

    /// Remembers what a query string asks for.
    pub fn remember_asked(&self, query: &str, asked: &Arc<ListAsked>) {
        self.lists.remember_asked(query, asked);
    }

    /// A part of a page's published threads, as the database has it now. One statement, two for [`Start::Around`].
    async fn load_list(
        &self,
        connection: &mut PgConnection,
        asked: &ListAsked,
        site: &Site,
    ) -> Result<LoadedList, Error> {
        let sorting = asked.order.sorting();
        let rows = asked.limit.rows();
        let (from, around) = match &asked.start {
            Start::Beginning => (asked.order.beginning(), None),
            Start::Cursor(cursor) => {
                let place = asked.order.decode(cursor).ok_or(Error::InvalidCursor)?;
                (place, None)
            }
            Start::Around(id) => {
                let around = list::find_start_around(connection, *id, sorting, rows).await?;
                let around = around.ok_or(Error::NotFound)?;
                (around.from, Some(around))
            }
        };
        let span = list::Span {
            sorting,
            from,
            cut: around.as_ref().and_then(|around| around.cut),
            rows,
        };
        let found = list::find_list(connection, &asked.page.asked(site), &span).await?;
        if let Some(around) = &around
            && found.as_ref().and_then(|listed| listed.page.id) != Some(around.page)
        {
            return Err(Error::NotFound);
        }
        let Some(mut listed) = found else {
            return Ok(LoadedList {
                list: ThreadList {
                    page: unknown_page(asked, site),
                    threads: Vec::new(),
                    next_cursor: None,
                },
                version: 0,
            });
        };
        listed.page.comments_open &= !site.has_closed(listed.began, self.clock.now());
        Ok(LoadedList {
            list: ThreadList {
                page: listed.page,
                threads: listed.threads.into_iter().map(Thread::of).collect(),
                next_cursor: listed.next.map(|place| asked.order.encode(&place)),
            },
            version: listed.version,
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
