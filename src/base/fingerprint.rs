//! Fingerprints of what was sent, by which it is known again. Must not know what is compared.

use sha2::{Digest, Sha256};

/// SHA-256 over the parts, each behind its length, so that no two lists of parts give the same octets.
pub fn fingerprint(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_tells_where_one_part_ends_and_the_next_begins() {
        let given = fingerprint(&[b"ab", b"c"]);
        assert_eq!(given, fingerprint(&[b"ab", b"c"]));
        for other in [&[&b"a"[..], b"bc"][..], &[b"abc"], &[b"ab", b"c", b""]] {
            assert_ne!(given, fingerprint(other));
        }
    }
}
