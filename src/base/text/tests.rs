//! What each text takes and refuses. Knows only its parent.

use ComplaintCode::{InvalidCharacters, Invisible, Required, TooLong};
use proptest::prelude::*;

use super::*;

fn code<T>(parsed: Result<T, Complaint>) -> Option<ComplaintCode> {
    parsed.err().map(|complaint| complaint.code)
}

#[test]
fn text_is_stored_in_one_normal_form() {
    let table = [
        ("a\r\nb", "a\nb"),
        ("a\rb", "a\nb"),
        ("a\r\r\nb", "a\n\nb"),
        ("  a  ", "a"),
        ("\n\t a \t\n", "a"),
        ("\u{A0}a\u{3000}", "a"),
        ("\u{FEFF}a", "a"),
        ("\u{200B}a\u{200B}\u{2060}", "a"),
        (" \u{FEFF} \u{200B} a\u{AD} ", "a"),
        ("\u{3164}a\u{FFA0}\u{2800}", "a"),
        ("e\u{301}", "é"),
        ("\u{1100}\u{1161}", "가"),
        ("\u{212B}", "Å"),
        ("a\u{200B}b", "a\u{200B}b"),
    ];
    for (raw, normal) in table {
        assert_eq!(normalise(raw), normal, "{raw:?}");
    }
}

#[test]
fn what_shapes_its_neighbours_stays_at_the_ends() {
    for text in [
        "❤\u{FE0F}",
        "ه\u{200D}",
        "\u{1F3F4}\u{E0067}\u{E007F}",
        "\u{200F}שלום\u{200F}",
    ] {
        assert_eq!(normalise(text), text);
    }
}

#[test]
fn each_text_has_its_bound_in_scalar_values() {
    let at = |max: usize, unit: &str| unit.repeat(max);
    for unit in ["a", "é", "漢", "🦀", "e\u{301}"] {
        assert_eq!(code(Name::parse(&at(100, unit))), None, "{unit}");
        assert_eq!(code(Name::parse(&at(101, unit))), Some(TooLong), "{unit}");
        assert_eq!(code(Body::parse(&at(10_000, unit))), None, "{unit}");
        assert_eq!(
            code(Body::parse(&at(10_001, unit))),
            Some(TooLong),
            "{unit}"
        );
        assert_eq!(code(Note::parse(&at(2_000, unit))), None, "{unit}");
        assert_eq!(code(Note::parse(&at(2_001, unit))), Some(TooLong), "{unit}");
        assert_eq!(code(Title::parse(&at(300, unit))), None, "{unit}");
        assert_eq!(code(Title::parse(&at(301, unit))), Some(TooLong), "{unit}");
        assert_eq!(code(PageKey::parse(&at(200, unit))), None, "{unit}");
        assert_eq!(
            code(PageKey::parse(&at(201, unit))),
            Some(TooLong),
            "{unit}"
        );
    }
    let padded = format!("  {}\r\n", "a".repeat(100));
    assert_eq!(
        Name::parse(&padded).map(|name| name.as_str().len()),
        Ok(100)
    );
}

#[test]
fn one_character_is_enough() {
    for text in ["a", "漢", "🦀", "-", "\u{301}", "\u{600}"] {
        assert_eq!(code(Name::parse(text)), None, "{text:?}");
        assert_eq!(code(Body::parse(text)), None, "{text:?}");
    }
}

#[test]
fn what_nobody_sees_is_no_text() {
    for text in ["", " ", "\n\t\r\n", "\u{A0}\u{3000}\u{2003}", "\u{2028}"] {
        assert_eq!(code(Name::parse(text)), Some(Required), "{text:?}");
        assert_eq!(code(Body::parse(text)), Some(Required), "{text:?}");
        assert_eq!(code(Title::parse(text)), Some(Required), "{text:?}");
    }
    let unseen = [
        "\u{FEFF}",
        "\u{200B}\u{200B}",
        "\u{200D}",
        "\u{200C} \u{200C}",
        "\u{200E}\u{200F}\u{61C}",
        "\u{FE0F}",
        "\u{3164}",
        "\u{115F}\u{1160}",
        "\u{2800}\u{2800}",
        "\u{34F}",
        "\u{180E}\u{180B}",
        "\u{E0020}\u{E007F}",
        "\u{2062}\u{FFA0}",
        "\u{17B4}\u{AD}",
    ];
    for text in unseen {
        assert_eq!(code(Name::parse(text)), Some(Invisible), "{text:?}");
        assert_eq!(code(Body::parse(text)), Some(Invisible), "{text:?}");
        assert_eq!(code(Note::parse(text)), Some(Invisible), "{text:?}");
        assert_eq!(code(Title::parse(text)), Some(Invisible), "{text:?}");
        assert_eq!(code(PageKey::parse(text)), Some(Invisible), "{text:?}");
    }
    assert_eq!(code(Body::parse("\u{202E}\u{202C}")), Some(Invisible));
}

#[test]
fn controls_are_refused() {
    let controls = (0..=0x9F)
        .filter_map(char::from_u32)
        .filter(|c| c.is_control());
    for control in controls {
        let text = format!("a{control}b");
        let body = code(Body::parse(&text));
        if matches!(control, '\t' | '\n' | '\r') {
            assert_eq!(body, None, "{text:?}");
        } else {
            assert_eq!(body, Some(InvalidCharacters), "{text:?}");
        }
        assert_eq!(
            code(Name::parse(&text)),
            Some(InvalidCharacters),
            "{text:?}"
        );
        assert_eq!(
            code(PageKey::parse(&text)),
            Some(InvalidCharacters),
            "{text:?}"
        );
    }
    for text in [
        "\0",
        "\0a",
        "a\0",
        "a\u{FFFE}b",
        "a\u{FFFF}b",
        "a\u{FDD0}b",
        "a\u{10FFFF}b",
    ] {
        assert_eq!(code(Name::parse(text)), Some(InvalidCharacters), "{text:?}");
        assert_eq!(code(Body::parse(text)), Some(InvalidCharacters), "{text:?}");
        assert_eq!(code(Note::parse(text)), Some(InvalidCharacters), "{text:?}");
        assert_eq!(
            code(Title::parse(text)),
            Some(InvalidCharacters),
            "{text:?}"
        );
        assert_eq!(
            code(PageKey::parse(text)),
            Some(InvalidCharacters),
            "{text:?}"
        );
    }
}

#[test]
fn names_stay_on_their_line() {
    for text in [
        "a\nb",
        "a\r\nb",
        "a\tb",
        "a\u{2028}b",
        "a\u{2029}b",
        "a\u{85}b",
    ] {
        assert_eq!(code(Name::parse(text)), Some(InvalidCharacters), "{text:?}");
        assert_eq!(
            code(PageKey::parse(text)),
            Some(InvalidCharacters),
            "{text:?}"
        );
    }
}

#[test]
fn names_of_the_world_are_welcome() {
    let names = [
        "Zoë O’Neill-Łukasz",
        "Nguyễn Thị Ánh",
        "שָׁלוֹם",
        "שׁ\u{5BC}\u{5B8}\u{596}\u{5BD}",
        "محمد بن سلمان",
        "عليرضا می\u{200C}خواهم",
        "\u{200F}משה\u{200E}",
        "சூர்யா",
        "བསྒྲུབས",
        "นํ้าผึ้ง",
        "👩\u{200D}👩\u{200D}👧\u{200D}👦 ❤\u{FE0F} 🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
        "1\u{FE0F}\u{20E3}",
        "山田　太郎",
    ];
    for name in names {
        assert_eq!(code(Name::parse(name)), None, "{name}");
    }
}

#[test]
fn names_do_not_turn_the_text_around_them() {
    for control in
        "\u{202A}\u{202B}\u{202C}\u{202D}\u{202E}\u{2066}\u{2067}\u{2068}\u{2069}".chars()
    {
        let text = format!("a{control}b");
        assert_eq!(
            code(Name::parse(&text)),
            Some(InvalidCharacters),
            "{text:?}"
        );
        assert_eq!(
            code(PageKey::parse(&text)),
            Some(InvalidCharacters),
            "{text:?}"
        );
        assert_eq!(code(Body::parse(&text)), None, "{text:?}");
    }
}

#[test]
fn floods_of_marks_are_refused() {
    let flood = |count: usize| format!("x{}", "\u{315}".repeat(count));
    assert_eq!(code(Name::parse(&flood(8))), None);
    assert_eq!(code(Name::parse(&flood(9))), Some(InvalidCharacters));
    assert_eq!(code(Body::parse(&flood(9))), Some(InvalidCharacters));
    assert_eq!(code(Body::parse(&flood(9_000))), Some(InvalidCharacters));
    assert_eq!(code(Body::parse(&flood(8).repeat(1_000))), None);
    assert_eq!(
        code(Name::parse(&format!("x{}", "\u{20DD}".repeat(9)))),
        Some(InvalidCharacters)
    );
}

#[test]
fn the_direction_of_a_body_is_put_right() {
    let table = [
        // Overrides go, with what closes them.
        ("a\u{202E}b\u{202C}c", "abc"),
        ("a\u{202D}b", "ab"),
        // Closed embeddings and isolates stay.
        ("a\u{202B}b\u{202C}c", "a\u{202B}b\u{202C}c"),
        ("a\u{2067}b\u{2069}c", "a\u{2067}b\u{2069}c"),
        (
            "\u{2068}a\u{2067}b\u{2069}c\u{2069}",
            "\u{2068}a\u{2067}b\u{2069}c\u{2069}",
        ),
        // Open or never opened ones go.
        ("a\u{2067}b", "ab"),
        ("a\u{2069}b\u{202C}", "ab"),
        // Closed on another line is not closed.
        ("a\u{2067}b\nc\u{2069}d", "ab\ncd"),
        // An isolate closes what is open inside; a PDF doesn't reach out of it.
        ("\u{2067}a\u{202B}b\u{2069}c", "\u{2067}ab\u{2069}c"),
        (
            "\u{202B}a\u{2067}b\u{202C}c\u{2069}d\u{202C}",
            "\u{202B}a\u{2067}bc\u{2069}d\u{202C}",
        ),
        // White space that an override hid is trimmed.
        ("a \u{202E} ", "a"),
        // Marks and joiners are no business of this.
        ("a\u{200F}b\u{200D}\u{61C}c", "a\u{200F}b\u{200D}\u{61C}c"),
    ];
    for (raw, settled) in table {
        assert_eq!(
            Body::parse(raw).map(Body::into_string).as_deref(),
            Ok(settled),
            "{raw:?}"
        );
    }
}

#[test]
fn titles_are_made_one_line() {
    let table = [
        ("  The\n\ttides\r\n of  May ", "The tides of May"),
        ("The\u{8}tides", "Thetides"),
        ("The \u{8} \u{202E}\ttides", "The tides"),
        ("The\u{2028}tides", "The tides"),
        ("\u{202E}sedit", "sedit"),
    ];
    for (raw, title) in table {
        assert_eq!(
            Title::parse(raw).map(|title| title.to_string()).as_deref(),
            Ok(title)
        );
    }
}

#[test]
fn nothing_that_was_written_is_printed_or_echoed() {
    assert_eq!(format!("{:?}", Name::parse("Ada").unwrap()), "Name(…)");
    assert_eq!(format!("{:?}", Body::parse("Ada").unwrap()), "Body(…)");
    let complaint = Name::parse("Ada\u{202E}").unwrap_err();
    assert!(!complaint.message.contains("Ada"));
}

fn tricky() -> impl Strategy<Value = String> {
    let traps = "\u{200B}\u{200C}\u{200D}\u{200E}\u{202A}\u{202B}\u{202C}\u{202D}\u{202E}\u{2066}\u{2067}\
        \u{2068}\u{2069}\u{FEFF}\u{301}\u{315}\u{34F}\r\n\t \u{A0}\u{2000}\u{1100}\u{1161}\u{344}ae漢🦀";
    let traps: Vec<char> = traps.chars().collect();
    let c = prop_oneof![8 => prop::sample::select(traps), 1 => any::<char>()];
    prop::collection::vec(c, 0..40).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn what_was_parsed_parses_to_itself(raw in tricky()) {
        if let Ok(name) = Name::parse(&raw) {
            prop_assert_eq!(Name::parse(name.as_str()), Ok(name));
        }
        if let Ok(body) = Body::parse(&raw) {
            prop_assert_eq!(Body::parse(body.as_str()), Ok(body));
        }
        if let Ok(title) = Title::parse(&raw) {
            prop_assert_eq!(Title::parse(title.as_str()), Ok(title));
        }
    }

    #[test]
    fn a_body_never_leaves_a_direction_open(raw in tricky()) {
        if let Ok(body) = Body::parse(&raw) {
            for line in body.as_str().lines() {
                let mut open: Vec<char> = Vec::new();
                for c in line.chars() {
                    match c {
                        '\u{202A}' | '\u{202B}' | '\u{2066}'..='\u{2068}' => open.push(c),
                        '\u{202C}' => prop_assert!(open.pop().is_some_and(|c| !is_isolate(c))),
                        '\u{2069}' => prop_assert!(open.pop().is_some_and(is_isolate)),
                        other => prop_assert!(!is_direction_control(other)),
                    }
                }
                prop_assert!(open.is_empty());
            }
        }
    }
}
