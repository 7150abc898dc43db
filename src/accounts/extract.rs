//! Who calls, and whether their role allows it, as handlers want it. Must not know how it was found out.
//!
//! These answer at once from what [`crate::accounts::http::guard::authenticate`] left. Put them first among a handler's
//! arguments: then 403 comes before the body is looked at. On a route that the guard doesn't wrap everybody is a stranger.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};

use crate::accounts::error::Error;
use crate::accounts::model::{Caller, Role, Session};
use crate::web::ApiError;

/// Somebody who may read: any role.
#[derive(Debug)]
pub struct Reads(pub Caller);

/// Somebody who may decide: a moderator or above.
#[derive(Debug)]
pub struct Decides(pub Caller);

/// The session that the request came with, whatever the role.
#[derive(Debug)]
pub struct Current(pub Session);

impl FromRequest for Reads {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(
            caller(request, Role::Viewer)
                .map(Self)
                .map_err(ApiError::from),
        )
    }
}

impl FromRequest for Decides {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(
            caller(request, Role::Moderator)
                .map(Self)
                .map_err(ApiError::from),
        )
    }
}

impl FromRequest for Current {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(session(request).map(Self).map_err(ApiError::from))
    }
}

fn caller(request: &HttpRequest, least: Role) -> Result<Caller, Error> {
    let caller = session(request)?.caller;
    if caller.role < least {
        return Err(Error::Forbidden);
    }
    Ok(caller)
}

fn session(request: &HttpRequest) -> Result<Session, Error> {
    let found = request.extensions().get::<Session>().cloned();
    found.ok_or(Error::Unauthenticated)
}
