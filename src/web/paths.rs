//! `PathId<T>`: the `{id}` of a path. What isn't an id is the id of nothing. Must not know what the ids stand for.

use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::problem::ApiError;
use crate::base::codes::Code;
use crate::base::ids::{
    AuthorId, BatchId, CommentId, ErasureId, JobId, ModeratorId, NoteId, PageId, ReasonId,
    SessionId, SiteId, TokenId,
};

/// The id in the path. Text that is no UUID answers 404 like an id that nothing has. (A path that is no text at all was
/// refused by the envelope.)
#[derive(Debug, Clone, Copy)]
pub struct PathId<T>(pub T);

/// An id that stands in paths.
pub trait InPath: FromStr {
    /// The refusal where nothing has the id.
    const NOT_FOUND: Code;
}

macro_rules! in_path {
    ($($id:ident => $code:ident),+ $(,)?) => {
        $(impl InPath for $id { const NOT_FOUND: Code = Code::$code; })+

        /// Every id that stands in paths, by the name of its type, with the refusal where nothing has it.
        pub const NOT_FOUND: &[(&str, Code)] = &[$((stringify!($id), Code::$code)),+];
    };
}

in_path! {
    CommentId => CommentNotFound,
    PageId => PageNotFound,
    SiteId => SiteNotFound,
    ReasonId => ReasonNotFound,
    ModeratorId => ModeratorNotFound,
    SessionId => SessionNotFound,
    TokenId => TokenNotFound,
    AuthorId => AuthorNotFound,
    NoteId => NoteNotFound,
    BatchId => BatchNotFound,
    JobId => JobNotFound,
    ErasureId => ErasureNotFound,
}

impl<T: InPath> FromRequest for PathId<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let id = request
            .match_info()
            .get("id")
            .and_then(|text| text.parse().ok());
        ready(id.map(Self).ok_or_else(|| ApiError::new(T::NOT_FOUND)))
    }
}
