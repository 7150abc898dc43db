//! All that is held of a person as one JSON document, written piece by piece. Must not know HTTP or SQL.
//!
//! A document that breaks off is no JSON, so nobody takes a part for the whole. Each piece reads what is there at that
//! moment and has a deadline of its own; what is kept in memory between two is a list of ids.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::{Map, Value};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Persons, record};
use crate::accounts::find_account_of;
use crate::base::clock;
use crate::base::email::{EmailAddress, EmailKey};
use crate::base::ids::{AuthorId, CommentId, NoteId, PageId};
use crate::base::mentions::redact;
use crate::comments::service::{moderate, without};
use crate::database::Lane;
use crate::moderation::error::Error;
use crate::moderation::model::persons::{
    Asker, HeldNote, Mention, MentionKind, PersonComment, Walk,
};
use crate::moderation::store::persons as store;
use crate::sites::service::titles;
use crate::sites::service::titles::PageWords;

/// So many comments a piece has.
const COMMENTS_OF_PIECE: usize = 100;
/// So many ids are looked up at once: each time all of the author's comments are gone over.
const IDS_AT_ONCE: i64 = 10_000;
/// So many notes, pages and comments of others are gone over at once.
const ROWS_OF_PIECE: i64 = 500;

/// An export at work.
pub struct Export {
    persons: Persons,
    asker: Asker,
    author: AuthorId,
    part: Part,
    /// Whether the list that is being written has an item.
    list: List,
}

/// What comes next.
enum Part {
    /// The beginning, which is there already.
    Head(String),
    /// Comments; those that are known, and the last of them.
    Comments(VecDeque<CommentId>, CommentId),
    /// Notes about the author, after this one.
    Notes(NoteId),
    /// Texts of others of a kind, after this one.
    Mentions(Walk, Uuid),
    /// Nothing.
    End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    Empty,
    Begun,
}

impl Persons {
    /// Begins the document of all that is held of a person on the asker's sites, and records that. One transaction.
    pub async fn export(&self, asker: Asker, email: &EmailAddress) -> Result<Export, Error> {
        self.find_all_authors().await?;
        let (author, now) = (self.author(email.key()), self.clock.now());
        let work = async |connection: &mut PgConnection| {
            let count = moderate::count_of_author(connection, &asker.sites, author).await?;
            record(connection, &asker, "person.exported", (author, count), now).await?;
            Ok::<_, Error>(find_account_of(connection, &asker.sites, email.key()).await?)
        };
        let account = self.database.transact(Lane::Moderators, work).await?;
        let mut head = Map::new();
        head.insert("email".to_owned(), email.as_str().into());
        head.insert("exported_at".to_owned(), clock::to_rfc3339(now).into());
        head.insert("moderator_account".to_owned(), json(&account)?);
        let head = Value::Object(head).to_string();
        let head = head.strip_suffix('}').unwrap_or(&head).to_owned();
        Ok(Export {
            persons: self.clone(),
            asker,
            author,
            part: Part::Head(head),
            list: List::Empty,
        })
    }
}

impl Export {
    /// The next piece of the document; none when it is whole.
    pub async fn next(&mut self) -> Result<Option<String>, Error> {
        let mut text = String::new();
        while text.is_empty() {
            match std::mem::replace(&mut self.part, Part::End) {
                Part::End => return Ok(None),
                Part::Head(head) => {
                    text.push_str(&head);
                    text.push_str(",\n\"comments\":[");
                    let first = CommentId::from_uuid(Uuid::nil());
                    self.part = Part::Comments(VecDeque::new(), first);
                }
                Part::Comments(ids, last) => self.comments(ids, last, &mut text).await?,
                Part::Notes(after) => self.notes(after, &mut text).await?,
                Part::Mentions(walk, after) => self.mentions(walk, after, &mut text).await?,
            }
        }
        Ok(Some(text))
    }

    async fn comments(
        &mut self,
        mut ids: VecDeque<CommentId>,
        last: CommentId,
        text: &mut String,
    ) -> Result<(), Error> {
        if ids.is_empty() {
            ids = self.find_ids(last).await?.into();
        }
        let Some(last) = ids.back().copied() else {
            self.begin_list("notes", text);
            self.part = Part::Notes(NoteId::from_uuid(Uuid::nil()));
            return Ok(());
        };
        let piece: Vec<CommentId> = ids.drain(..COMMENTS_OF_PIECE.min(ids.len())).collect();
        for comment in self.load(&piece).await? {
            self.write(&comment, text)?;
        }
        self.part = Part::Comments(ids, last);
        Ok(())
    }

    async fn find_ids(&self, after: CommentId) -> Result<Vec<CommentId>, Error> {
        let (sites, author) = (&self.asker.sites, self.author);
        let run = async |connection: &mut PgConnection| {
            Ok(moderate::find_of_author(connection, sites, author, after, IDS_AT_ONCE).await?)
        };
        self.persons.database.run(Lane::Moderators, run).await
    }

    async fn load(&self, ids: &[CommentId]) -> Result<Vec<PersonComment>, Error> {
        let run = async |connection: &mut PgConnection| {
            let held = moderate::load_of_author(connection, self.author, ids).await?;
            let mut comments: Vec<PersonComment> = held
                .into_iter()
                .map(|comment| PersonComment {
                    comment,
                    notes: Vec::new(),
                })
                .collect();
            let mut after = NoteId::from_uuid(Uuid::nil());
            loop {
                let notes =
                    store::list_comment_notes(connection, ids, after, ROWS_OF_PIECE).await?;
                let Some((_, last)) = notes.last() else {
                    return Ok(comments);
                };
                after = last.id;
                for (id, note) in notes {
                    let of = comments.iter_mut().find(|held| held.comment.id == id);
                    if let Some(of) = of {
                        of.notes.push(note);
                    }
                }
            }
        };
        self.persons.database.run(Lane::Moderators, run).await
    }

    async fn notes(&mut self, after: NoteId, text: &mut String) -> Result<(), Error> {
        let (sites, author) = (&self.asker.sites, self.author);
        let run = async |connection: &mut PgConnection| {
            let limit = ROWS_OF_PIECE;
            Ok::<_, Error>(store::list_author_notes(connection, sites, author, after, limit).await?)
        };
        let notes: Vec<HeldNote> = self.persons.database.run(Lane::Moderators, run).await?;
        self.part = if let Some(last) = notes.last() {
            Part::Notes(last.id)
        } else {
            self.begin_list("mentions", text);
            Part::Mentions(Walk::Comments, Uuid::nil())
        };
        for note in &notes {
            self.write(note, text)?;
        }
        Ok(())
    }

    async fn mentions(&mut self, walk: Walk, after: Uuid, text: &mut String) -> Result<(), Error> {
        let run = async |connection: &mut PgConnection| match walk {
            Walk::Comments => self.mentions_in_comments(connection, after).await,
            Walk::Notes => self.mentions_in_notes(connection, after).await,
            Walk::Pages => self.mentions_in_pages(connection, after).await,
        };
        let (mentions, to) = self.persons.database.run(Lane::Moderators, run).await?;
        for mention in &mentions {
            self.write(mention, text)?;
        }
        self.part = match (to, walk.next()) {
            (Some(to), _) => Part::Mentions(walk, to),
            (None, Some(next)) => Part::Mentions(next, Uuid::nil()),
            (None, None) => {
                text.push_str("]}\n");
                Part::End
            }
        };
        Ok(())
    }

    async fn mentions_in_comments(
        &self,
        connection: &mut PgConnection,
        after: Uuid,
    ) -> Result<(Vec<Mention>, Option<Uuid>), Error> {
        let after = CommentId::from_uuid(after);
        let Some(until) = moderate::find_end_of_chunk(connection, after, ROWS_OF_PIECE).await?
        else {
            return Ok((Vec::new(), None));
        };
        let sites = &self.asker.sites;
        let texts = moderate::load_texts(connection, sites, self.author, (after, until)).await?;
        let mentions = texts
            .into_iter()
            .filter_map(|text| without(text, |key| self.is_meant(key)))
            .map(|text| Mention::in_comment(text.kind, text.comment_id))
            .collect();
        Ok((mentions, Some(*until.as_uuid())))
    }

    async fn mentions_in_notes(
        &self,
        connection: &mut PgConnection,
        after: Uuid,
    ) -> Result<(Vec<Mention>, Option<Uuid>), Error> {
        let after = NoteId::from_uuid(after);
        let (sites, author) = (&self.asker.sites, self.author);
        let notes = store::list_texts(connection, sites, author, after, ROWS_OF_PIECE).await?;
        let to = notes.last().map(|note| *note.id.as_uuid());
        let mentions = notes
            .into_iter()
            .filter(|note| self.is_in(note.note.as_deref()))
            .map(|note| Mention {
                kind: MentionKind::Note,
                id: *note.id.as_uuid(),
            })
            .collect();
        Ok((mentions, to))
    }

    async fn mentions_in_pages(
        &self,
        connection: &mut PgConnection,
        after: Uuid,
    ) -> Result<(Vec<Mention>, Option<Uuid>), Error> {
        let after = PageId::from_uuid(after);
        let sites = &self.asker.sites;
        let pages = titles::list_words(connection, sites, after, ROWS_OF_PIECE).await?;
        let to = pages.last().map(|page| *page.id.as_uuid());
        let mentions = pages.iter().flat_map(|page| self.mentions_in_page(page));
        Ok((mentions.collect(), to))
    }

    fn mentions_in_page(&self, page: &PageWords) -> impl Iterator<Item = Mention> {
        let id = *page.id.as_uuid();
        let title = self.is_in(page.title.as_deref());
        let address = self.is_in(Some(&page.url)) || self.is_in(page.key.as_deref());
        let of = move |kind| Mention { kind, id };
        let title = title.then(|| of(MentionKind::PageTitle));
        let address = address.then(|| of(MentionKind::PageAddress));
        title.into_iter().chain(address)
    }

    fn is_meant(&self, key: &EmailKey) -> bool {
        self.persons.author(key) == self.author
    }

    fn is_in(&self, text: Option<&str>) -> bool {
        text.is_some_and(|text| redact(text, |key| self.is_meant(key)).is_some())
    }

    /// Ends the list before and begins this one.
    fn begin_list(&mut self, name: &str, text: &mut String) {
        for part in ["],\n\"", name, "\":["] {
            text.push_str(part);
        }
        self.list = List::Empty;
    }

    fn write(&mut self, item: &impl Serialize, text: &mut String) -> Result<(), Error> {
        text.push_str(match self.list {
            List::Empty => "\n",
            List::Begun => ",\n",
        });
        self.list = List::Begun;
        text.push_str(&json(item)?.to_string());
        Ok(())
    }
}

fn json(item: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(item).map_err(Error::Unwritable)
}
