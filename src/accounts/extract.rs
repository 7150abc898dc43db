//! Who calls, and whether role and scopes allow it, as handlers want it. Must not know how it was found out.
//!
//! These answer at once from what [`crate::accounts::http::guard::authenticate`] left. Put them first among a handler's
//! arguments: then 403 comes before the body is looked at. On a route that the guard doesn't wrap everybody is a stranger.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};

use crate::accounts::error::Error;
use crate::accounts::model::{Caller, Proof, Role, Scope, Session};
use crate::web::ApiError;

/// The session that the request came with, whatever the role. No API token gets here.
#[derive(Debug)]
pub struct Current(pub Session);

impl FromRequest for Current {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let session = request.extensions().get::<Session>().cloned();
        let found = session.ok_or_else(|| match request.extensions().get::<Caller>() {
            Some(_) => Error::Forbidden,
            None => Error::Unauthenticated,
        });
        ready(found.map(Self).map_err(ApiError::from))
    }
}

/// What a caller must show besides their role.
#[derive(Clone, Copy)]
enum Needs {
    /// A session, or a token with one of these scopes.
    Scope(&'static [Scope]),
    /// A session: tokens can't do it, so that a stolen one makes no others.
    Session,
}

macro_rules! extractors {
    ($($(#[$doc:meta])* $name:ident: $role:ident, $needs:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(pub Caller);

        impl FromRequest for $name {
            type Error = ApiError;
            type Future = Ready<Result<Self, ApiError>>;

            fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
                ready(caller(request, Role::$role, $needs).map(Self).map_err(ApiError::from))
            }
        }
    )+};
}

extractors! {
    /// Somebody who may read comments: any role, `comments:read`.
    Reads: Viewer, Needs::Scope(&[Scope::CommentsRead]);
    /// Somebody who may decide: a moderator or above, `comments:decide`.
    Decides: Moderator, Needs::Scope(&[Scope::CommentsDecide]);
    /// Somebody who may read settings, people's names and the log: any role, `settings` or `comments:read`.
    ReadsSettings: Viewer, Needs::Scope(&[Scope::Settings, Scope::CommentsRead]);
    /// Somebody who may change settings: an admin or the owner, `settings`.
    Configures: Admin, Needs::Scope(&[Scope::Settings]);
    /// Somebody who may take all of a site along, e-mail addresses too: an admin or the owner, `comments:personal`.
    Exports: Admin, Needs::Scope(&[Scope::CommentsPersonal]);
    /// Somebody who may manage people: an admin or the owner, in a session.
    Governs: Admin, Needs::Session;
    /// Somebody who may make API tokens: a moderator or above, in a session.
    MakesTokens: Moderator, Needs::Session;
}

fn caller(request: &HttpRequest, least: Role, needs: Needs) -> Result<Caller, Error> {
    let found = request.extensions().get::<Caller>().cloned();
    let caller = found.ok_or(Error::Unauthenticated)?;
    let shown = match needs {
        Needs::Scope(scopes) => scopes.iter().any(|scope| caller.has(*scope)),
        Needs::Session => matches!(caller.proof, Proof::Session(_)),
    };
    if caller.role < least || !shown {
        return Err(Error::Forbidden);
    }
    Ok(caller)
}
