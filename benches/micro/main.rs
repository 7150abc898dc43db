//! What single steps take, without network and database: `cargo bench --bench micro`. Tells where a request's time goes;
//! benches/load tells whether it matters. Knows what the library shows to everybody, and no more.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a benchmark may stop, and its comments are of now"
)]

use std::net::{IpAddr, Ipv4Addr};

use divan::{Bencher, black_box};
use rejoinder::base::email::EmailAddress;
use rejoinder::base::ids::{CommentId, PageId};
use rejoinder::base::page_url::PageUrl;
use rejoinder::base::text::{Body, Name};
use rejoinder::comments::http::wire::{
    Author, Comment, CommentList, Page, SubmitComment, ThreadedComment,
};
use rejoinder::comments::render::render;
use rejoinder::web::client_address::ClientAddress;
use serde_json::json;
use time::OffsetDateTime;

fn main() {
    divan::main();
}

const SENTENCE: &str =
    "The tide came in *later* than the tables said, and so did we; see https://example.org/tides. ";

fn paragraphs(count: usize) -> String {
    vec![SENTENCE.repeat(3); count].join("\n\n")
}

fn nasty() -> String {
    // What costs parsers most: openings that are never closed, quotes in quotes, and what only looks like a link.
    let openings = "*_`[".repeat(600);
    let quotes = "> ".repeat(900);
    let tags = "<a href=\"javascript:x\">".repeat(150);
    format!("{openings}\n\n{quotes}deep\n\n{tags}")
}

mod submission {
    use super::{
        Bencher, ClientAddress, IpAddr, Ipv4Addr, SENTENCE, SubmitComment, black_box, json,
    };
    use validator::Validate as _;

    fn sent() -> Vec<u8> {
        let sent = json!({
            "page_url": "https://www.example.org/2026/tides?utm_source=letter&page=2#comments",
            "name": "Ada of the Harbour", "email": "Ada@Example.org", "website": "https://ada.example/",
            "body": SENTENCE.repeat(3),
        });
        sent.to_string().into_bytes()
    }

    /// From the octets of a request to what is stored.
    #[divan::bench]
    fn parse_validate_normalise(bencher: Bencher<'_, '_>) {
        let sent = sent();
        let from = ClientAddress::new(IpAddr::V4(Ipv4Addr::LOCALHOST));
        bencher.bench(|| {
            let fields: SubmitComment = serde_json::from_slice(black_box(&sent)).unwrap();
            fields.validate().unwrap();
            fields.into_draft(from, None).ok().unwrap()
        });
    }
}

mod text {
    use super::{Body, EmailAddress, Name, PageUrl, SENTENCE, black_box};

    #[divan::bench]
    fn name() -> Name {
        Name::parse(black_box("  Ada of the Harbour ")).unwrap()
    }

    #[divan::bench]
    fn email() -> EmailAddress {
        EmailAddress::parse(black_box("Ada@Example.org")).unwrap()
    }

    #[divan::bench]
    fn email_of_an_international_domain() -> EmailAddress {
        EmailAddress::parse(black_box("Ada@Bücher.Example")).unwrap()
    }

    #[divan::bench(args = [1, 10, 100])]
    fn body(sentences: usize) -> Body {
        Body::parse(black_box(&SENTENCE.repeat(sentences))).unwrap()
    }

    #[divan::bench]
    fn body_of_accents_that_stand_alone() -> Body {
        Body::parse(black_box(&"e\u{301}".repeat(1_000))).unwrap()
    }

    #[divan::bench]
    fn page_url() -> PageUrl {
        let url =
            "HTTPS://WWW.Example.org:443/2026/./tides?utm_source=letter&page=2&fbclid=x#comments";
        PageUrl::parse(black_box(url)).unwrap()
    }
}

mod rendering {
    use super::{Bencher, Body, nasty, paragraphs, render};

    #[divan::bench]
    fn short(bencher: Bencher<'_, '_>) {
        let body = Body::parse(&paragraphs(1)).unwrap();
        bencher.bench(|| render(&body));
    }

    #[divan::bench]
    fn long(bencher: Bencher<'_, '_>) {
        let body = Body::parse(&paragraphs(30)).unwrap();
        bencher.bench(|| render(&body));
    }

    #[divan::bench]
    fn nasty_one(bencher: Bencher<'_, '_>) {
        let body = Body::parse(&nasty()).unwrap();
        bencher.bench(|| render(&body));
    }
}

/// A page's list of fifty, as it is sent.
#[divan::bench]
fn json_of_fifty(bencher: Bencher<'_, '_>) {
    let list = CommentList {
        page: Page {
            id: Some(PageId::new(OffsetDateTime::now_utc())),
            url: Some("https://example.org/tides".to_owned()),
            title: Some("Tides".to_owned()),
            comment_count: 70,
            comments_open: true,
        },
        comments: (0..50).map(|_| thread()).collect(),
        next_cursor: None,
    };
    bencher.bench(|| serde_json::to_vec(black_box(&list)).unwrap());
}

fn thread() -> ThreadedComment {
    let now = OffsetDateTime::now_utc();
    let body = Body::parse(&paragraphs(1)).unwrap();
    ThreadedComment {
        comment: Comment {
            id: CommentId::new(now),
            parent_id: None,
            depth: 0,
            removed: false,
            author: Some(Author {
                name: "Ada of the Harbour".to_owned(),
                website: None,
                is_staff: false,
                avatar: "/avatars/00ff0123456789abcdef0123456789ab.svg".to_owned(),
            }),
            body_html: Some(render(&body)),
            submitted_at: now,
            edited_at: None,
            score: 3,
        },
        reply_count: 0,
        replies: Vec::new(),
        next_replies_cursor: None,
    }
}
