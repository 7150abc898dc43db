//! `PathId<T>`: the `{id}` of a path. What isn't an id is the id of nothing. Must not know which ids there are.

use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::problem::ApiError;
use crate::base::codes::Code;

/// The id in the path. Text that is no UUID answers 404 `comment_not_found`, like an id that nothing has. (A path that is
/// no text at all was refused by the envelope.)
#[derive(Debug, Clone, Copy)]
pub struct PathId<T>(pub T);

impl<T: FromStr> FromRequest for PathId<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let id = request
            .match_info()
            .get("id")
            .and_then(|text| text.parse().ok());
        ready(
            id.map(Self)
                .ok_or_else(|| ApiError::new(Code::CommentNotFound)),
        )
    }
}
