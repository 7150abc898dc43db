//! The header `Idempotency-Key`. Must not know what it is kept for.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::problem::ApiError;
use crate::base::codes::Code;

/// The client's Idempotency-Key, where there is one.
pub struct IdempotencyKey(pub Option<String>);

const IDEMPOTENCY_KEY_CHARS_MAX: usize = 128;

impl FromRequest for IdempotencyKey {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let mut values = request.headers().get_all("Idempotency-Key");
        let key = match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => Ok(value
                .to_str()
                .ok()
                .filter(|key| (1..=IDEMPOTENCY_KEY_CHARS_MAX).contains(&key.len()))
                .filter(|key| key.bytes().all(|byte| byte.is_ascii_graphic()))
                .map(str::to_owned))
            .and_then(|key| key.map(Some).ok_or(())),
            (Some(_), Some(_)) => Err(()),
        };
        ready(
            key.map(Self)
                .ok()
                .ok_or_else(|| ApiError::new(Code::InvalidIdempotencyKey)),
        )
    }
}
