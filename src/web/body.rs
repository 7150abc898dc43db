//! Reads a request body whole, within its bound and its time. Must not know what the body means.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::BytesMut;
use bytes::Bytes;
use futures_util::StreamExt;

use super::problem::ApiError;
use crate::base::codes::Code;

/// The largest body, in bytes.
pub const BODY_BYTES_MAX: usize = 160 * 1024;
/// How long a body may take to arrive whole.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);

/// What kind of body it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `application/json`.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
}

/// The body's kind by its Content-Type; compressed bodies and other charsets than UTF-8 are refused.
pub(crate) fn kind(request: &HttpRequest) -> Result<Kind, ApiError> {
    let refuse = |detail| Err(ApiError::because(Code::UnsupportedMediaType, detail));
    let headers = request.headers();
    if headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return refuse("compressed bodies are not taken");
    }
    let Some(named) = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
    else {
        return refuse("Content-Type is missing or not readable");
    };
    let mut parts = named.split(';').map(str::trim);
    let kind = match parts.next().map(str::to_ascii_lowercase).as_deref() {
        Some("application/json") => Kind::Json,
        Some("application/x-www-form-urlencoded") => Kind::Form,
        _ => return refuse("this Content-Type is not taken here"),
    };
    for parameter in parts.filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if name.eq_ignore_ascii_case("charset")
            && !value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        {
            return refuse("only UTF-8 is taken");
        }
    }
    Ok(kind)
}

/// The whole body, at most [`BODY_BYTES_MAX`] bytes, within 10 seconds.
pub(crate) async fn read(request: &HttpRequest, payload: Payload) -> Result<Bytes, ApiError> {
    let too_large = || ApiError::because(Code::BodyTooLarge, "the body has more than 160 KiB");
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > BODY_BYTES_MAX) {
        return Err(too_large());
    }
    let whole = async {
        let mut payload = payload;
        let mut body = BytesMut::with_capacity(announced.unwrap_or(1024).min(BODY_BYTES_MAX));
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| {
                tracing::debug!(%error, "a request body broke off");
                ApiError::because(Code::MalformedBody, "the body broke off")
            })?;
            if body.len() + chunk.len() > BODY_BYTES_MAX {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    match tokio::time::timeout(BODY_TIME_MAX, whole).await {
        Ok(body) => body,
        Err(_elapsed) => Err(ApiError::because(
            Code::RequestTimeout,
            "the body did not arrive within 10 seconds",
        )
        .with_header(
            header::CONNECTION,
            header::HeaderValue::from_static("close"),
        )),
    }
}
