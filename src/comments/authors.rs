//! Ids that stand for authors' e-mail addresses. Must not know what is asked by them.

use uuid::Builder;

use crate::base::email::EmailKey;
use crate::base::ids::AuthorId;
use crate::base::secret::{Purpose, ServerSecret, Subkey};

/// Makes the ids; cheap to clone.
///
/// The same address has the same id on all sites. Without the server's secret nobody can tell from an id which address it
/// stands for, nor try addresses out, so it may be shown to those who see no addresses.
#[derive(Debug, Clone)]
pub struct AuthorIds(Subkey);

impl AuthorIds {
    /// With the server's secret: another one gives other ids.
    pub fn new(secret: &ServerSecret) -> Self {
        Self(secret.subkey(Purpose::Author))
    }

    /// The id of this address: the first half of its keyed hash, in the form of a UUID of version 8 (RFC 9562, 5.8).
    pub fn of(&self, address: &EmailKey) -> AuthorId {
        let hash = self.0.mac(&[address.as_str().as_bytes()]);
        let mut bytes = [0; 16];
        for (byte, value) in bytes.iter_mut().zip(hash) {
            *byte = value;
        }
        AuthorId::from_uuid(Builder::from_custom_bytes(bytes).into_uuid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::email::EmailAddress;

    fn id(secret: u8, address: &str) -> AuthorId {
        let secret = ServerSecret::parse(&[secret; 32]).unwrap();
        AuthorIds::new(&secret).of(EmailAddress::parse(address).unwrap().key())
    }

    #[test]
    fn an_address_has_one_id_however_it_is_written() {
        let ada = id(7, "ada@example.org");
        assert_eq!(ada, id(7, "Ada@EXAMPLE.org"));
        assert_ne!(ada, id(7, "bob@example.org"));
        assert_ne!(ada, id(8, "ada@example.org"));
        assert_eq!(ada.as_uuid().get_version_num(), 8);
        assert_eq!(ada.as_uuid().get_variant(), uuid::Variant::RFC4122);
    }

    /// Fixed for ever: stored ids and notes hang on it.
    #[test]
    fn a_known_address_has_a_known_id() {
        assert_eq!(
            id(7, "ada@example.org").to_string(),
            "d07759e7-c86e-8aad-a854-ee7c915bcb33"
        );
    }
}
