//! Pages, and who says what below them at which time: everything follows from the seed. Must not know the database.

use std::collections::VecDeque;
use std::sync::Arc;

use time::{Duration, OffsetDateTime};

use super::dice::Dice;
use super::people::{Manner, Person, person};
use super::speech;
use super::words::Topic;
use crate::base::complaint::Complaint;
use crate::base::email::EmailAddress;
use crate::base::ids::{CommentId, ModeratorId, PageId};
use crate::base::page_url::{Origin, PageUrl, Website};
use crate::base::text::{Body, Name, Title};
use crate::comments::model::past::{By, Content, PastChange, PastComment, Place};
use crate::comments::model::{DEPTH_MAX, Status};
use crate::sites::Site;
use crate::sites::model::pages::{NewPage, PastPage};

/// The most comments that are made at once.
pub const COMMENTS_MAX: u64 = 100_000_000;
/// The most pages.
pub const PAGES_MAX: u64 = 1_000_000;
/// Every so many pages one is of today, the largest among them.
const EVERY_RECENT: u64 = 7;
/// The age of those, at most.
const RECENT: Duration = Duration::hours(36);
/// The age of all others, at most.
const OLD: Duration = Duration::days(3 * 365);
/// A discussion is over then.
const TALK: Duration = Duration::days(14);
/// Where pages are as long as the site has no origin: what a site without any takes.
const ORIGIN: &str = "http://localhost:3000";
/// Comments that somebody may answer: the latest so many.
const ANSWERED_MAX: usize = 60;

/// What is to be made.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Comments in all, at most [`COMMENTS_MAX`].
    pub comments: u64,
    /// Pages in all, 1 to [`PAGES_MAX`]; the first ones get more comments than the others.
    pub pages: u64,
    /// Another seed makes other ones.
    pub seed: u64,
    /// When the last of them are: nothing is younger.
    pub until: OffsetDateTime,
}

impl Wanted {
    /// How many comments each page gets: page `i` in proportion to `1/√(i+1)`, in whole numbers.
    pub(super) fn shares(&self) -> impl Iterator<Item = u64> {
        let weight = |page: u64| u128::from(1_000_000 / ((page + 1) * 1_000).isqrt()).max(1);
        let pages = self.pages;
        let whole: u128 = (0..pages).map(weight).sum();
        let comments = u128::from(self.comments);
        let (mut before, mut given) = (0_u128, 0_u128);
        (0..pages).map(move |page| {
            before += weight(page);
            let until_here = comments * before / whole.max(1);
            let share = until_here - given;
            given = until_here;
            u64::try_from(share).unwrap_or_default()
        })
    }

    /// How many people write: each a handful of comments.
    fn people(&self) -> u64 {
        (self.comments / 6).max(3)
    }
}

/// A page, before it is stored.
pub(super) struct DemoPage {
    pub(super) id: PageId,
    pub(super) page: NewPage,
    pub(super) published_at: OffsetDateTime,
    pub(super) number: u64,
    pub(super) comments: u64,
    topic: &'static Topic,
}

impl DemoPage {
    /// As it is stored.
    pub(super) fn as_past(&self) -> PastPage<'_> {
        PastPage {
            id: self.id,
            page: &self.page,
            created_at: self.published_at,
        }
    }
}

/// Where pages and comments belong, and who decides.
pub(super) struct Stage {
    wanted: Wanted,
    site: Arc<Site>,
    /// The origin of its pages.
    origin: Origin,
    /// Who has an account.
    moderators: Vec<ModeratorId>,
}

impl Stage {
    /// Of a site; pages are of its first origin.
    pub(super) fn new(
        wanted: Wanted,
        site: Arc<Site>,
        moderators: Vec<ModeratorId>,
    ) -> Result<Self, Complaint> {
        let origin = match site.origins.first() {
            Some(origin) => origin.clone(),
            None => Origin::parse(ORIGIN)?,
        };
        Ok(Self {
            wanted,
            site,
            origin,
            moderators,
        })
    }

    /// All pages.
    pub(super) fn pages(&self) -> Result<Vec<DemoPage>, Complaint> {
        (0..)
            .zip(self.wanted.shares())
            .map(|(number, share)| self.page(number, share))
            .collect()
    }

    /// The page of this number.
    fn page(&self, number: u64, comments: u64) -> Result<DemoPage, Complaint> {
        let Wanted { seed, until, .. } = self.wanted;
        let mut dice = Dice::of(seed, "page", number);
        let oldest = if number.is_multiple_of(EVERY_RECENT) {
            RECENT
        } else {
            OLD
        };
        let published_at = until - Duration::minutes(20) - part_of(oldest, &mut dice);
        let (topic, headline) = speech::headline(&mut dice).ok_or_else(nothing)?;
        let url = format!(
            "{}/{}/{}-{seed}-{number}",
            self.origin.as_str(),
            topic.section,
            speech::slug(&headline)
        );
        let page = NewPage {
            url: PageUrl::parse(&url)?,
            site: None,
            key: None,
            title: Some(Title::parse(&headline)?),
            wordpress_id: None,
            published_at: Some(published_at),
            comments_open: true,
        };
        let id = PageId::from_parts(published_at, dice.bytes());
        Ok(DemoPage {
            id,
            page,
            published_at,
            number,
            comments,
            topic,
        })
    }

    /// All comments of a page, the oldest first.
    pub(super) fn thread(
        &self,
        page: &DemoPage,
    ) -> impl Iterator<Item = Result<PastComment, Complaint>> {
        let mut dice = Dice::of(self.wanted.seed, "thread", page.number);
        let span = TALK.min(self.wanted.until - page.published_at);
        let mut times: Vec<OffsetDateTime> = (0..page.comments)
            .map(|_| page.published_at + part_of(span, &mut dice))
            .collect();
        times.sort_unstable();
        let mut answerable = VecDeque::new();
        times
            .into_iter()
            .map(move |at| self.comment(page, at, &mut dice, &mut answerable))
    }

    fn comment(
        &self,
        page: &DemoPage,
        at: OffsetDateTime,
        dice: &mut Dice,
        answerable: &mut VecDeque<Answerable>,
    ) -> Result<PastComment, Complaint> {
        let wanted = &self.wanted;
        let somebody = person(wanted.seed, dice.early(wanted.people()));
        let answered = find_answered(dice, answerable, at, &somebody);
        let text = speech::comment(
            dice,
            page.topic,
            somebody.manner,
            answered.as_ref().map(|answered| answered.name.as_str()),
        );
        let id = CommentId::from_parts(at, dice.bytes());
        let place = answered.map_or(
            Place {
                parent: None,
                root: id,
                depth: 0,
            },
            |answered| answered.place_below(),
        );
        let changes = self.changes(dice, at, &somebody);
        let name = somebody.name.clone();
        let mut comment = PastComment {
            id,
            site: self.site.id,
            page: page.id,
            place,
            content: Some(content(&somebody, &text)?),
            score: 0,
            submitted_at: at,
            began_as: Status::Pending,
            changes,
        };
        match comment.status() {
            Status::Deleted => comment.content = None,
            Status::Approved => comment.score = score(dice),
            _ => {}
        }
        if let Some(published_at) = comment.published_at() {
            if answerable.len() == ANSWERED_MAX {
                answerable.pop_front();
            }
            answerable.push_back(Answerable {
                id,
                place,
                published_at,
                name,
            });
        }
        Ok(comment)
    }

    /// What moderators make of a comment, as far as they came.
    fn changes(&self, dice: &mut Dice, at: OffsetDateTime, somebody: &Person) -> Vec<PastChange> {
        let first = match (somebody.manner, dice.below(100)) {
            (Manner::Spammer, 0..92) => Status::Spam,
            (Manner::Spammer, _) | (Manner::Rude, 0..65) | (Manner::Civil, 0..4) => {
                Status::Rejected
            }
            _ => Status::Approved,
        };
        let mut changes = Vec::new();
        let mut at = at + Duration::seconds(40) + part_of(Duration::hours(9), dice);
        let mut to = first;
        loop {
            if at > self.wanted.until {
                return changes;
            }
            let mut by = dice
                .find(&self.moderators)
                .map_or(By::System, |id| By::Moderator(*id));
            if to == Status::Deleted {
                by = By::Author;
            }
            changes.push(PastChange {
                at,
                by,
                to,
                reason: self.reason(dice, to),
            });
            at += Duration::minutes(5) + part_of(Duration::days(3), dice);
            // Few change their mind.
            to = match (to, dice.below(1_000)) {
                (Status::Approved, 0..12) => Status::Rejected,
                (Status::Approved, 12..20) => Status::Deleted,
                (Status::Rejected, 0..30) => Status::Approved,
                _ => return changes,
            };
        }
    }

    fn reason(&self, dice: &mut Dice, to: Status) -> Option<String> {
        let reason = dice.find(&self.site.reasons)?;
        (to == Status::Rejected).then(|| reason.code.clone())
    }
}

/// There are topics, so this is not met.
fn nothing() -> Complaint {
    use crate::base::complaint::ComplaintCode;
    Complaint::new(ComplaintCode::InvalidValue, "there is no topic")
}

/// A part of a time, early ones more often.
fn part_of(whole: Duration, dice: &mut Dice) -> Duration {
    let milliseconds = u64::try_from(whole.whole_milliseconds()).unwrap_or_default();
    Duration::milliseconds(i64::try_from(dice.early(milliseconds)).unwrap_or_default())
}

/// Most have a few votes, some many, a few are disliked.
fn score(dice: &mut Dice) -> i32 {
    let votes = match dice.below(10) {
        0..5 => 0,
        5..9 => dice.early(12),
        _ => dice.early(80),
    };
    let votes = i32::try_from(votes).unwrap_or_default();
    if dice.in_thousand(120) {
        -votes / 2
    } else {
        votes
    }
}

fn content(somebody: &Person, text: &str) -> Result<Content, Complaint> {
    Ok(Content {
        name: Name::parse(&somebody.name)?,
        email: EmailAddress::parse(&somebody.email)?,
        website: somebody
            .website
            .as_deref()
            .map(Website::parse)
            .transpose()?,
        body: Body::parse(text)?,
        ip: Some(somebody.ip),
        user_agent: Some(somebody.user_agent.to_owned()),
    })
}

/// A comment that can be answered from `published_at` on.
#[derive(Clone)]
struct Answerable {
    id: CommentId,
    place: Place,
    published_at: OffsetDateTime,
    name: String,
}

impl Answerable {
    /// Where an answer stands: below the deepest level it stands beside what it answers, as a submission does.
    fn place_below(&self) -> Place {
        if self.place.depth < DEPTH_MAX {
            let (parent, depth) = (Some(self.id), self.place.depth + 1);
            Place {
                parent,
                depth,
                ..self.place
            }
        } else {
            self.place
        }
    }
}

fn find_answered(
    dice: &mut Dice,
    answerable: &VecDeque<Answerable>,
    at: OffsetDateTime,
    somebody: &Person,
) -> Option<Answerable> {
    if somebody.manner == Manner::Spammer || !dice.in_thousand(520) {
        return None;
    }
    let count = u64::try_from(answerable.len()).unwrap_or_default();
    let back = usize::try_from(dice.early(count)).unwrap_or_default();
    let answered = answerable.iter().rev().nth(back)?;
    (answered.published_at < at).then(|| answered.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(comments: u64, pages: u64) -> Wanted {
        let until = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        Wanted {
            comments,
            pages,
            seed: 1,
            until,
        }
    }

    #[test]
    fn the_shares_are_all_there_is_and_the_first_page_has_most() {
        for (comments, pages) in [(0, 1), (1, 7), (1_000, 20), (1_000_000, 1_000), (7, 1_000)] {
            let shares: Vec<u64> = wanted(comments, pages).shares().collect();
            assert_eq!(u64::try_from(shares.len()), Ok(pages));
            assert_eq!(
                shares.iter().sum::<u64>(),
                comments,
                "{comments} on {pages}"
            );
        }
        let shares: Vec<u64> = wanted(1_000, 20).shares().collect();
        assert!(shares[0] > 2 * shares[19], "{shares:?}");
    }
}
