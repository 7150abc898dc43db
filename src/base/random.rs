//! The only source of randomness: the operating system's. Must not know what it is for.

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng as _;
use rand::rngs::SysRng;

/// Octets of a token: 256 bits, so that guessing is out of reach whatever the rate.
pub const TOKEN_BYTES: usize = 32;

/// Characters of a token as text.
pub const TOKEN_CHARS: usize = 43;

/// How often a failing source is asked before the process gives up.
const ATTEMPTS: u8 = 3;

/// `N` octets that nobody can guess.
///
/// A kernel that has booted doesn't refuse such small requests. If it did, tokens could be guessed or
/// ids collide; no caller could do anything about it but stop, so the process ends here, at once and
/// without unwinding, instead of each signature carrying an error that never happens.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    for _ in 0..ATTEMPTS {
        if SysRng.try_fill_bytes(&mut bytes).is_ok() {
            return bytes;
        }
    }
    tracing::error!("the operating system gives no randomness: stopping");
    std::process::abort()
}

/// A token of 256 bits in the URL-safe alphabet of base64 (RFC 4648, section 5), without padding: 43 characters.
pub fn token() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<TOKEN_BYTES>())
}

/// 128 random bits as 32 hexadecimal digits, for request ids.
pub fn id() -> String {
    format!("{:032x}", id_bits())
}

/// 128 random bits for names that need not be secret, only different: taken in advance, many at a time, since to ask for
/// those of one request takes as long as to answer it from memory.
pub fn id_bits() -> u128 {
    AHEAD.with_borrow_mut(|ahead| {
        ahead.pop().unwrap_or_else(|| {
            let octets = bytes::<AHEAD_BYTES>();
            let (chunks, _) = octets.as_chunks::<16>();
            ahead.extend(chunks.iter().map(|chunk| u128::from_be_bytes(*chunk)));
            ahead.pop().unwrap_or_else(|| u128::from_be_bytes(bytes()))
        })
    })
}

/// The octets of 64 ids.
const AHEAD_BYTES: usize = 1_024;

thread_local! {
    static AHEAD: RefCell<Vec<u128>> = const { RefCell::new(Vec::new()) };
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_tokens_are_alike() {
        let tokens: HashSet<String> = (0..1_000).map(|_| token()).collect();
        assert_eq!(tokens.len(), 1_000);
    }

    #[test]
    fn no_two_ids_are_alike() {
        let ids: HashSet<u128> = (0..1_000).map(|_| id_bits()).collect();
        assert_eq!(ids.len(), 1_000);
    }

    #[test]
    fn a_token_fits_into_a_url_and_a_header() {
        let token = token();
        assert_eq!(token.len(), TOKEN_CHARS);
        assert!(
            token
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        );
        assert_eq!(URL_SAFE_NO_PAD.decode(token).unwrap().len(), TOKEN_BYTES);
    }

    #[test]
    fn every_octet_is_filled() {
        let mut seen = [false; 64];
        for _ in 0..100 {
            for (seen, byte) in seen.iter_mut().zip(bytes::<64>()) {
                *seen |= byte != 0;
            }
        }
        assert_eq!(seen, [true; 64]);
    }
}
