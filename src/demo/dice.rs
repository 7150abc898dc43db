//! Chance that can be repeated: everything is drawn from a seed. Must not know what is drawn.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use sha2::{Digest as _, Sha256};

/// A source of numbers, the same for the same seed and names on every machine: the crate promises that of this generator.
pub(super) struct Dice(Xoshiro256PlusPlus);

impl Dice {
    /// One for a thing: apart from those of all other things of the seed.
    pub(super) fn of(seed: u64, kind: &str, number: u64) -> Self {
        let mut hash = Sha256::new();
        hash.update(seed.to_be_bytes());
        hash.update(number.to_be_bytes());
        hash.update(kind.as_bytes());
        Self(Xoshiro256PlusPlus::from_seed(hash.finalize().into()))
    }

    /// A number from 0 up to, not including, `end`; 0 where that is 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        if end == 0 {
            return 0;
        }
        self.0.random_range(0..end)
    }

    /// As [`Self::below`], but small numbers come more often: half of them lie in the first quarter.
    pub(super) fn early(&mut self, end: u64) -> u64 {
        const PARTS: u64 = 1 << 16;
        let part = self.below(PARTS);
        let share = u128::from(part) * u128::from(part);
        let whole = u128::from(PARTS) * u128::from(PARTS);
        u64::try_from(u128::from(end) * share / whole).unwrap_or(end)
    }

    /// True so many times in a thousand.
    pub(super) fn in_thousand(&mut self, times: u64) -> bool {
        self.below(1_000) < times
    }

    /// One of these, each as likely as the others; nothing where there is none.
    pub(super) fn find<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let count = u64::try_from(of.len()).unwrap_or(u64::MAX);
        of.get(usize::try_from(self.below(count)).unwrap_or_default())
    }

    /// One of these words.
    pub(super) fn word<'a>(&mut self, of: &[&'a str]) -> &'a str {
        self.find(of).copied().unwrap_or_default()
    }

    /// Octets for an id.
    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_thing_draw_the_same() {
        let draw = |seed, kind, number| Dice::of(seed, kind, number).bytes::<16>();
        assert_eq!(draw(1, "page", 2), draw(1, "page", 2));
        let others = [draw(2, "page", 2), draw(1, "author", 2), draw(1, "page", 3)];
        assert!(others.iter().all(|other| *other != draw(1, "page", 2)));
    }

    #[test]
    fn early_numbers_are_within_and_mostly_small() {
        let mut dice = Dice::of(7, "early", 0);
        let drawn: Vec<u64> = (0..10_000).map(|_| dice.early(1_000)).collect();
        assert!(drawn.iter().all(|number| *number < 1_000));
        let small = drawn.iter().filter(|number| **number < 250).count();
        assert!((4_700..5_300).contains(&small), "{small}");
    }

    #[test]
    fn nothing_is_drawn_from_nothing() {
        let mut dice = Dice::of(7, "nothing", 0);
        assert_eq!(dice.below(0), 0);
        assert_eq!(dice.find::<u8>(&[]), None);
        assert_eq!(dice.word(&[]), "");
    }
}
