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

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::web::query::Query;

    /// Refuses only after others had their turn, as a look into the database does.
    #[derive(Debug)]
    struct Nobody;

    impl FromRequest for Nobody {
        type Error = Error;
        type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

        fn from_request(_request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
            Box::pin(async {
                tokio::task::yield_now().await;
                Err(actix_web::error::ErrorUnauthorized("nobody"))
            })
        }
    }

    #[actix_web::test]
    async fn the_first_refusal_is_the_answer_even_when_it_comes_later() {
        let request = TestRequest::with_uri("/?q=%ff").to_http_request();
        let refusal = First::<Nobody, Query>::extract(&request).await.unwrap_err();
        assert_eq!(refusal.as_response_error().status_code(), 401);
        let refusal = First::<HttpRequest, Query>::extract(&request)
            .await
            .unwrap_err();
        assert_eq!(refusal.as_response_error().status_code(), 400);
    }
}
