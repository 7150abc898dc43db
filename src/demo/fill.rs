//! Puts the made comments into the database: several at work, each on its own pages. Must not know how they are made.

use std::borrow::Cow;
use std::mem;
use std::sync::Arc;

use futures_util::future;
use tokio::sync::mpsc;

use super::threads::{DemoPage, Stage, Wanted};
use crate::base::complaint::Complaint;
use crate::base::ids::ModeratorId;
use crate::comments::Comments;
use crate::comments::model::past::PastComment;
use crate::comments::service::past::{PIECE_MAX, Piece};
use crate::sites::model::pages::PastPage;
use crate::sites::{Site, Sites};

/// So many are at work, each with a connection: the server is kept busy while one of them waits for its disk or for what comes
/// next, and a server with more processors uses them.
pub const WRITERS: u8 = 4;
/// Pieces that are ready and wait for the database, for each of those at work.
const READY_MAX: usize = 2;
/// Pages that one statement stores.
const PAGES_PIECE: usize = 1_000;

/// Why it stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused a page.
    #[error(transparent)]
    Pages(#[from] crate::sites::Error),
    /// The database refused comments.
    #[error(transparent)]
    Comments(#[from] crate::comments::Error),
    /// The pages of this seed are there.
    #[error("pages of this seed are there already")]
    ThereAlready,
    /// The making broke off.
    #[error("the making broke off")]
    Broken(#[source] tokio::task::JoinError),
    /// What was made isn't fit to be stored: a mistake of ours.
    #[error("a made text can't be stored: {0}")]
    Unfit(Cow<'static, str>),
}

fn unfit(complaint: Complaint) -> Error {
    Error::Unfit(complaint.message)
}

/// Makes pages and comments of a site and stores them; `stored` is told how many of each piece. What was stored stays when
/// it stops early: the pages count what is there.
pub async fn fill(
    sites: &Sites,
    comments: &Comments,
    site: &Arc<Site>,
    moderators: Vec<ModeratorId>,
    wanted: Wanted,
    stored: &impl Fn(usize),
) -> Result<(), Error> {
    let stage = Stage::new(wanted, Arc::clone(site), moderators).map_err(unfit)?;
    let pages = stage.pages().map_err(unfit)?;
    for piece in pages.chunks(PAGES_PIECE) {
        let pages: Vec<PastPage<'_>> = piece.iter().map(DemoPage::as_past).collect();
        if sites.take_in_pages(site.id, &pages).await? < piece.len() {
            return Err(Error::ThereAlready);
        }
    }
    let made = Arc::new((stage, pages));
    let writers = (0..usize::from(WRITERS)).map(|writer| {
        let (ready, pieces) = mpsc::channel(READY_MAX);
        let (made, maker) = (Arc::clone(&made), comments.clone());
        let making =
            tokio::task::spawn_blocking(move || make(&made.0, &made.1, writer, &maker, &ready));
        async move {
            write(comments, pieces, stored).await?;
            making.await.map_err(Error::Broken)?
        }
    });
    future::try_join_all(writers).await?;
    Ok(())
}

/// Makes the comments of one writer's pages. Ends early when nobody takes them any more.
fn make(
    stage: &Stage,
    pages: &[DemoPage],
    writer: usize,
    comments: &Comments,
    ready: &mpsc::Sender<Piece>,
) -> Result<(), Error> {
    let mut piece: Vec<PastComment> = Vec::with_capacity(PIECE_MAX);
    for page in pages.iter().skip(writer).step_by(WRITERS.into()) {
        for comment in stage.thread(page) {
            piece.push(comment.map_err(unfit)?);
            if piece.len() == PIECE_MAX {
                let full = mem::take(&mut piece);
                if ready.blocking_send(comments.prepare(full)).is_err() {
                    return Ok(());
                }
            }
        }
    }
    if !piece.is_empty() {
        // Nobody takes it where another writer has failed; that one says why.
        ready.blocking_send(comments.prepare(piece)).ok();
    }
    Ok(())
}

async fn write(
    comments: &Comments,
    mut pieces: mpsc::Receiver<Piece>,
    stored: &impl Fn(usize),
) -> Result<(), Error> {
    while let Some(piece) = pieces.recv().await {
        comments.store_past(&piece).await?;
        stored(piece.len());
    }
    Ok(())
}
