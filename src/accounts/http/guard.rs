//! Stands before the whole admin API: strangers get 401 whatever they ask for, before their body is read.
//! Must not know roles, nor what the routes do.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage as _, ResponseError as _};

use crate::accounts::Accounts;
use crate::accounts::error::Error as Refused;
use crate::accounts::model::{Session, SessionToken};
use crate::web::ApiError;

/// Where one may come without a session, to get one; below the scope.
const SIGN_IN: &str = "/sessions";

/// Authenticates every request of the scope that it wraps (but sign-ins) and leaves the session for the extractors.
///
/// Why not the extractors alone: actix-web polls those of a handler in turn, and a body that has arrived is judged while
/// the database is still asked who calls. A wrong body would be 422 to a stranger, an unknown path 404.
pub async fn authenticate<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let signs_in =
        request.method() == Method::POST && request.match_info().unprocessed() == SIGN_IN;
    if !signs_in {
        match session(&request).await {
            Ok(session) => {
                let mut extensions = request.extensions_mut();
                extensions.insert(session.caller.clone());
                extensions.insert(session);
            }
            Err(refused) => {
                let answer = ApiError::from(refused).error_response();
                return Ok(request.into_response(answer));
            }
        }
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

async fn session(request: &ServiceRequest) -> Result<Session, Refused> {
    let token = bearer(request.headers()).ok_or(Refused::Unauthenticated)?;
    // Without accounts nobody can be anybody.
    let accounts = request
        .app_data::<Data<Accounts>>()
        .ok_or(Refused::Unauthenticated)?;
    accounts.authenticate(&token).await
}

/// The token of `Authorization: Bearer …` (RFC 6750). Two such headers are none: proxies differ in which one they read.
fn bearer(headers: &HeaderMap) -> Option<SessionToken> {
    let mut values = headers.get_all(header::AUTHORIZATION);
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    SessionToken::parse(token.trim_matches(' '))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{AUTHORIZATION, HeaderValue};

    use super::*;

    fn read(values: &[&str]) -> Option<[u8; 32]> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        bearer(&headers).map(|token| token.hash())
    }

    #[test]
    fn a_token_is_read_from_one_bearer_header_only() {
        let token = SessionToken::generate();
        let text = token.expose();
        for good in [
            format!("Bearer {text}"),
            format!("bearer {text}"),
            format!("BEARER  {text} "),
        ] {
            assert_eq!(read(&[&good]), Some(token.hash()));
        }
        let bearer = format!("Bearer {text}");
        for bad in [
            text.to_owned(),
            format!("Basic {text}"),
            format!("Bearer{text}"),
            format!("Bearer {text},"),
            "Bearer".into(),
        ] {
            assert_eq!(read(&[&bad]), None, "{bad}");
        }
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[&bearer, &bearer]), None);
    }
}
