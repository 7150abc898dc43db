//! What people say: sentences put together from the words. Must not know who is asked to say it, nor when.

use std::collections::HashSet;

use super::dice::Dice;
use super::people::Manner;
use super::words::{ANSWERS, CLOSINGS, ELSEWHERE, MIDDLES, OPENINGS, RUDE, SPAM, TOPICS, Topic};

/// The topic of a page, and its headline.
pub(super) fn headline(dice: &mut Dice) -> Option<(&'static Topic, String)> {
    let topic = dice.find(TOPICS)?;
    let headline = dice.word(topic.headlines);
    let number = dice.below(88) + 3;
    Some((topic, headline.replace("{n}", &number.to_string())))
}

/// What somebody writes below a page about this, in the Markdown subset; `answered` is whom they answer.
pub(super) fn comment(
    dice: &mut Dice,
    topic: &Topic,
    manner: Manner,
    answered: Option<&str>,
) -> String {
    let fill = |dice: &mut Dice, template: &str| {
        template
            .replace("{subject}", topic.subject)
            .replace("{aspect}", dice.word(topic.aspects))
            .replace("{year}", &(1960 + dice.below(65)).to_string())
            .replace("{name}", answered.unwrap_or("folks"))
            .replace("{n}", &(2 + dice.below(98)).to_string())
    };
    let only = match manner {
        Manner::Spammer => Some(SPAM),
        Manner::Rude if dice.in_thousand(600) => Some(RUDE),
        _ if answered.is_none() && dice.in_thousand(70) => Some(ELSEWHERE),
        _ => None,
    };
    if let Some(whole) = only {
        let template = dice.word(whole);
        return fill(dice, template);
    }
    let (first, more) = match answered {
        Some(_) => (ANSWERS, 3),
        None => (OPENINGS, 6),
    };
    let first = dice.word(first);
    let mut text = String::new();
    if answered.is_some() && dice.in_thousand(80) {
        let quoted = dice.word(MIDDLES);
        text.push_str("> ");
        text.push_str(&fill(dice, quoted));
        text.push_str("\n\n");
    }
    text.push_str(&fill(dice, first));
    // Each at most once.
    let mut said = HashSet::new();
    for _ in 0..dice.early(more) {
        let middle = dice.word(MIDDLES);
        if !said.insert(middle) {
            continue;
        }
        text.push_str(if dice.in_thousand(150) { "\n\n" } else { " " });
        text.push_str(&fill(dice, middle));
    }
    if dice.in_thousand(350) {
        let closing = dice.word(CLOSINGS);
        text.push(' ');
        text.push_str(&fill(dice, closing));
    }
    text
}

/// The part of an address that a headline makes: letters, digits and hyphens.
pub(super) fn slug(headline: &str) -> String {
    let lower = headline.to_lowercase();
    let words = lower.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_to_be_filled_in_and_texts_differ() {
        let mut dice = Dice::of(1, "speech", 0);
        let mut seen = HashSet::new();
        for number in 0..2_000 {
            let (topic, title) = headline(&mut dice).unwrap();
            assert!(!title.contains('{'), "{title}");
            let manner = match number % 3 {
                0 => Manner::Civil,
                1 => Manner::Rude,
                _ => Manner::Spammer,
            };
            let answered = (number % 2 == 0).then_some("Ada");
            let text = comment(&mut dice, topic, manner, answered);
            assert!(!text.is_empty() && !text.contains('{'), "{text}");
            seen.insert(text);
        }
        assert!(seen.len() > 1_200, "{} different ones", seen.len());
    }

    #[test]
    fn a_slug_has_words_only() {
        assert_eq!(
            slug("Budget: 3 proposals, one evening"),
            "budget-3-proposals-one-evening"
        );
    }
}
