//! Atom (RFC 4287) with threads (RFC 4685), written by a library that escapes. Must not know where comments come from.

use std::borrow::Cow;
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use uuid::Uuid;

use crate::base::clock::to_rfc3339;
use crate::comments::model::feed::{Feed, FeedEntry};

/// What a feed says of itself.
pub(super) struct Head {
    /// Stays the same as long as there is such a feed.
    pub(super) id: Uuid,
    /// For people.
    pub(super) title: String,
    /// Where the feed is.
    pub(super) own: String,
    /// The web page that it belongs to.
    pub(super) home: Option<String>,
}

type Xml = Writer<Vec<u8>>;

/// The document. It is well-formed whatever the comments hold: characters that XML can't are replaced.
pub(super) fn write(head: &Head, feed: &Feed) -> io::Result<Vec<u8>> {
    let mut xml = Writer::new(Vec::new());
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
    xml.create_element("feed")
        .with_attributes([
            ("xmlns", "http://www.w3.org/2005/Atom"),
            ("xmlns:thr", "http://purl.org/syndication/thread/1.0"),
        ])
        .write_inner_content(|xml| {
            element(xml, "id", &[], &urn(&head.id))?;
            element(xml, "title", &[], &head.title)?;
            element(xml, "updated", &[], &to_rfc3339(feed.updated_at()))?;
            link(xml, "self", "application/atom+xml", &head.own)?;
            if let Some(home) = &head.home {
                link(xml, "alternate", "text/html", home)?;
            }
            feed.entries
                .iter()
                .try_for_each(|comment| entry(xml, comment))
        })?;
    Ok(xml.into_inner())
}

fn entry(xml: &mut Xml, comment: &FeedEntry) -> io::Result<()> {
    let on = comment.page_title.as_ref().unwrap_or(&comment.page_url);
    xml.create_element("entry").write_inner_content(|xml| {
        element(xml, "id", &[], &urn(comment.id.as_uuid()))?;
        element(xml, "title", &[], &format!("{} on {on}", comment.name))?;
        element(xml, "published", &[], &to_rfc3339(comment.submitted_at))?;
        element(xml, "updated", &[], &to_rfc3339(comment.updated_at()))?;
        xml.create_element("author").write_inner_content(|xml| {
            element(xml, "name", &[], &comment.name)?;
            match &comment.website {
                Some(website) => element(xml, "uri", &[], website),
                None => Ok(()),
            }
        })?;
        link(
            xml,
            "alternate",
            "text/html",
            &anchor(comment, comment.id.as_uuid()),
        )?;
        in_reply_to(xml, comment)?;
        if let Some(number) = comment.reply_count {
            element(xml, "thr:total", &[], &number.to_string())?;
        }
        element(xml, "content", &[("type", "html")], &comment.body_html)
    })?;
    Ok(())
}

/// What it answers: another comment, or else the article, whose address is its name too (RFC 4685, section 3).
fn in_reply_to(xml: &mut Xml, comment: &FeedEntry) -> io::Result<()> {
    let (name, address) = match &comment.parent_id {
        Some(parent) => (urn(parent.as_uuid()), anchor(comment, parent.as_uuid())),
        None => (comment.page_url.clone(), comment.page_url.clone()),
    };
    let attributes = [
        ("ref", name.as_str()),
        ("href", &address),
        ("type", "text/html"),
    ];
    xml.create_element("thr:in-reply-to")
        .with_attributes(attributes)
        .write_empty()?;
    Ok(())
}

/// A comment's place on the page of this one.
fn anchor(comment: &FeedEntry, id: &Uuid) -> String {
    format!("{}#comment-{id}", comment.page_url)
}

fn urn(id: &Uuid) -> String {
    format!("urn:uuid:{id}")
}

fn link(xml: &mut Xml, relation: &str, kind: &str, address: &str) -> io::Result<()> {
    xml.create_element("link")
        .with_attributes([("rel", relation), ("type", kind), ("href", address)])
        .write_empty()?;
    Ok(())
}

fn element(xml: &mut Xml, name: &str, attributes: &[(&str, &str)], text: &str) -> io::Result<()> {
    xml.create_element(name)
        .with_attributes(attributes.iter().copied())
        .write_text_content(BytesText::new(&fit(text)))?;
    Ok(())
}

/// The text without what XML 1.0 can't hold, not even escaped (section 2.2): most controls, U+FFFE, U+FFFF.
fn fit(text: &str) -> Cow<'_, str> {
    let unfit = |c: char| matches!(c, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    if text.contains(unfit) {
        Cow::Owned(text.replace(unfit, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::base::ids::CommentId;

    /// The texts of the elements of this name, as a reader of XML gets them.
    fn texts(document: &[u8], name: &str) -> Vec<String> {
        let text = std::str::from_utf8(document).unwrap();
        let feed =
            feed_rs::parser::parse(document).unwrap_or_else(|error| panic!("{error}: {text}"));
        let entries = feed.entries.into_iter();
        entries
            .map(|entry| match name {
                "title" => entry.title.unwrap().content,
                "name" => entry.authors[0].name.clone().unwrap(),
                _ => entry.content.unwrap().body.unwrap(),
            })
            .collect()
    }

    #[test]
    fn what_xml_cannot_hold_is_replaced_and_all_else_comes_back() {
        // But for the carriage return, which some readers of XML take for a line feed.
        let every_control: String = ('\0'..=' ')
            .filter(|control| *control != '\r')
            .chain(['\u{7f}', '\u{85}', '\u{fffd}', '\u{fffe}', '\u{ffff}', '😀'])
            .collect();
        for text in [
            &every_control,
            "]]>",
            "<!--",
            "&#0;",
            "<![CDATA[x]]>",
            "&amp;lt;",
        ] {
            let at = datetime!(2026-11-24 16:27:18 UTC);
            let comment = FeedEntry {
                id: CommentId::new(at),
                parent_id: Some(CommentId::new(at)),
                name: format!("a{text}b"),
                website: Some(format!("https://example.org/{text}")),
                body_html: format!("<p>{text}b</p>"),
                submitted_at: at,
                edited_at: None,
                reply_count: Some(1),
                page_url: format!("https://example.org/?{text}"),
                page_title: Some(format!("c{text}d")),
            };
            let head = Head {
                id: Uuid::nil(),
                title: text.to_owned(),
                own: format!("/{text}"),
                home: None,
            };
            let feed = Feed {
                title: None,
                url: None,
                began: at,
                entries: vec![comment],
            };
            let document = write(&head, &feed).unwrap();
            let expected = fit(text);
            assert_eq!(texts(&document, "name"), [format!("a{expected}b")]);
            assert_eq!(texts(&document, "content"), [format!("<p>{expected}b</p>")]);
        }
    }
}
