//! The browser's name of itself, fit to be stored. Must not know what for.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};

/// Characters that are kept of it.
pub const USER_AGENT_CHARS_MAX: usize = 512;

/// What the header `User-Agent` says, without what can't be stored, cut to [`USER_AGENT_CHARS_MAX`].
#[derive(Debug, Clone)]
pub struct UserAgent(pub Option<String>);

impl FromRequest for UserAgent {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Ok(Self(kept(request))))
    }
}

fn kept(request: &HttpRequest) -> Option<String> {
    let text = String::from_utf8_lossy(request.headers().get(header::USER_AGENT)?.as_bytes());
    let kept: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(USER_AGENT_CHARS_MAX)
        .collect();
    (!kept.is_empty()).then_some(kept)
}
