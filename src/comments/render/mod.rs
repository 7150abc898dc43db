//! From a comment's Markdown to HTML that is safe to show. Must not know who wrote it, nor the page.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use linkify::{LinkFinder, LinkKind};
use pulldown_cmark::{Event, Options, Parser, Tag, TextMergeStream};
use url::Url;

use crate::base::text::{Body, is_invisible};

/// The most octets of a rendered body. What would be more (thousands of tiny elements, one long address used
/// again and again) is shown as plain text, of which 10,000 characters take at most 60,000 octets.
pub const HTML_BYTES_MAX: usize = 131_072;

/// How deep quotes, lists and items nest. What lies deeper is shown at this depth; nobody can read it indented anyway, and
/// the cost of building and showing a page grows with its depth.
pub(super) const DEPTH_MAX: usize = 12;

/// What every link carries: no credit from search engines, marked as a reader's, no way back to our window.
pub const LINK_REL: &str = "nofollow ugc noopener";

/// Renders the Markdown subset: paragraphs, emphasis, code, quotes, lists and links to http and https; a line break is
/// one in the HTML too. All else is shown as text: raw HTML as it was written, headings as bold paragraphs,
/// pictures as links. Text of which nothing would be seen (a lone `#`, definitions of links) is shown as it was written.
/// Gives at most [`HTML_BYTES_MAX`] octets.
pub fn render(body: &Body) -> String {
    let html = Renderer::default().run(body.as_str()).and_then(|html| {
        let html = sanitise(html);
        (html.len() <= HTML_BYTES_MAX).then_some(html)
    });
    html.unwrap_or_else(|| sanitise(plain(body.as_str())))
}

/// The last gate: whatever the renderer does, nothing but this leaves.
static GATE: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut gate = Builder::empty();
    gate.tags(HashSet::from([
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
    ]))
    .tag_attributes(HashMap::from([
        ("a", HashSet::from(["href"])),
        ("ol", HashSet::from(["start"])),
    ]))
    .url_schemes(HashSet::from(["http", "https"]))
    .url_relative(UrlRelative::Deny)
    .link_rel(Some(LINK_REL));
    gate
});

fn sanitise(html: String) -> String {
    if is_paragraphs(&html) {
        return html;
    }
    GATE.clean(&html).to_string()
}

/// Whether it is nothing but text in paragraphs with line breaks, of which the gate would change nothing. Most comments are,
/// and looking takes a hundredth of the time of parsing and writing the HTML again.
fn is_paragraphs(html: &str) -> bool {
    let mut rest = html;
    while let Some(inside) = rest.strip_prefix("<p>") {
        let Some((text, after)) = inside.split_once("</p>\n") else {
            return false;
        };
        let has_markup = text
            .split("<br>\n")
            .any(|line| line.contains(['<', '>', '\u{A0}']));
        let mut references = text.split('&').skip(1);
        let known = |reference: &str| {
            ["amp;", "lt;", "gt;"]
                .iter()
                .any(|name| reference.starts_with(name))
        };
        if has_markup || !references.all(known) {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
}

/// The text as it was written, in one paragraph.
fn plain(text: &str) -> String {
    let mut html = String::from("<p>");
    for (index, line) in text.lines().enumerate() {
        if index > 0 {
            html.push_str("<br>");
        }
        escape(line, &mut html);
    }
    html.push_str("</p>");
    html
}

/// How a line ends inside a block.
const LINE_BREAK: &str = "<br>\n";

/// What an end tag has to write.
#[derive(Clone, Copy)]
enum Close {
    /// Nothing: the start was left out.
    Nothing,
    /// This end of an element that nests, which the depth counts.
    Nesting(&'static str),
    /// This end of a block that doesn't nest.
    Leaf(&'static str),
    /// The end of a link whose text began at this octet; and the link's address where no text came.
    Link { text_from: usize },
}

#[derive(Default)]
struct Renderer {
    html: String,
    open: Vec<Close>,
    depth: usize,
    /// The address of the link that is open: links don't nest.
    link: Option<String>,
    verbatim: Verbatim,
    /// Whether a reader sees anything of it yet.
    visible: bool,
}

/// What text stands in.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Verbatim {
    /// Prose: addresses become links.
    #[default]
    No,
    /// A code block: text as it is.
    Code,
    /// A block of raw HTML, shown as text in lines.
    Html,
}

impl Renderer {
    /// The HTML, or none as soon as it grows too large, and where nothing of it can be seen.
    fn run(mut self, markdown: &str) -> Option<String> {
        for event in TextMergeStream::new(Parser::new_ext(markdown, Options::empty())) {
            self.event(event);
            if self.html.len() > HTML_BYTES_MAX {
                return None;
            }
        }
        self.visible.then_some(self.html)
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(_) => self.end(),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::Code(text) => {
                self.note_visible(&text);
                self.html.push_str("<code>");
                escape(&text, &mut self.html);
                self.html.push_str("</code>");
            }
            Event::SoftBreak | Event::HardBreak => self.html.push_str(LINE_BREAK),
            Event::Rule => {
                self.visible = true;
                self.html.push_str("<p>* * *</p>\n");
            }
            // Not asked of the parser; shown as text should that change.
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => {
                self.text(&text);
            }
            Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Paragraph => self.open_leaf("<p>", "</p>\n"),
            Tag::Heading { .. } => self.open_leaf("<p><strong>", "</strong></p>\n"),
            Tag::HtmlBlock => {
                self.verbatim = Verbatim::Html;
                self.open_leaf("<p>", "</p>\n");
            }
            Tag::CodeBlock(_) => {
                self.verbatim = Verbatim::Code;
                self.open_leaf("<pre><code>", "</code></pre>\n");
            }
            Tag::BlockQuote(_) => self.open_nesting("<blockquote>\n", "</blockquote>\n"),
            Tag::List(None) => self.open_nesting("<ul>\n", "</ul>\n"),
            Tag::List(Some(1)) => self.open_nesting("<ol>\n", "</ol>\n"),
            Tag::List(Some(start)) => {
                self.open_nesting(&format!("<ol start=\"{start}\">\n"), "</ol>\n");
            }
            Tag::Item => self.open_item(),
            Tag::Emphasis => self.open_nesting("<em>", "</em>"),
            Tag::Strong => self.open_nesting("<strong>", "</strong>"),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => self.open_link(dest_url),
            // Not asked of the parser.
            _ => self.open.push(Close::Nothing),
        }
    }

    fn end(&mut self) {
        match self.open.pop() {
            None | Some(Close::Nothing) => {}
            Some(Close::Nesting(end)) => {
                self.depth = self.depth.saturating_sub(1);
                self.html.push_str(end);
            }
            Some(Close::Leaf(end)) => {
                if self.verbatim == Verbatim::Html && self.html.ends_with(LINE_BREAK) {
                    self.html.truncate(self.html.len() - LINE_BREAK.len());
                }
                self.verbatim = Verbatim::No;
                self.html.push_str(end);
            }
            Some(Close::Link { text_from }) => {
                let address = self.link.take().unwrap_or_default();
                if self.html.len() == text_from {
                    self.visible = true;
                    escape(&address, &mut self.html);
                }
                self.html.push_str("</a>");
            }
        }
    }

    fn open_leaf(&mut self, start: &str, end: &'static str) {
        self.html.push_str(start);
        self.open.push(Close::Leaf(end));
    }

    fn open_nesting(&mut self, start: &str, end: &'static str) {
        if self.depth < DEPTH_MAX {
            self.depth += 1;
            self.html.push_str(start);
            self.open.push(Close::Nesting(end));
        } else {
            self.open.push(Close::Nothing);
        }
    }

    /// An item of a list that was left out is set apart by a line break, unless it starts a line anyway.
    fn open_item(&mut self) {
        if self.depth < DEPTH_MAX {
            self.open_nesting("<li>", "</li>\n");
        } else {
            if !self.html.ends_with(['\n', '>']) {
                self.html.push_str(LINE_BREAK);
            }
            self.open.push(Close::Nothing);
        }
    }

    /// A link where the address may be one and none is open; else the text alone.
    fn open_link(&mut self, address: &str) {
        match find_link_target(address) {
            Some(target) if self.link.is_none() => {
                push_link_start(&target, &mut self.html);
                self.link = Some(target);
                self.open.push(Close::Link {
                    text_from: self.html.len(),
                });
            }
            _ => self.open.push(Close::Nothing),
        }
    }

    fn note_visible(&mut self, text: &str) {
        self.visible |= text.chars().any(|c| !is_invisible(c));
    }

    fn text(&mut self, text: &str) {
        self.note_visible(text);
        match self.verbatim {
            Verbatim::Code => escape(text, &mut self.html),
            Verbatim::Html => {
                for line in text.split_inclusive('\n') {
                    escape(line.trim_end_matches('\n'), &mut self.html);
                    if line.ends_with('\n') {
                        self.html.push_str(LINE_BREAK);
                    }
                }
            }
            Verbatim::No if self.link.is_some() => escape(text, &mut self.html),
            Verbatim::No => linked(text, &mut self.html),
        }
    }
}

/// Text with its bare http and https addresses as links.
fn linked(text: &str, html: &mut String) {
    if !text.contains("://") {
        return escape(text, html);
    }
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]);
    for span in finder.spans(text) {
        let target = span.kind().and_then(|_| find_link_target(span.as_str()));
        if let Some(target) = target {
            push_link_start(&target, html);
            escape(span.as_str(), html);
            html.push_str("</a>");
        } else {
            escape(span.as_str(), html);
        }
    }
}

/// The address to link to: absolute, http or https, without user information (which makes one host look like
/// another), in ASCII.
fn find_link_target(address: &str) -> Option<String> {
    let (scheme, _) = address.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let url = Url::parse(address).ok()?;
    (url.has_host() && url.username().is_empty() && url.password().is_none())
        .then(|| String::from(url))
}

fn push_link_start(target: &str, html: &mut String) {
    html.push_str("<a href=\"");
    escape(&target.replace('"', "%22"), html);
    html.push_str("\">");
}

/// What the body's own rules keep out, but a character reference (`&#8238;`, `&#1;`) brings back: overrides of the
/// direction, and controls, which no feed can hold.
fn is_smuggled(c: char) -> bool {
    matches!(c, '\u{202D}' | '\u{202E}') || (c.is_control() && !matches!(c, '\n' | '\t'))
}

/// Text that is text in HTML.
fn escape(text: &str, html: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(|c| matches!(c, '&' | '<' | '>') || is_smuggled(c)) {
        let (before, after) = rest.split_at(at);
        html.push_str(before);
        let mut after = after.chars();
        match after.next() {
            Some('&') => html.push_str("&amp;"),
            Some('<') => html.push_str("&lt;"),
            Some('>') => html.push_str("&gt;"),
            _ => {}
        }
        rest = after.as_str();
    }
    html.push_str(rest);
}

#[cfg(test)]
mod tests;
