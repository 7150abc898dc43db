//! Which addresses are the same page, and which are none. Knows only its parent.

use ComplaintCode::{InvalidCharacters, InvalidUrl, Required, TooLong};
use proptest::prelude::*;

use super::*;

fn code(raw: &str) -> Option<ComplaintCode> {
    PageUrl::parse(raw).err().map(|complaint| complaint.code)
}

/// What is sent, the scheme of what is shown, and the key, which is the rest of it.
const NORMAL_FORMS: [(&str, &str, &str); 20] = [
    ("https://example.org", "https", "example.org/"),
    ("HTTPS://Example.ORG/Tides", "https", "example.org/Tides"),
    ("https://example.org/tides/", "https", "example.org/tides/"),
    ("https://example.org/a#comments", "https", "example.org/a"),
    ("https://example.org:443/a", "https", "example.org/a"),
    ("http://example.org:80/a", "http", "example.org/a"),
    ("https://example.org:80/a", "https", "example.org:80/a"),
    ("http://example.org:443/a", "http", "example.org:443/a"),
    ("http://127.0.0.1:8080/demo", "http", "127.0.0.1:8080/demo"),
    ("http://[::1]:80/", "http", "[::1]/"),
    ("https://bücher.org/ü", "https", "xn--bcher-kva.org/%C3%BC"),
    ("https://example.org/a/../b/./c", "https", "example.org/b/c"),
    (
        "https://a.org/%7euser/%c3%bc",
        "https",
        "a.org/~user/%C3%BC",
    ),
    ("https://example.org/a%2fb", "https", "example.org/a%2Fb"),
    ("https://example.org/a b", "https", "example.org/a%20b"),
    ("https://example.org/50%", "https", "example.org/50%"),
    ("https://example.org/?", "https", "example.org/"),
    (
        "https://example.org/?b=2&a=1",
        "https",
        "example.org/?b=2&a=1",
    ),
    (
        "https://example.org/?p=1&p=2",
        "https",
        "example.org/?p=1&p=2",
    ),
    ("  https://example.org/\u{200B}", "https", "example.org/"),
];

#[test]
fn a_page_is_shown_and_known_by_its_normal_form() {
    for (raw, scheme, key) in NORMAL_FORMS {
        let url = PageUrl::parse(raw).unwrap();
        assert_eq!(url.as_str(), format!("{scheme}://{key}"), "{raw}");
        assert_eq!(url.key(), key, "{raw}");
    }
}

#[test]
fn what_is_decoded_never_completes_a_broken_encoding() {
    for (raw, normal) in [
        ("%%66F", "%%66F"),
        ("%a%62", "%a%62"),
        ("%%61b", "%%61b"),
        ("%%67", "%g"),
        ("%41%42%c3%61", "AB%C3a"),
    ] {
        let url = PageUrl::parse(&format!("https://example.org/{raw}")).unwrap();
        assert_eq!(url.key(), format!("example.org/{normal}"), "{raw}");
    }
}

#[test]
fn tracking_and_commenting_leave_no_mark_on_a_page() {
    let table = [
        ("?utm_source=x", ""),
        ("?utm_source=x&utm_anything=y&id=3", "?id=3"),
        ("?id=3&fbclid=abc", "?id=3"),
        ("?gclid=1&GCLID=2&mc_cid=3&mc_eid=4&_ga=5", ""),
        ("?fbclid", ""),
        ("?%66bclid=1", ""),
        ("?unapproved=5&moderation-hash=abc#comment-5", ""),
        ("?p=7&replytocom=12#respond", "?p=7"),
        (
            "?utm=1&mutm_x=2&gclids=3&ref=4",
            "?utm=1&mutm_x=2&gclids=3&ref=4",
        ),
        ("?q=utm_source=x", "?q=utm_source=x"),
        ("?a&&b", "?a&&b"),
    ];
    for (query, kept) in table {
        let url = PageUrl::parse(&format!("https://example.org/a{query}")).unwrap();
        assert_eq!(
            url.as_str(),
            format!("https://example.org/a{kept}"),
            "{query}"
        );
    }
}

#[test]
fn the_lists_are_in_lower_case_and_name_nothing_twice() {
    let mut names = [TRACKING_PARAMETERS.as_slice(), &COMMENTING_PARAMETERS].concat();
    assert!(names.iter().all(|name| *name == name.to_ascii_lowercase()));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn other_addresses_are_refused() {
    let table = [
        "example.org",
        "/tides",
        "//example.org/tides",
        "http:example.org",
        "https:/example.org",
        "https://",
        "https:///tides",
        "https://?x",
        "http://:80/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "javascript://example.org/%0aalert(1)",
        "data:text/html,x",
        "about:blank",
        "null",
        "https://user@example.org/",
        "https://user:pass@example.org/",
        "https://@example.org/",
        "https://:@example.org/",
        "https://example.org:0x50/",
        "https://example.org:65536/",
        "https://exa mple.org/",
        "https://exa<mple.org/",
        "https://[::1/",
        "https://1.2.3.256/",
        "https://xn--a/",
        "https://%00.org/",
    ];
    for raw in table {
        assert_eq!(code(raw), Some(InvalidUrl), "{raw}");
    }
    assert_eq!(code(""), Some(Required));
    assert_eq!(code(" \u{FEFF}"), Some(Required));
    for raw in [
        "https://example.org/\0",
        "https://exam\nple.org/",
        "https://example.org/\ta",
        "https://example.org/\u{9F}",
    ] {
        assert_eq!(code(raw), Some(InvalidCharacters), "{raw:?}");
    }
    assert_eq!(code("https://example.org/a@b?c@d#e@f"), None);
}

#[test]
fn an_address_has_2048_characters_at_most_also_when_normalised() {
    let head = "https://example.org/";
    let long = |count: usize, unit: &str| format!("{head}{}", unit.repeat(count));
    assert_eq!(code(&long(2_028, "a")), None);
    assert_eq!(code(&long(2_029, "a")), Some(TooLong));
    // Nine characters in ASCII for each of these.
    assert_eq!(code(&long(225, "漢")), None);
    assert_eq!(code(&long(226, "漢")), Some(TooLong));
    assert_eq!(code(&format!("  {}  ", long(2_028, "a"))), None);
}

#[test]
fn an_origin_is_scheme_host_and_port() {
    let table = [
        ("https://example.org", "https://example.org"),
        ("HTTPS://EXAMPLE.org:443", "https://example.org"),
        ("http://example.org:8080", "http://example.org:8080"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        (" http://127.1 ", "http://127.0.0.1"),
    ];
    for (raw, text) in table {
        assert_eq!(Origin::parse(raw).unwrap().to_string(), text, "{raw}");
    }
    for raw in [
        "",
        "null",
        "*",
        "example.org",
        "https://example.org/",
        "https://example.org/a",
        "https://example.org?",
        "https://example.org#",
        "https://example.org\\",
        "https://user@example.org",
        "https://a.org,https://b.org",
        "https://a.org https://b.org",
        "file://",
        "ftp://example.org",
        "moz-extension://abc",
        "https://*.example.org",
    ] {
        assert!(Origin::parse(raw).is_err(), "{raw}");
    }
    let url = PageUrl::parse("https://Example.org:8443/a?b#c").unwrap();
    assert_eq!(
        url.origin(),
        &Origin::parse("https://example.org:8443").unwrap()
    );
    assert_eq!(url.origin().authority(), "example.org:8443");
    assert!(url.origin().is_https());
}

#[test]
fn loopback_is_this_machine_on_any_port() {
    for raw in [
        "http://localhost",
        "https://localhost:8443",
        "http://LOCALHOST:3000",
        "http://blog.localhost",
        "http://127.0.0.1",
        "http://127.200.0.1:1",
        "http://[::1]:8080",
        "http://0x7f000001",
    ] {
        assert!(Origin::parse(raw).unwrap().is_loopback(), "{raw}");
    }
    for raw in [
        "http://example.org",
        "http://localhost.example.org",
        "http://notlocalhost",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://[::2]",
        "http://128.0.0.1",
    ] {
        assert!(!Origin::parse(raw).unwrap().is_loopback(), "{raw}");
    }
}

#[test]
fn a_website_is_kept_whole_but_never_printed() {
    let website = Website::parse(" HTTPS://Example.org/~ada?utm_source=x#me ").unwrap();
    assert_eq!(website.as_str(), "https://example.org/~ada?utm_source=x#me");
    assert_eq!(format!("{website:?}"), "Website(…)");
    for raw in [
        "",
        "example.org",
        "javascript:alert(1)",
        "https://a:b@example.org",
        "mailto:ada@example.org",
        // Its normal form, `xn--chq*-goa`, would be none.
        "http://üchq%2A",
    ] {
        assert!(Website::parse(raw).is_err(), "{raw}");
    }
    assert!(Website::parse(&format!("https://e.org/{}", "é".repeat(500))).is_err());
}

proptest! {
    #[test]
    fn a_normal_form_is_its_own(
        raw in "https?://[a-zA-Zü.]{1,9}(:[0-9]{1,5})?/[ -~é]{0,30}"
    ) {
        if let Ok(url) = PageUrl::parse(&raw) {
            prop_assert_eq!(PageUrl::parse(url.as_str()).unwrap(), url.clone());
            prop_assert!(url.as_str().is_ascii() && url.as_str().len() <= URL_CHARS_MAX);
            prop_assert!(url.as_str().ends_with(url.key()));
        }
    }

    #[test]
    fn a_website_in_its_normal_form_stays(raw in "https?://[a-zü*.]{0,5}(%2[0-9A-F])?[a-zü*.]{0,5}/[ -~é]{0,9}") {
        if let Ok(website) = Website::parse(&raw) {
            prop_assert_eq!(Website::parse(website.as_str()).unwrap(), website);
        }
    }

    #[test]
    fn a_normal_form_with_broken_encodings_is_its_own(rest in "[%6aF1]{0,16}") {
        let url = PageUrl::parse(&format!("https://example.org/{rest}?{rest}")).unwrap();
        prop_assert_eq!(PageUrl::parse(url.as_str()).unwrap(), url);
    }

    #[test]
    fn no_text_is_a_panic(raw in "(https?://)?.*") {
        code(&raw);
        let _website = Website::parse(&raw);
        let _origin = Origin::parse(&raw);
    }
}
