//! What holders of sessions and links show: random texts of which only a hash is stored. Must not know who they are.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use crate::base::random::{self, TOKEN_BYTES, TOKEN_CHARS};

macro_rules! token {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(SecretString);

        impl $name {
            /// A new token.
            pub fn generate() -> Self {
                Self(SecretString::from(random::token()))
            }

            /// The token that somebody sent; nothing where the text can't be one.
            pub fn parse(text: &str) -> Option<Self> {
                let is_token = text.len() == TOKEN_CHARS
                    && URL_SAFE_NO_PAD
                        .decode(text)
                        .is_ok_and(|bytes| bytes.len() == TOKEN_BYTES);
                is_token.then(|| Self(SecretString::from(text)))
            }

            /// What is stored instead of the token. A plain hash does, since nobody can try out 256 bits.
            pub fn hash(&self) -> [u8; 32] {
                Sha256::digest(self.0.expose_secret()).into()
            }

            /// The token itself, for the one answer that shows it.
            pub fn expose(&self) -> &str {
                self.0.expose_secret()
            }
        }
    };
}

token! {
    /// What the holder of a session shows: 256 random bits. `Debug` doesn't show it.
    SessionToken
}
token! {
    /// What the holder of a set-up link shows: 256 random bits. `Debug` doesn't show it.
    SetupToken
}
