//! Manage tokens: what proves that somebody wrote a comment, without an account. Must not know where they travel.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::base::ids::CommentId;
use crate::base::secret::Subkey;

const ID_BYTES: usize = 16;

/// Makes and checks manage tokens: the comment's id with an HMAC of id and token version. Nothing is stored; raising the
/// version revokes.
#[derive(Debug, Clone)]
pub(super) struct ManageTokens(Subkey);

/// A token that a client sent, not yet checked.
#[derive(Clone)]
pub struct ManageToken {
    /// The comment that it speaks of.
    pub comment_id: CommentId,
    tag: Vec<u8>,
}

impl ManageToken {
    /// Reads a token's form; whether it is good, `ManageTokens::verify` tells.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (id, tag) = bytes.split_at_checked(ID_BYTES)?;
        let comment_id = CommentId::from_uuid(Uuid::from_slice(id).ok()?);
        Some(Self {
            comment_id,
            tag: tag.to_vec(),
        })
    }
}

impl ManageTokens {
    /// Under a subkey made for manage tokens.
    pub(super) fn new(key: Subkey) -> Self {
        Self(key)
    }

    /// The token of a comment: 64 URL-safe characters, the same each time.
    pub(super) fn make(&self, comment: CommentId, version: i32) -> String {
        let mut bytes = comment.as_uuid().as_bytes().to_vec();
        bytes.extend(
            self.0
                .mac(&[comment.as_uuid().as_bytes(), &version.to_be_bytes()]),
        );
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Whether the token is good for its comment at this version; in constant time.
    pub(super) fn verify(&self, token: &ManageToken, version: i32) -> bool {
        self.0.verify(
            &[
                token.comment_id.as_uuid().as_bytes(),
                &version.to_be_bytes(),
            ],
            &token.tag,
        )
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;
    use crate::base::secret::{Purpose, ServerSecret};

    #[test]
    fn a_token_is_good_for_its_comment_its_version_and_its_secret_only() {
        let tokens = ManageTokens::new(ServerSecret::generate().subkey(Purpose::ManageToken));
        let others = ManageTokens::new(ServerSecret::generate().subkey(Purpose::ManageToken));
        let id = CommentId::new(OffsetDateTime::UNIX_EPOCH);
        let text = tokens.make(id, 1);
        let token = ManageToken::parse(&text).unwrap();
        assert_eq!(token.comment_id, id);
        assert!(tokens.verify(&token, 1));
        assert!(!tokens.verify(&token, 2));
        assert!(!others.verify(&token, 1));
        let cut = ManageToken::parse(text.get(..60).unwrap()).unwrap();
        assert!(!tokens.verify(&cut, 1));
        assert!(ManageToken::parse("not base64!").is_none());
        assert!(ManageToken::parse("c2hvcnQ").is_none());
    }
}
