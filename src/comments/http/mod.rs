//! Readers' comments over HTTP: translates only. Must not hold a rule of the trade.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};

use crate::base::codes::Code;
use crate::base::page_url::Origin;
use crate::comments::ManageToken;
use crate::comments::service::Reaction;
use crate::web::PathId;
use crate::web::client_address::ClientAddress;
use crate::web::problem::ApiError;

pub mod counts;
pub mod edit;
pub mod list;
pub mod preview;
pub mod report;
pub mod show;
pub mod submit;
pub mod vote;
pub mod wire;
pub mod withdraw;

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

/// The manage token of a request that makes no sense without one.
pub struct OwnToken(pub ManageToken);

impl FromRequest for OwnToken {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let found = Bearer::from_request(request, payload).into_inner();
        ready(found.and_then(|Bearer(token)| {
            token
                .map(Self)
                .ok_or_else(|| ApiError::new(Code::ManageTokenRequired))
        }))
    }
}

/// Who reacts to which comment: its id in the path, the web page that sends, the network.
pub struct ReactionTo(pub Reaction);

impl FromRequest for ReactionTo {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let Ok(from) = ClientAddress::from_request(request, payload).into_inner();
        let id = PathId::from_request(request, payload).into_inner();
        let origin = WebOrigin::from_request(request, payload).into_inner();
        ready(id.and_then(|PathId(comment_id)| {
            let WebOrigin(origin) = origin?;
            Ok(Self(Reaction {
                comment_id,
                origin,
                network: from.network(),
            }))
        }))
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
