//! People who comment: how they are called and where they write from. Must not know what they say.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::dice::Dice;
use super::words::{DOMAINS, FIRST_NAMES, HANDLES, LAST_NAMES, USER_AGENTS};

/// How somebody behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Has something to say.
    Civil,
    /// Can't hold back.
    Rude,
    /// Sells.
    Spammer,
}

/// Somebody who comments, under the same name and address each time.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) email: String,
    pub(super) website: Option<String>,
    pub(super) ip: IpAddr,
    pub(super) user_agent: &'static str,
    pub(super) manner: Manner,
}

/// The person of this number.
pub(super) fn person(seed: u64, number: u64) -> Person {
    let mut dice = Dice::of(seed, "person", number);
    let manner = match dice.below(100) {
        0..8 => Manner::Spammer,
        8..13 => Manner::Rude,
        _ => Manner::Civil,
    };
    let (first, last) = (dice.word(FIRST_NAMES), dice.word(LAST_NAMES));
    let name = match dice.below(10) {
        0..5 => format!("{first} {last}"),
        5..7 => first.to_owned(),
        7 => format!("{first} {}.", last.chars().take(1).collect::<String>()),
        _ => format!("{}{}", dice.word(HANDLES), dice.below(90) + 10),
    };
    let domain = dice.word(DOMAINS);
    let website = (manner == Manner::Spammer || dice.in_thousand(60))
        .then(|| format!("https://{}.example/", dice.word(HANDLES)));
    Person {
        name,
        email: format!("reader{seed}.{number}@{domain}"),
        website,
        ip: address(&mut dice),
        user_agent: dice.word(USER_AGENTS),
        manner,
    }
}

/// One of the networks for examples: three of IPv4, one of IPv6.
fn address(dice: &mut Dice) -> IpAddr {
    let [host, net, a, b, c] = dice.bytes::<5>();
    match net % 4 {
        0 => Ipv4Addr::new(192, 0, 2, host).into(),
        1 => Ipv4Addr::new(198, 51, 100, host).into(),
        2 => Ipv4Addr::new(203, 0, 113, host).into(),
        _ => {
            let (subnet, host) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, host]));
            Ipv6Addr::new(0x2001, 0xdb8, subnet, 0, 0, 0, 0, host).into()
        }
    }
}
