//! Readers' Markdown to HTML: whatever is written, a browser gets the few elements of the subset, links to the web only,
//! and the same tree that we meant. Must not know how it is rendered.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rejoinder::base::text::Body;
use rejoinder::comments::render::{HTML_BYTES_MAX, LINK_REL, render};
use scraper::{Html, Node};
use url::Url;

/// Those of the subset, and `html`, into which the parser puts a fragment.
const ELEMENTS: [&str; 12] = [
    "html",
    "a",
    "blockquote",
    "br",
    "code",
    "em",
    "li",
    "ol",
    "p",
    "pre",
    "strong",
    "ul",
];

fuzz_target!(|text: &str| {
    let Ok(body) = Body::parse(text) else { return };
    let html = render(&body);
    assert!(html.len() <= HTML_BYTES_MAX);
    // Another version of the parser than the one that has cleaned it.
    let tree = Html::parse_fragment(&html);
    for node in tree.root_element().descendants() {
        match node.value() {
            Node::Element(element) => {
                let name = element.name();
                assert!(ELEMENTS.contains(&name), "<{name}>");
                for (attribute, value) in element.attrs() {
                    match (name, attribute) {
                        ("a", "rel") => assert_eq!(value, LINK_REL),
                        ("a", "href") => {
                            let url = Url::parse(value).unwrap();
                            assert!(matches!(url.scheme(), "http" | "https"));
                            assert!(url.username().is_empty() && url.password().is_none());
                        }
                        ("ol", "start") => assert!(value.parse::<u64>().is_ok()),
                        _ => panic!("<{name} {attribute}>"),
                    }
                }
                assert!(name != "a" || element.attr("rel").is_some());
            }
            Node::Text(_) | Node::Fragment | Node::Document => {}
            _ => panic!("neither an element nor text"),
        }
    }
    // What a browser reads is what was written: no tree that changes when it is written and read again.
    assert_eq!(tree.root_element().inner_html(), html);
});
