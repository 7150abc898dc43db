//! Texts for the generators: fragments of which three make a body, the same for the program and for its limit, so that the
//! text search index has the same work. Must not know who takes them.

/// How many there are.
const FRAGMENTS: u32 = 16;
/// Characters of one: three of them and a number are about 300.
const LENGTH: usize = 93;
const VOCABULARY: u32 = 3_000;
const SYLLABLES: [&str; 16] = [
    "ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "wu", "da", "fe", "gi", "ho", "ju", "la",
];

/// Always the same.
pub(super) fn fragments() -> Vec<String> {
    let mut chance = Chance(7);
    (0..FRAGMENTS)
        .map(|_| {
            let mut text = String::new();
            while text.len() < LENGTH {
                // Small numbers are more frequent, as common words are.
                let rank = chance.below(VOCABULARY).min(chance.below(VOCABULARY));
                text += &word(rank);
                text.push(' ');
            }
            text.trim_end().to_owned()
        })
        .collect()
}

fn word(rank: u32) -> String {
    let mut text = String::new();
    let mut rest = rank + 1;
    while rest > 0 {
        text += SYLLABLES[usize::try_from(rest % 16).unwrap()];
        rest /= 16;
    }
    text
}

/// Knuth's generator: no more is needed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(bound)).unwrap()
    }
}
