//! Taking in comments with their past: imports, and made ones for trying out. Must not know where they come from.

use sqlx::PgConnection;

use super::Comments;
use crate::comments::avatar::AvatarHash;
use crate::comments::error::Error;
use crate::comments::model::past::PastComment;
use crate::comments::render;
use crate::comments::store::past::{self as store, Derived, Prepared};
use crate::database::Lane;

/// How many comments one statement takes: it stays within its time, also on a slow machine.
pub const PIECE_MAX: usize = 500;

/// Comments that are ready to be stored.
pub struct Piece(Vec<Prepared>);

impl Piece {
    /// How many comments are in it.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Comments {
    /// Renders texts, draws avatars' hashes, derives authors' ids. Takes about 50 µs a comment: off the threads that serve
    /// requests. Give at most [`PIECE_MAX`].
    pub fn prepare(&self, comments: Vec<PastComment>) -> Piece {
        let prepared = comments.into_iter().map(|comment| {
            let derived = comment.content.as_ref().map(|content| {
                let key = content.email.key();
                Derived {
                    body_html: render::render(&content.body),
                    avatar: AvatarHash::new(&self.avatars, comment.site, key, &content.name)
                        .to_string(),
                    author: *self.authors.of(key).as_uuid(),
                }
            });
            Prepared { comment, derived }
        });
        Piece(prepared.collect())
    }

    /// Stores them: all or none. Afterwards their pages' counts hold them too. Only those who show a page are told,
    /// not the desk. One round trip.
    pub async fn store_past(&self, piece: &Piece) -> Result<(), Error> {
        let run = async |connection: &mut PgConnection| {
            store::insert(connection, &piece.0).await?;
            Ok::<_, Error>(())
        };
        self.database.run(Lane::Readers, run).await?;
        let pages = piece.0.iter().map(|prepared| prepared.comment.page);
        self.changes.pages().publish(pages);
        Ok(())
    }
}
