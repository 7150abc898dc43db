//! API tokens: their text, what one may do, and how its maker bounds it. Must not know HTTP or the database.

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use crate::accounts::model::{Role, Scope, SessionToken, SiteScope};
use crate::base::ids::{ModeratorId, SiteId, TokenId};
use crate::base::paging::TimeCursor;
use crate::base::random;
use crate::base::text::Name;

/// How every token begins, so that scanners of leaked secrets, and people, know it.
const PREFIX: &str = "rjt_";

/// What the holder of an API token shows: the prefix and 256 random bits. `Debug` doesn't show it.
#[derive(Debug, Clone)]
pub struct TokenText(SecretString);

impl TokenText {
    /// A new token.
    pub fn generate() -> Self {
        Self(SecretString::from(format!("{PREFIX}{}", random::token())))
    }

    /// The token that a request carries; nothing where the text can't be one.
    pub fn parse(text: &str) -> Option<Self> {
        SessionToken::parse(text.strip_prefix(PREFIX)?)?;
        Some(Self(SecretString::from(text)))
    }

    /// What is stored instead of the token, and looked up: how long a look-up takes tells of the hash, not of the
    /// token. A plain hash does, since nobody can try out 256 bits.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.expose_secret()).into()
    }

    /// The token itself, for the one answer that shows it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// An API token, without its text.
#[derive(Debug, Clone)]
pub struct ApiToken {
    /// Which one.
    pub id: TokenId,
    /// What its maker calls it.
    pub name: String,
    /// What it is good for, within the role of its maker.
    pub scopes: Vec<Scope>,
    /// Where, within the sites of its maker; none: wherever its maker may.
    pub sites: Option<Vec<SiteId>>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it ends; none: when it is revoked.
    pub expires_at: Option<OffsetDateTime>,
    /// When it was used last, to the minute; none: never.
    pub last_used_at: Option<OffsetDateTime>,
    /// Who made it.
    pub moderator_id: ModeratorId,
    /// Their name today.
    pub moderator_name: String,
}

/// A token to be made.
#[derive(Debug)]
pub struct NewToken {
    /// What to call it.
    pub name: Name,
    /// At least one, none twice.
    pub scopes: Vec<Scope>,
    /// At least one, none twice; none: wherever its maker may.
    pub sites: Option<Vec<SiteId>>,
    /// When it ends by itself.
    pub expires_at: Option<OffsetDateTime>,
}

/// What is to be changed of a token.
#[derive(Debug)]
pub struct TokenChange {
    /// Another name.
    pub name: Option<Name>,
    /// Another end.
    pub expiry: Expiry,
}

/// What becomes of a token's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// It stays as it is.
    Kept,
    /// It ends when it is revoked.
    Never,
    /// It ends then.
    At(OffsetDateTime),
}

impl Expiry {
    /// The new end, if there is one.
    pub(super) fn at(self) -> Option<OffsetDateTime> {
        match self {
            Self::Kept | Self::Never => None,
            Self::At(at) => Some(at),
        }
    }
}

/// A page of tokens.
#[derive(Debug)]
pub struct TokenPage {
    /// Newest first.
    pub tokens: Vec<ApiToken>,
    /// Where the next page begins, if there is one.
    pub next: Option<TimeCursor>,
}

/// The least role that can use a scope; whoever has less can't give it to a token, and their tokens lose it.
pub(super) const fn least_role(scope: Scope) -> Role {
    match scope {
        Scope::CommentsRead => Role::Viewer,
        Scope::CommentsPersonal | Scope::CommentsDecide => Role::Moderator,
        Scope::Settings => Role::Admin,
    }
}

/// What is left of a token's scopes with its maker's role as it is now.
pub(super) fn bounded_scopes(stored: &[Scope], role: Role) -> Vec<Scope> {
    let usable = |scope: &Scope| least_role(*scope) <= role;
    stored.iter().copied().filter(usable).collect()
}

/// What is left of a token's sites with its maker's as they are now.
pub(super) fn bounded_sites(stored: Option<Vec<SiteId>>, makers: SiteScope) -> SiteScope {
    match stored {
        None => makers,
        Some(sites) => SiteScope::Only(
            sites
                .into_iter()
                .filter(|site| makers.holds(*site))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn site(number: u128) -> SiteId {
        SiteId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn a_token_is_read_again_and_nothing_else_is_one() {
        let token = TokenText::generate();
        let text = token.expose();
        assert_eq!(TokenText::parse(text).unwrap().hash(), token.hash());
        assert_eq!(text.len(), PREFIX.len() + random::TOKEN_CHARS);
        let bare = text.strip_prefix(PREFIX).unwrap();
        for other in [
            "",
            PREFIX,
            bare,
            &format!("{text}x"),
            &format!("RJT_{bare}"),
        ] {
            assert!(TokenText::parse(other).is_none(), "{other}");
        }
        assert!(SessionToken::parse(text).is_none());
        assert!(!format!("{token:?}").contains(bare));
    }

    #[test]
    fn a_role_bounds_the_scopes() {
        for (role, left) in [
            (Role::Owner, &Scope::ALL[..]),
            (Role::Admin, &Scope::ALL),
            (
                Role::Moderator,
                &[
                    Scope::CommentsRead,
                    Scope::CommentsPersonal,
                    Scope::CommentsDecide,
                ],
            ),
            (Role::Viewer, &[Scope::CommentsRead]),
        ] {
            assert_eq!(bounded_scopes(&Scope::ALL, role), left, "{role:?}");
        }
    }

    #[test]
    fn sites_are_those_of_both() {
        let both = SiteScope::Only(vec![site(1), site(2)]);
        assert_eq!(bounded_sites(None, SiteScope::All), SiteScope::All);
        assert_eq!(bounded_sites(None, both.clone()), both);
        let named = Some(vec![site(2), site(3)]);
        assert_eq!(
            bounded_sites(named.clone(), SiteScope::All),
            SiteScope::Only(vec![site(2), site(3)])
        );
        assert_eq!(bounded_sites(named, both), SiteScope::Only(vec![site(2)]));
    }
}
