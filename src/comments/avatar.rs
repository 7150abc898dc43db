//! The picture beside a comment, drawn from a keyed hash alone. Must not know the person behind it.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use crate::base::email::EmailKey;
use crate::base::ids::SiteId;
use crate::base::secret::Subkey;
use crate::base::text::Name;

/// Octets of the hash: 128 bits, so that no two authors of a site share one by chance.
const HASH_BYTES: usize = 16;

/// Stands for an author on one site. It tells nothing of the address: whoever doesn't hold the key can't try
/// addresses against it, and the same author has another one on another site or under another name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct AvatarHash([u8; HASH_BYTES]);

impl AvatarHash {
    /// The hash under the subkey of [`Purpose::Avatar`](crate::base::secret::Purpose::Avatar).
    pub(super) fn new(key: &Subkey, site: SiteId, email: &EmailKey, name: &Name) -> Self {
        let parts: [&[u8]; 3] = [
            site.as_uuid().as_bytes(),
            email.as_str().as_bytes(),
            name.as_str().as_bytes(),
        ];
        let mac = key.mac(&parts);
        let mut hash = [0; HASH_BYTES];
        for (byte, value) in hash.iter_mut().zip(mac) {
            *byte = value;
        }
        Self(hash)
    }
}

impl fmt::Display for AvatarHash {
    /// 32 hexadecimal digits in lower case, as they stand in `/avatars/….svg`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// The text is not 32 hexadecimal digits in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 32 hexadecimal digits in lower case")]
pub(super) struct NotAnAvatarHash;

impl FromStr for AvatarHash {
    type Err = NotAnAvatarHash;

    /// Reads exactly what [`Display`](fmt::Display) writes, so that one picture has one address.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.len() == 32
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match u128::from_str_radix(text, 16) {
            Ok(number) if digits => Ok(Self(number.to_be_bytes())),
            _ => Err(NotAnAvatarHash),
        }
    }
}

/// Pairs of colours for the ground, dark enough for white shapes and bright enough for a dark page.
const GROUNDS: [(&str, &str); 16] = [
    ("#e5484d", "#b4235a"),
    ("#e54666", "#a82a8a"),
    ("#d6409f", "#8e4ec6"),
    ("#ab4aba", "#6e56cf"),
    ("#8e4ec6", "#5151cd"),
    ("#6e56cf", "#3e63dd"),
    ("#3e63dd", "#0588f0"),
    ("#0588f0", "#12a594"),
    ("#0e97b5", "#0c7792"),
    ("#12a594", "#0d7f72"),
    ("#30a46c", "#0d8a8a"),
    ("#46a758", "#2b7d5b"),
    ("#7c9a2e", "#3f8a4b"),
    ("#c28a11", "#b0622a"),
    ("#ef6c1a", "#cf3b3b"),
    ("#ad7f58", "#815e46"),
];

/// Shapes that fill one cell of 16 by 16 from its corner.
const SHAPES: [&str; 8] = [
    // Quarter of a disc at the inner, then at the outer corner.
    "M16 16V0A16 16 0 0 0 0 16Z",
    "M0 0H16A16 16 0 0 1 0 16Z",
    // Leaves along both diagonals.
    "M0 16A16 16 0 0 1 16 0A16 16 0 0 1 0 16Z",
    "M0 0A16 16 0 0 1 16 16A16 16 0 0 1 0 0Z",
    // Triangles.
    "M16 16H0L16 0Z",
    "M0 0L16 16H0Z",
    // A disc and a smaller one.
    "M8 1A7 7 0 0 1 8 15A7 7 0 0 1 8 1Z",
    "M8 4A4 4 0 0 1 8 12A4 4 0 0 1 8 4Z",
];

/// How strong the white of a shape is.
const STRENGTHS: [&str; 4] = [".95", ".8", ".55", ".3"];

/// Where the four cells of the upper left quarter stand.
const CELLS: [(u8, u8); 4] = [(0, 0), (16, 0), (0, 16), (16, 16)];

/// The most octets of a picture.
pub(super) const SVG_BYTES_MAX: usize = 4_096;

/// Draws the hash: a rosette of white shapes on a coloured ground, its quarter turned three times around the middle.
///
/// No text, script, style, link or id: it can stand alone or inside a page.
pub(super) fn svg(hash: &AvatarHash) -> String {
    let bits = u128::from_be_bytes(hash.0);
    let (from, to) = pick(&GROUNDS, bits).unwrap_or_default();
    let mut quarter = String::new();
    for (index, (x, y)) in (0u32..).zip(CELLS) {
        let bits = bits >> (16 + 16 * index);
        let shape = pick(&SHAPES, bits).unwrap_or_default();
        let strength = pick(&STRENGTHS, bits >> 8).unwrap_or_default();
        // The cell in the middle is never empty; of the others one in eight is.
        if index == 3 || (bits >> 12) & 7 != 0 {
            push(
                &mut quarter,
                format_args!(
                    r#"<path transform="translate({x} {y})" fill-opacity="{strength}" d="{shape}"/>"#
                ),
            );
        }
    }
    let mut svg = String::with_capacity(SVG_BYTES_MAX);
    // The second colour is a large disc at a corner instead of a gradient, which would need an id.
    push(
        &mut svg,
        format_args!(
            concat!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">"#,
                r#"<rect width="64" height="64" fill="{from}"/>"#,
                r##"<path fill="{to}" d="M64 0V64H0A64 64 0 0 0 64 0Z"/><g fill="#fff">"##,
            ),
            from = from,
            to = to,
        ),
    );
    for turn in [0, 90, 180, 270] {
        push(
            &mut svg,
            format_args!(r#"<g transform="rotate({turn} 32 32)">{quarter}</g>"#),
        );
    }
    svg.push_str("</g></svg>");
    svg
}

/// The item that the lowest bits choose.
fn pick<T: Copy, const N: usize>(items: &[T; N], bits: u128) -> Option<T> {
    let index = usize::try_from(bits & 0xff).ok()? % N;
    items.get(index).copied()
}

fn push(text: &mut String, arguments: fmt::Arguments<'_>) {
    #[expect(clippy::expect_used, reason = "a String takes whatever it is given")]
    text.write_fmt(arguments)
        .expect("writing to a String doesn't fail");
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;
    use crate::base::email::EmailAddress;
    use crate::base::secret::{Purpose, ServerSecret};

    #[test]
    fn an_author_has_one_hash_for_each_site_and_name() {
        let key = ServerSecret::parse(&[7; 32])
            .unwrap()
            .subkey(Purpose::Avatar);
        let other_key = ServerSecret::parse(&[8; 32])
            .unwrap()
            .subkey(Purpose::Avatar);
        let site = || SiteId::new(datetime!(2026-11-24 16:27 UTC));
        let (one, two) = (site(), site());
        let email = |text| EmailAddress::parse(text).unwrap().key().clone();
        let name = |text| Name::parse(text).unwrap();
        let hash = AvatarHash::new(&key, one, &email("ada@example.org"), &name("Ada"));

        assert_eq!(
            hash,
            AvatarHash::new(&key, one, &email("ADA@Example.org"), &name("Ada"))
        );
        let others = [
            AvatarHash::new(&other_key, one, &email("ada@example.org"), &name("Ada")),
            AvatarHash::new(&key, two, &email("ada@example.org"), &name("Ada")),
            AvatarHash::new(&key, one, &email("bob@example.org"), &name("Ada")),
            AvatarHash::new(&key, one, &email("ada@example.org"), &name("Bob")),
        ];
        assert!(!others.contains(&hash));
    }

    #[test]
    fn only_what_is_written_is_read() {
        let text = "00ff0123456789abcdef0123456789ab";
        assert_eq!(text.parse::<AvatarHash>().unwrap().to_string(), text);
        let long = format!("{text}0");
        for other in [
            "",
            "00",
            &long,
            "00FF0123456789abcdef0123456789ab",
            "+0ff0123456789abcdef0123456789ab",
            "0x00ff0123456789abcdef0123456789",
        ] {
            assert_eq!(other.parse::<AvatarHash>(), Err(NotAnAvatarHash), "{other}");
        }
    }

    #[test]
    fn few_authors_look_alike() {
        let key = ServerSecret::parse(&[7; 32])
            .unwrap()
            .subkey(Purpose::Avatar);
        let pictures: HashSet<String> = (0..2_000u32)
            .map(|author| {
                let mut bytes = [0; HASH_BYTES];
                bytes.copy_from_slice(&key.mac(&[&author.to_be_bytes()])[..HASH_BYTES]);
                svg(&AvatarHash(bytes))
            })
            .collect();
        assert!(pictures.len() > 1_950, "{}", pictures.len());
    }

    proptest! {
        #[test]
        fn a_picture_is_small_plain_and_always_the_same(bytes: [u8; 16]) {
            let hash = AvatarHash(bytes);
            let picture = svg(&hash);
            prop_assert_eq!(&picture, &svg(&hash));
            prop_assert!(picture.len() <= SVG_BYTES_MAX);
            prop_assert!(!picture.contains("=\"\""));
            for tag in picture.split('<').skip(1) {
                let name = tag.split([' ', '>']).next().unwrap();
                prop_assert!(["svg", "rect", "path", "g", "/g", "/svg"].contains(&name), "{}", name);
            }
            prop_assert_eq!(hash.to_string().parse::<AvatarHash>(), Ok(hash));
        }
    }
}
