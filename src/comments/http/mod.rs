//! Readers' comments over HTTP: translates only. Must not hold a rule of the trade.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};

use crate::base::codes::Code;
use crate::base::page_url::Origin;
use crate::comments::ManageToken;
use crate::web::problem::ApiError;

pub mod counts;
pub mod list;
pub mod preview;
pub mod show;
pub mod submit;
pub mod wire;

/// The manage token in `Authorization: Bearer`, where there is one. What has not even its form counts as a token that is
/// good for nothing, not as none.
pub struct Bearer(pub Option<ManageToken>);

impl FromRequest for Bearer {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let Some(value) = request.headers().get(header::AUTHORIZATION) else {
            return ready(Ok(Self(None)));
        };
        let token = value
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .and_then(|(_, token)| ManageToken::parse(token.trim()));
        ready(match token {
            Some(token) => Ok(Self(Some(token))),
            None => Err(ApiError::because(
                Code::CommentNotFound,
                "the token is not good for this",
            )),
        })
    }
}

/// The `Origin` of the web page that sends, where a browser names one.
pub struct WebOrigin(pub Option<Origin>);

impl FromRequest for WebOrigin {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let Some(value) = request.headers().get(header::ORIGIN) else {
            return ready(Ok(Self(None)));
        };
        let origin = value
            .to_str()
            .ok()
            .and_then(|text| Origin::parse(text).ok());
        ready(
            origin
                .map(|origin| Self(Some(origin)))
                .ok_or_else(|| ApiError::new(Code::OriginNotAllowed)),
        )
    }
}
