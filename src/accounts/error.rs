//! Why an account can't do something, and the codes of these reasons. Must not know HTTP.

use std::borrow::Cow;
use std::time::Duration;

use crate::base::codes::{Code, Refusal};
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::database;

/// When to come back after too many sign-ins at once: a hash takes some 50 ms, so a second empties the queue.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(1);

/// A refusal of the accounts.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No session belongs to the token, or none any more.
    #[error("not signed in")]
    Unauthenticated,
    /// The role doesn't allow it.
    #[error("the role does not allow this")]
    Forbidden,
    /// The account belongs to somebody of an equal or higher role, or with other sites.
    #[error("the role does not reach this account")]
    NotManaged,
    /// The role is not one that the caller can give.
    #[error("the role does not allow giving this role")]
    RoleNotGiven,
    /// What one does about oneself another way, with a proof.
    #[error("this is done for the own account in another way")]
    NotForYourself,
    /// No account that the caller may see.
    #[error("there is no such moderator")]
    ModeratorNotFound,
    /// The address belongs to another account.
    #[error("another account has this e-mail address")]
    ModeratorExists,
    /// A disabled account gets no password.
    #[error("the account is disabled; enable it first")]
    ModeratorDisabled,
    /// Nobody who can sign in would be an owner any more.
    #[error(
        "the last owner can't go; make somebody else an owner first, and let them set their password"
    )]
    LastOwner,
    /// No session that the caller may end.
    #[error("there is no such session")]
    SessionNotFound,
    /// The token belongs to no set-up link, or to one that has been used, replaced, or is too old.
    #[error("the set-up link is not good any more")]
    SetupLinkNotFound,
    /// The password that was to prove who is there.
    #[error("the current password is another one")]
    WrongPassword,
    /// Sites that can't be given so.
    #[error("the sites can't be given: they {}", .0.message)]
    UnfitSites(Complaint),
    /// E-mail address and password don't go together, or the account can't sign in. Which of it is never told.
    #[error("e-mail address and password don't go together, or the account is disabled")]
    InvalidCredentials,
    /// The password is right, and the account has a second factor, which wasn't shown.
    #[error("the second factor is missing")]
    SecondFactorRequired,
    /// The account has a second factor already.
    #[error("the second factor is on already")]
    SecondFactorOn,
    /// No key has been handed out for a second factor.
    #[error("no second factor was begun")]
    SecondFactorNotBegun,
    /// No such API token, or none that the caller may see.
    #[error("no such token")]
    TokenNotFound,
    /// A moderator has as many API tokens as they may.
    #[error("too many tokens")]
    TooManyTokens,
    /// Fields whose values are right in themselves, but not here and now.
    #[error("some fields are not right")]
    Rejected(Vec<(String, Complaint)>),
    /// Too many failed sign-ins for this account or from this network.
    #[error("too many failed sign-ins")]
    TooManyFailures {
        /// How long to wait.
        wait: Duration,
    },
    /// More requests of one session than its allowance.
    #[error("too many requests with this token")]
    TooManyRequests {
        /// How long to wait.
        wait: Duration,
    },
    /// More passwords wait to be hashed than may.
    #[error("too many sign-ins at the same time")]
    Busy,
    /// There is no owner, and the address that the first one should get is that of somebody else.
    #[error(
        "the address of the first owner belongs to a moderator who is no owner; give another in REJOINDER_ADMIN_EMAIL"
    )]
    OwnerAddressTaken,
    /// A password could not be hashed; a mistake of ours.
    #[error("a password could not be hashed: {0}")]
    Hashing(#[from] argon2::password_hash::Error),
    /// The thread that hashed was lost; a mistake of ours.
    #[error("hashing a password broke off: {0}")]
    HashingBrokeOff(#[from] tokio::task::JoinError),
    /// A stored role that this release doesn't know.
    #[error("the database holds a role that this release does not know")]
    UnknownRole,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] database::Error),
}

impl Refusal for Error {
    fn code(&self) -> Code {
        match self {
            Self::Unauthenticated => Code::Unauthenticated,
            Self::Forbidden | Self::NotManaged | Self::RoleNotGiven | Self::NotForYourself => {
                Code::Forbidden
            }
            Self::ModeratorNotFound => Code::ModeratorNotFound,
            Self::ModeratorExists => Code::ModeratorExists,
            Self::ModeratorDisabled => Code::ModeratorDisabled,
            Self::LastOwner => Code::LastOwner,
            Self::SessionNotFound => Code::SessionNotFound,
            Self::SetupLinkNotFound => Code::SetupLinkNotFound,
            Self::WrongPassword | Self::UnfitSites(_) | Self::Rejected(_) => Code::ValidationFailed,
            Self::InvalidCredentials => Code::InvalidCredentials,
            Self::SecondFactorRequired => Code::TotpRequired,
            Self::SecondFactorOn => Code::TotpAlreadyOn,
            Self::SecondFactorNotBegun => Code::TotpNotBegun,
            Self::TokenNotFound => Code::TokenNotFound,
            Self::TooManyTokens => Code::TooManyTokens,
            // Not `unavailable`: whoever floods the sign-in would fill the log with errors.
            Self::TooManyFailures { .. } | Self::TooManyRequests { .. } | Self::Busy => {
                Code::RateLimited
            }
            Self::OwnerAddressTaken
            | Self::Hashing(_)
            | Self::HashingBrokeOff(_)
            | Self::UnknownRole => Code::InternalError,
            Self::Database(error) => error.code(),
        }
    }

    fn detail(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Unauthenticated => "there is no token, or the session has ended",
            Self::Forbidden => "the role of this account does not allow it",
            Self::NotManaged => {
                "this account has an equal or higher role, or sites that are not yours"
            }
            Self::RoleNotGiven => "an admin gives the roles moderator and viewer only",
            Self::NotForYourself => "for your own account use /api/v1/admin/me",
            Self::ModeratorNotFound => "there is no account of this id that you may see",
            Self::ModeratorExists => "another account has this e-mail address",
            Self::ModeratorDisabled => "the account is disabled",
            Self::LastOwner => "nobody who can sign in would be an owner any more",
            Self::SessionNotFound => "there is no session of this id that you may end",
            Self::SetupLinkNotFound => "the link has been used or replaced, or is too old",
            Self::WrongPassword | Self::UnfitSites(_) => "one field is not right",
            Self::InvalidCredentials => {
                "e-mail address or password are wrong, or the account is disabled"
            }
            Self::SecondFactorRequired
            | Self::SecondFactorOn
            | Self::SecondFactorNotBegun
            | Self::TokenNotFound
            | Self::TooManyTokens
            | Self::Rejected(_) => self.code().title(),
            Self::TooManyFailures { .. } => {
                "too many failed sign-ins for this account or from this network"
            }
            Self::TooManyRequests { .. } => "too many requests with this token",
            Self::Busy => "too many people sign in at this moment",
            Self::OwnerAddressTaken => "the first owner's address belongs to somebody else",
            Self::Hashing(_) | Self::HashingBrokeOff(_) => "the password could not be checked",
            Self::UnknownRole => "the account's role is not known",
            Self::Database(error) => return error.detail(),
        })
    }

    fn complaints(&self) -> Vec<(String, Complaint)> {
        match self {
            Self::Rejected(complaints) => complaints.clone(),
            Self::WrongPassword => vec![(
                "current_password".to_owned(),
                Complaint::new(
                    ComplaintCode::WrongPassword,
                    "is not the password of this account",
                ),
            )],
            Self::UnfitSites(complaint) => vec![("sites".to_owned(), complaint.clone())],
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyFailures { wait } | Self::TooManyRequests { wait } => Some(*wait),
            Self::Busy => Some(BUSY_RETRY_AFTER),
            Self::Database(error) => error.retry_after(),
            _ => None,
        }
    }
}
