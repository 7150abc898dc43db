//! Whether a request that carries a cookie was made by our own pages (Fetch Metadata; RFC 6454). Must not know cookies,
//! nor what is asked.

use actix_web::dev::RequestHead;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::base::page_url::Origin;

/// What a browser says of where a request comes from; pages can't set it.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Our own origin, as far as it is known.
#[derive(Debug, Clone)]
pub struct OwnOrigin {
    public: Option<Origin>,
}

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Read,
    Change,
}

impl OwnOrigin {
    /// As the operator says (`REJOINDER_PUBLIC_URL`); none: whatever host a request names, over plain http, which is what
    /// this service speaks.
    pub fn new(public: Option<Origin>) -> Self {
        Self { public }
    }

    /// The origin that the operator has named.
    pub fn public(&self) -> Option<&Origin> {
        self.public.as_ref()
    }

    /// Whether browsers reach us over an encrypted connection.
    pub fn is_https(&self) -> bool {
        self.public.as_ref().is_some_and(Origin::is_https)
    }

    /// Whether a page of ours made this request, for one that goes by a cookie. What only reads may also be typed into the
    /// address line, and come without a word of where it is from: no other page can read the answer.
    pub fn has_made(&self, request: &RequestHead) -> bool {
        let what = match request.method {
            Method::GET | Method::HEAD => Use::Read,
            _ => Use::Change,
        };
        self.judge(request.headers(), what)
    }

    /// The same, as strict as for a change whatever the method: for requests that begin to go by a cookie.
    pub fn has_made_change(&self, headers: &HeaderMap) -> bool {
        self.judge(headers, Use::Change)
    }

    fn judge(&self, headers: &HeaderMap, what: Use) -> bool {
        let reads = what == Use::Read;
        match sole(headers, &SEC_FETCH_SITE) {
            Sole::One(site) => site == "same-origin" || (reads && site == "none"),
            Sole::Many => false,
            Sole::None => match sole(headers, &header::ORIGIN) {
                Sole::One(origin) => self.is_own(origin, headers),
                Sole::Many => false,
                // Browsers from before Fetch Metadata send no `Origin` when they read from their own site.
                Sole::None => reads,
            },
        }
    }

    fn is_own(&self, origin: &HeaderValue, headers: &HeaderMap) -> bool {
        let Some(origin) = parse(origin, "") else {
            return false;
        };
        match (&self.public, sole(headers, &header::HOST)) {
            (Some(public), _) => origin == *public,
            (None, Sole::One(host)) => parse(host, "http://").is_some_and(|own| own == origin),
            (None, _) => false,
        }
    }
}

/// How often a header is there.
enum Sole<'a> {
    None,
    One(&'a HeaderValue),
    Many,
}

/// Twice the same header is a forgery or a broken proxy: which one would count?
fn sole<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Sole<'a> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (None, _) => Sole::None,
        (Some(value), None) => Sole::One(value),
        (Some(_), Some(_)) => Sole::Many,
    }
}

fn parse(value: &HeaderValue, scheme: &str) -> Option<Origin> {
    Origin::parse(&format!("{scheme}{}", value.to_str().ok()?)).ok()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const PUBLIC: &str = "https://comments.example";

    fn has_made(own: &OwnOrigin, method: Method, headers: &[(&str, &str)]) -> bool {
        let mut request = TestRequest::with_uri("/").method(method);
        for (name, value) in headers {
            request = request.append_header((*name, *value));
        }
        own.has_made(request.to_http_request().head())
    }

    /// What RELIABILITY.md 16 asks for: each combination of headers, for changes and for reads.
    #[test]
    fn only_our_own_pages_change_and_no_other_page_reads() {
        let own = OwnOrigin::new(Some(Origin::parse(PUBLIC).unwrap()));
        for (headers, changes, reads) in [
            (&[][..], false, true),
            (&[("sec-fetch-site", "same-origin")], true, true),
            (&[("sec-fetch-site", "same-site")], false, false),
            (&[("sec-fetch-site", "cross-site")], false, false),
            (&[("sec-fetch-site", "none")], false, true),
            (&[("sec-fetch-site", "")], false, false),
            (&[("sec-fetch-site", "Same-Origin")], false, false),
            (&[("origin", PUBLIC)], true, true),
            (&[("origin", "https://evil.example")], false, false),
            (&[("origin", "http://comments.example")], false, false),
            (&[("origin", "https://comments.example:8443")], false, false),
            (
                &[("origin", "https://comments.example.evil.example")],
                false,
                false,
            ),
            (&[("origin", "null")], false, false),
            (&[("origin", "")], false, false),
            // What the browser says of the site counts before the origin.
            (
                &[("sec-fetch-site", "cross-site"), ("origin", PUBLIC)],
                false,
                false,
            ),
            (
                &[("sec-fetch-site", "same-origin"), ("origin", PUBLIC)],
                true,
                true,
            ),
            // A host is no word of where a request comes from.
            (&[("host", "comments.example")], false, true),
            (
                &[
                    ("origin", "http://127.0.0.1:8080"),
                    ("host", "127.0.0.1:8080"),
                ],
                false,
                false,
            ),
            (&[("referer", "https://comments.example/desk")], false, true),
        ] {
            for method in [
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
                Method::OPTIONS,
            ] {
                assert_eq!(
                    has_made(&own, method.clone(), headers),
                    changes,
                    "{method} {headers:?}"
                );
            }
            for method in [Method::GET, Method::HEAD] {
                assert_eq!(
                    has_made(&own, method.clone(), headers),
                    reads,
                    "{method} {headers:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_there_twice_is_never_ours() {
        let own = OwnOrigin::new(Some(Origin::parse(PUBLIC).unwrap()));
        for header in [("sec-fetch-site", "same-origin"), ("origin", PUBLIC)] {
            for method in [Method::GET, Method::POST] {
                assert!(!has_made(&own, method, &[header, header]), "{header:?}");
            }
        }
    }

    #[test]
    fn without_a_public_address_the_requests_own_host_counts() {
        let own = OwnOrigin::new(None);
        assert!(!own.is_https());
        for (origin, host, is_own) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080", true),
            ("http://LOCALHOST", "localhost:80", true),
            ("https://localhost", "localhost", false),
            ("http://localhost:8080", "localhost:9090", false),
            ("http://evil.example", "localhost", false),
            ("null", "null", false),
            ("http://a", "a/b", false),
        ] {
            let headers = [("origin", origin), ("host", host)];
            assert_eq!(
                has_made(&own, Method::POST, &headers),
                is_own,
                "{origin} {host}"
            );
        }
        assert!(!has_made(
            &own,
            Method::POST,
            &[("origin", "http://localhost")]
        ));
        let twice = [("origin", "http://a"), ("host", "a"), ("host", "a")];
        assert!(!has_made(&own, Method::POST, &twice));
    }

    #[test]
    fn what_begins_to_go_by_a_cookie_is_judged_as_a_change() {
        let own = OwnOrigin::new(Some(Origin::parse(PUBLIC).unwrap()));
        let judged = |headers: &[(&str, &str)]| {
            let mut request = TestRequest::get();
            for (name, value) in headers {
                request = request.append_header((*name, *value));
            }
            own.has_made_change(request.to_http_request().headers())
        };
        assert!(judged(&[("origin", PUBLIC)]) && judged(&[("sec-fetch-site", "same-origin")]));
        assert!(!judged(&[]) && !judged(&[("sec-fetch-site", "none")]));
    }
}
