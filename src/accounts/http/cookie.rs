//! The desk's cookie: a session's token where no script can read it (RFC 6265bis). Must not know sessions.

use actix_web::http::header::{self, HeaderMap, HeaderValue};

use crate::accounts::model::{SESSION_AGE_MAX, SessionToken};
use crate::web::same_origin::OwnOrigin;

/// Over https: the prefix makes browsers refuse it from anywhere but this host, encrypted, for all paths.
const SECURE_NAME: &str = "__Host-rejoinder_session";
/// Over plain http, which browsers give no such promise: for this machine only.
const PLAIN_NAME: &str = "rejoinder_session";

/// The cookie's name on this installation.
fn name(own: &OwnOrigin) -> &'static str {
    if own.is_https() {
        SECURE_NAME
    } else {
        PLAIN_NAME
    }
}

/// Sets the cookie. It lasts as long as a session can; whether the session still does, the server knows.
pub(super) fn setting(own: &OwnOrigin, token: &SessionToken) -> Option<HeaderValue> {
    cookie(own, token.expose(), SESSION_AGE_MAX.whole_seconds())
}

/// Takes the cookie away.
pub(super) fn clearing(own: &OwnOrigin) -> Option<HeaderValue> {
    cookie(own, "", 0)
}

fn cookie(own: &OwnOrigin, value: &str, max_age_seconds: i64) -> Option<HeaderValue> {
    let secure = if own.is_https() { "; Secure" } else { "" };
    let name = name(own);
    let text = format!(
        "{name}={value}; Path=/; Max-Age={max_age_seconds}; HttpOnly; SameSite=Strict{secure}"
    );
    // A token's letters are all fit for a header.
    let mut header = HeaderValue::from_str(&text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// Whether a request has the cookie, and what is in it.
pub(super) enum Found {
    /// It hasn't.
    Nothing,
    /// It can't be a session's, or it is there twice: somebody else's page may have put one beside ours.
    Unfit,
    /// The token of a session, perhaps an ended one.
    Token(SessionToken),
}

/// Looks for the cookie.
pub(super) fn find(own: &OwnOrigin, headers: &HeaderMap) -> Found {
    let name = name(own);
    let mut values = headers
        .get_all(header::COOKIE)
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(known, _)| *known == name)
        .map(|(_, value)| value);
    match (values.next(), values.next()) {
        (None, _) => Found::Nothing,
        (Some(value), None) => SessionToken::parse(value).map_or(Found::Unfit, Found::Token),
        (Some(_), Some(_)) => Found::Unfit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::page_url::Origin;

    fn own(public: &str) -> OwnOrigin {
        OwnOrigin::new(Origin::parse(public).ok())
    }

    fn found(own: &OwnOrigin, lines: &[String]) -> Option<[u8; 32]> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::from_str(line).unwrap());
        }
        match find(own, &headers) {
            Found::Token(token) => Some(token.hash()),
            Found::Nothing | Found::Unfit => None,
        }
    }

    #[test]
    fn over_https_it_is_bound_to_the_host_and_over_http_it_still_works() {
        let token = SessionToken::generate();
        let text = token.expose();
        let rest = "Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict";
        for (public, line) in [
            (
                "https://c.example",
                format!("__Host-rejoinder_session={text}; {rest}; Secure"),
            ),
            (
                "http://localhost:8080",
                format!("rejoinder_session={text}; {rest}"),
            ),
            ("", format!("rejoinder_session={text}; {rest}")),
        ] {
            let header = setting(&own(public), &token).unwrap();
            assert_eq!(header.to_str().unwrap(), line);
            assert!(!format!("{header:?}").contains(text));
            let gone = clearing(&own(public)).unwrap();
            assert!(
                gone.to_str()
                    .unwrap()
                    .contains("_session=; Path=/; Max-Age=0;")
            );
        }
    }

    #[test]
    fn one_cookie_of_the_right_name_is_read() {
        let own = own("https://c.example");
        let token = SessionToken::generate();
        let pair = format!("{SECURE_NAME}={}", token.expose());
        for lines in [
            vec![pair.clone()],
            vec![format!("a=b; {pair};c")],
            vec!["a=b".to_owned(), pair.clone()],
        ] {
            assert_eq!(found(&own, &lines), Some(token.hash()), "{lines:?}");
        }
        for lines in [
            vec![],
            vec![format!("{PLAIN_NAME}={}", token.expose())],
            vec![format!("{pair}; {pair}")],
            vec![pair.clone(), pair.clone()],
            vec![format!("{pair}x")],
            vec![format!("{SECURE_NAME}=rjt_{}", token.expose())],
            vec![pair.to_lowercase()],
        ] {
            assert_eq!(found(&own, &lines), None, "{lines:?}");
        }
    }
}
