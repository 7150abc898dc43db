//! What the renderer makes of good, odd and hostile bodies. Knows only `render` and the gate.

use proptest::prelude::*;

use super::*;

const XSS: &str = include_str!("../../../tests/fixtures/xss.txt");

fn html(markdown: &str) -> String {
    render(&Body::parse(markdown).unwrap())
}

/// What the escapes of the corpus stand for; its head explains them.
fn unescape(line: &str) -> String {
    let mut text = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next().unwrap() {
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            '0' => text.push('\0'),
            'u' => {
                assert_eq!(chars.next(), Some('{'), "{line}");
                let digits: String = chars.by_ref().take_while(|c| *c != '}').collect();
                let number = u32::from_str_radix(&digits, 16).unwrap();
                text.push(char::from_u32(number).unwrap());
            }
            other => text.push(other),
        }
    }
    text
}

/// Reads HTML as strictly as possible: `<` only begins the few tags below, written in exactly one way and
/// closed in order; `&` only the entities that the gate writes. Gives the greatest depth.
fn check(html: &str) -> usize {
    let mut open: Vec<&str> = Vec::new();
    let mut depth = 0;
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&', '>']) {
        (_, rest) = rest.split_at(at);
        let end = if rest.starts_with('&') { ';' } else { '>' };
        let tag;
        (tag, rest) = rest.split_at(rest.find(end).unwrap() + 1);
        if end == ';' {
            assert!(["&amp;", "&lt;", "&gt;", "&nbsp;"].contains(&tag), "{tag}");
            continue;
        }
        if let Some(name) = tag.strip_prefix("</") {
            assert_eq!(open.pop(), name.strip_suffix('>'), "{html}");
            continue;
        }
        let name = tag.trim_matches(['<', '>']);
        match name {
            "br" => continue,
            "p" | "em" | "strong" | "code" | "pre" | "blockquote" | "ul" | "ol" | "li" => {
                open.push(name);
            }
            _ if name.starts_with("a ") => {
                check_link(name);
                assert!(!open.contains(&"a"), "{html}");
                open.push("a");
            }
            _ => {
                let start = name
                    .strip_prefix("ol start=\"")
                    .and_then(|n| n.strip_suffix('"'));
                assert!(start.is_some_and(|n| n.parse::<u32>().is_ok()), "{name}");
                open.push("ol");
            }
        }
        depth = depth.max(open.len());
    }
    assert_eq!(open, [""; 0], "{html}");
    depth
}

fn check_link(tag: &str) {
    let rest = tag.strip_prefix("a href=\"").unwrap();
    let (href, rest) = rest.split_once('"').unwrap();
    assert!(
        href.starts_with("http://") || href.starts_with("https://"),
        "{tag}"
    );
    assert!(
        href.is_ascii() && !href.contains(char::is_whitespace),
        "{tag}"
    );
    let authority = href.split('/').nth(2).unwrap();
    assert!(!authority.is_empty() && !authority.contains('@'), "{tag}");
    assert_eq!(rest, " rel=\"nofollow ugc noopener\"", "{tag}");
}

#[test]
fn the_subset_is_rendered() {
    let table = [
        ("Tides", "<p>Tides</p>\n"),
        ("One\n\nTwo", "<p>One</p>\n<p>Two</p>\n"),
        (
            "One\nTwo  \nThree\\\nFour",
            "<p>One<br>\nTwo<br>\nThree<br>\nFour</p>\n",
        ),
        (
            "*a* _b_ **c** __d__ ***e***",
            "<p><em>a</em> <em>b</em> <strong>c</strong> <strong>d</strong> <em><strong>e</strong></em></p>\n",
        ),
        ("`a < *b*`", "<p><code>a &lt; *b*</code></p>\n"),
        (
            "```rust\nlet a = 1 < 2;\n```",
            "<pre><code>let a = 1 &lt; 2;\n</code></pre>\n",
        ),
        (
            "> a\n> b\n\nc",
            "<blockquote>\n<p>a<br>\nb</p>\n</blockquote>\n<p>c</p>\n",
        ),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        ("1. a\n2. b", "<ol>\n<li>a</li>\n<li>b</li>\n</ol>\n"),
        ("3. a", "<ol start=\"3\">\n<li>a</li>\n</ol>\n"),
        (
            "- a\n\n- b",
            "<ul>\n<li><p>a</p>\n</li>\n<li><p>b</p>\n</li>\n</ul>\n",
        ),
        ("# Tides", "<p><strong>Tides</strong></p>\n"),
        ("Tides\n=====", "<p><strong>Tides</strong></p>\n"),
        ("a\n\n***\n\nb", "<p>a</p>\n<p>* * *</p>\n<p>b</p>\n"),
        (
            "1 < 2 & 3 > 2 \"x\"",
            "<p>1 &lt; 2 &amp; 3 &gt; 2 \"x\"</p>\n",
        ),
        ("~~a~~ | b | [^1] $c$", "<p>~~a~~ | b | [^1] $c$</p>\n"),
        ("&copy; &amp; &lt;", "<p>© &amp; &lt;</p>\n"),
    ];
    for (markdown, expected) in table {
        assert_eq!(html(markdown), expected, "{markdown}");
    }
}

/// Markdown, the address and the text of the link that it becomes.
const LINKS: [(&str, &str, &str); 12] = [
    ("[a](https://example.org)", "https://example.org/", "a"),
    (
        "[a](https://example.org \"title\")",
        "https://example.org/",
        "a",
    ),
    (
        "[*a*](http://a.org/?b=1&c=2)",
        "http://a.org/?b=1&amp;c=2",
        "<em>a</em>",
    ),
    ("<https://a.org/a>", "https://a.org/a", "https://a.org/a"),
    (
        "https://a.org/a_b_c",
        "https://a.org/a_b_c",
        "https://a.org/a_b_c",
    ),
    (
        "https://bücher.de/ü",
        "https://xn--bcher-kva.de/%C3%BC",
        "https://bücher.de/ü",
    ),
    (
        "[](https://example.org)",
        "https://example.org/",
        "https://example.org/",
    ),
    (
        "[https://a.org](https://b.org)",
        "https://b.org/",
        "https://a.org",
    ),
    (
        "[a]\n\n[a]: https://example.org",
        "https://example.org/",
        "a",
    ),
    ("![a](https://a.org/x.png)", "https://a.org/x.png", "a"),
    (
        "![](https://a.org/x.png)",
        "https://a.org/x.png",
        "https://a.org/x.png",
    ),
    (
        "[![a](https://a.org/x.png)](https://b.org)",
        "https://b.org/",
        "a",
    ),
];

#[test]
fn links_to_the_web_are_links() {
    for (markdown, href, text) in LINKS {
        let expected = format!("<p><a href=\"{href}\" rel=\"{LINK_REL}\">{text}</a></p>\n");
        assert_eq!(html(markdown), expected, "{markdown}");
    }
    assert!(html("(see https://example.org/a.)").contains("/a</a>.)"));
}

#[test]
fn other_links_are_text() {
    let table = [
        ("[a](javascript:alert)", "a"),
        ("[a](/tides)", "a"),
        ("[a](https:example.org)", "a"),
        ("[a](https://b@example.org)", "a"),
        ("![a](data:x)", "a"),
        ("<ada@example.org>", "ada@example.org"),
        ("ftp://example.org", "ftp://example.org"),
        ("https://a@example.org", "https://a@example.org"),
        ("`https://example.org`", "<code>https://example.org</code>"),
    ];
    for (markdown, text) in table {
        assert_eq!(html(markdown), format!("<p>{text}</p>\n"), "{markdown}");
    }
}

#[test]
fn raw_html_is_shown_as_it_was_written() {
    let table = [
        ("a <b>c</b>", "<p>a &lt;b&gt;c&lt;/b&gt;</p>\n"),
        (
            "<div>\n*a*\n</div>",
            "<p>&lt;div&gt;<br>\n*a*<br>\n&lt;/div&gt;</p>\n",
        ),
        ("<i>\n\na", "<p>&lt;i&gt;</p>\n<p>a</p>\n"),
        ("<!-- a -->", "<p>&lt;!-- a --&gt;</p>\n"),
        ("<div><br>\n\na", "<p>&lt;div&gt;&lt;br&gt;</p>\n<p>a</p>\n"),
        ("a <br> b", "<p>a &lt;br&gt; b</p>\n"),
    ];
    for (markdown, expected) in table {
        assert_eq!(html(markdown), expected, "{markdown}");
    }
}

#[test]
fn no_attempt_of_the_corpus_gets_through() {
    let attempts = XSS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("## "));
    let mut count = 0;
    for attempt in attempts {
        count += 1;
        let text = unescape(attempt);
        for text in [
            text.clone(),
            format!("x {text} y"),
            format!("> {text}"),
            format!("[{text}](https://example.org)"),
        ] {
            // What can't be a body at all is no danger here; it is tried without its controls.
            let text: String = text
                .chars()
                .filter(|c| !c.is_control() || *c == '\n')
                .collect();
            check(&html(&text));
        }
    }
    assert!(count >= 200, "{count}");
}

/// What the longest bodies can be made of to hurt: depth, work that grows with its square, output.
const HOSTILE: &str = r#"
> ¦> ¦>\n¦>\n\n¦[¦]¦![¦[](¦[a](¦[x](((((¦(¦[a][b]¦[a]: http://b\n¦[](http://b)¦![](http://b)¦[a](http://b)
*¦_¦*a ¦**a ¦*a_ ¦a**b¦***a_¦*a*¦~¦`¦` ¦``a`¦`a`¦```\n¦\\¦\\\n¦"¦&¦&amp;¦\u{A0}¦x\u{200B}¦\u{2067}a\u{2069}
- ¦-\n¦-\n+\n¦- a\n¦1. ¦1.\n2)\n¦#¦#\n¦***\n¦|-¦\t¦ \n¦a\n¦a\n\n
<¦<a ¦<!--¦<![CDATA[¦<?¦</¦<a b='¦<http://a>
http://a ¦http://a/?&&&&&&&& ¦http://a/🦀🦀🦀🦀 ¦http://¦://¦a:
"#;

fn hostile() -> Vec<String> {
    let units = HOSTILE
        .split(['\n', '¦'])
        .filter(|unit| !unit.is_empty())
        .map(unescape);
    let mut bodies: Vec<String> = units
        .map(|unit| unit.repeat(10_000 / unit.chars().count()))
        .collect();
    bodies.push(nested_list(130, |depth| depth / 2));
    bodies.push(format!("{}{}", "*a ".repeat(1_600), "b* ".repeat(1_600)));
    bodies.push(format!(
        "{}a{}",
        "[".repeat(4_000),
        "](http://b)".repeat(500)
    ));
    bodies.push(format!("{}\n{}", ">".repeat(5_000), "a\n".repeat(2_400)));
    bodies.push(format!(
        "[a]: http://b/{}\n\n{}",
        "&".repeat(3_000),
        "[a] ".repeat(1_600)
    ));
    bodies.push(format!("{}a", "> - ".repeat(2_000)));
    bodies
}

fn nested_list(items: usize, depth: impl Fn(usize) -> usize) -> String {
    let mut list = String::new();
    for item in 0..items {
        list.push_str(&"  ".repeat(depth(item)));
        list.push_str("- item");
        list.push_str(&item.to_string());
        list.push('\n');
    }
    list
}

#[test]
fn the_worst_bodies_stay_small_and_flat() {
    for markdown in hostile() {
        let Ok(body) = Body::parse(&markdown) else {
            continue;
        };
        let html = render(&body);
        let head: String = markdown.chars().take(20).collect();
        assert!(html.len() <= HTML_BYTES_MAX, "{head:?}: {}", html.len());
        // The nesting, and in it a paragraph, a heading's bold, a link, a bit of code.
        let depth = check(&html);
        assert!(depth <= DEPTH_MAX + 4, "{head:?}: {depth}");
    }
}

#[test]
fn what_would_be_too_large_is_shown_as_text() {
    let html = html(&format!(
        "*a*\n\n{}",
        format_args!("http://a/?{}", "🦀".repeat(9_900))
    ));
    assert!(html.starts_with("<p>*a*<br><br>http://a/?🦀"));
    assert!(plain(&"&\n\u{A0}".repeat(3_334)).len() < HTML_BYTES_MAX);
}

#[test]
fn nothing_is_lost_below_the_greatest_depth() {
    let html = html(&format!("{}one\n\n{}two", "> ".repeat(50), "- ".repeat(50)));
    assert!(html.contains("one") && html.contains("two"));
    let html = self::html(&nested_list(40, |item| item));
    for depth in 0..40 {
        assert!(html.contains(&format!("item{depth}")), "{depth}");
    }
    assert!(html.contains("item30<br>\nitem31"));
}

fn markdown() -> impl Strategy<Value = String> {
    let pieces = [
        "*",
        "**",
        "_",
        "`",
        "```",
        "\n",
        "\n\n",
        "> ",
        "- ",
        "1. ",
        "    ",
        "# ",
        "[",
        "](",
        ")",
        "![",
        "<",
        ">",
        "</",
        "&",
        ";",
        "\"",
        "'",
        "a",
        "b c",
        "script",
        "javascript:",
        "https://",
        "http://a.b/",
        "<a href=",
        "<!--",
        "-->",
        "\\",
        "&#x3c;",
        "|",
        "---",
        "é",
        "🦀",
        "\u{A0}",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 1..60).prop_map(|p| p.concat())
}

proptest! {
    #[test]
    fn every_body_gives_safe_html_that_the_gate_leaves_alone(markdown in markdown()) {
        if let Ok(body) = Body::parse(&markdown) {
            let html = render(&body);
            check(&html);
            prop_assert_eq!(GATE.clean(&html).to_string(), html);
        }
    }

    #[test]
    fn any_text_gives_safe_html_that_the_gate_leaves_alone(text in "\\PC{1,80}") {
        if let Ok(body) = Body::parse(&text) {
            let html = render(&body);
            check(&html);
            prop_assert_eq!(GATE.clean(&html).to_string(), html);
        }
    }

    #[test]
    fn what_passes_by_the_gate_is_what_would_pass_through(html in "(<p>([a-c&;<>\"\u{A0}\u{200B}\n]|&(amp|lt|gt|quot);|<br>\n){0,6}</p>\n){0,3}") {
        if is_paragraphs(&html) {
            prop_assert_eq!(GATE.clean(&html).to_string(), html);
        }
    }
}

#[test]
fn what_would_show_nothing_is_shown_as_it_was_written() {
    for (markdown, expected) in [
        ("[a]: http://example.org", "<p>[a]: http://example.org</p>"),
        ("#", "<p>#</p>"),
        ("- \n- ", "<p>- <br>-</p>"),
        ("```\n\n```", "<p>```<br><br>```</p>"),
        ("&nbsp;&#8203;", "<p>&amp;nbsp;&amp;#8203;</p>"),
        (
            "[&#8203;](http://example.org)",
            "<p>[&amp;#8203;](http://example.org)</p>",
        ),
    ] {
        assert_eq!(html(markdown), expected, "{markdown}");
    }
    assert_eq!(html("`&nbsp;`"), "<p><code>&amp;nbsp;</code></p>\n");
}

#[test]
fn character_references_bring_back_no_control_or_override() {
    assert_eq!(
        html("a&#8238;b&#x202d;c&#1;d&#27;e&#127;f"),
        "<p>abcdef</p>\n"
    );
}
