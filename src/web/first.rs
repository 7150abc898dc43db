//! `First<A, B>`: extracts one thing before the other, so that who calls is settled before what they sent is looked at.
//! Must not know who calls.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, HttpRequest};

/// `A`, and only when that is there, `B`. A handler's arguments are otherwise extracted side by side: a malformed body
/// would be complained of while the session is still being looked up. `A` doesn't see the body.
#[derive(Debug)]
pub struct First<A, B>(pub A, pub B);

impl<A: FromRequest + 'static, B: FromRequest + 'static> FromRequest for First<A, B> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let first = A::from_request(&request, &mut Payload::None)
                .await
                .map_err(Into::into)?;
            let then = B::from_request(&request, &mut payload)
                .await
                .map_err(Into::into)?;
            Ok(Self(first, then))
        })
    }
}
