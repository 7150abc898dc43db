//! The second factor: turning it on and off, and what a sign-in has to show. Must not know HTTP.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Map;
use sqlx::PgConnection;

use super::{Accounts, account_key};
use crate::accounts::error::Error;
use crate::accounts::model::Caller;
use crate::accounts::passwords::{Checked, StoredPassword};
use crate::accounts::store::second_factor::{self as store, Changed, Factor, OwnAccount};
use crate::accounts::store::{Credentials, FactorOn};
use crate::accounts::totp::{Key, NONCE_BYTES, RECOVERY_CODES, RecoveryCode, SecondCode};
use crate::audit;
use crate::audit::model::{Act, AuditActor, Subject};
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::ids::ModeratorId;
use crate::base::random;
use crate::database::Lane;

/// Who gives out the codes, as apps show it.
const ISSUER: &str = "Rejoinder";

/// A key for an app, not asked for until a first code has been shown.
pub struct NewFactor {
    /// In base 32, to be typed.
    pub secret: SecretString,
    /// The same for a QR code.
    pub otpauth_url: SecretString,
}

/// What a sign-in showed as second factor.
pub(super) enum Shown {
    /// Nothing was asked for.
    NotNeeded,
    /// A code of this time step.
    Step(i64),
    /// The hash of a recovery code, still to be looked for.
    Recovery([u8; 32]),
}

impl Accounts {
    /// Hands out a key for the caller's second factor; earlier ones that weren't confirmed are void. The password is asked
    /// for, so that a stolen session can't lock its owner out. Two round trips and a hash.
    pub async fn begin_second_factor(
        &self,
        caller: &Caller,
        password: SecretString,
    ) -> Result<NewFactor, Error> {
        let moderator = caller.moderator_id;
        let (own, checked) = self.check_own_password(moderator, password).await?;
        if matches!(own.factor, Factor::On) {
            return Err(Error::SecondFactorOn);
        }
        let nonce = random::bytes::<NONCE_BYTES>();
        let changed = self
            .0
            .database
            .run(Lane::Moderators, async |connection: &mut PgConnection| {
                store::begin_factor(connection, moderator, &nonce, &checked).await
            })
            .await?;
        if changed == Changed::No {
            return Err(Error::SecondFactorOn);
        }
        let secret = Key::derive(&self.0.second_factor, moderator, &nonce).text();
        let label = utf8_percent_encode(&caller.name, NON_ALPHANUMERIC);
        let otpauth_url = SecretString::from(format!(
            "otpauth://totp/{ISSUER}:{label}?secret={}&issuer={ISSUER}&algorithm=SHA1&digits=6&period=30",
            secret.expose_secret()
        ));
        Ok(NewFactor {
            secret,
            otpauth_url,
        })
    }

    /// Turns the caller's second factor on where the code is one of the key that was handed out; it is asked for from the
    /// next sign-in on. Seven round trips.
    pub async fn confirm_second_factor(
        &self,
        caller: &Caller,
        code: &SecondCode,
    ) -> Result<Vec<RecoveryCode>, Error> {
        let (moderator, now) = (caller.moderator_id, self.0.clock.now());
        let own = self.load_own_account(moderator).await?;
        let nonce = match own.factor {
            Factor::Off => return Err(Error::SecondFactorNotBegun),
            Factor::On => return Err(Error::SecondFactorOn),
            Factor::Begun { nonce } => nonce,
        };
        let account = account_key(&own.email_key);
        self.charge_account(account)?;
        let key = Key::derive(&self.0.second_factor, moderator, &nonce);
        let step = match code {
            SecondCode::Digits(code) => key.find_step(*code, now, None),
            SecondCode::Recovery(_) | SecondCode::Unfit => None,
        };
        let Some(step) = step else {
            let message = "is not what the app shows now";
            return Err(rejected("code", ComplaintCode::InvalidValue, message));
        };
        self.0.account_failures.take_back(account);
        let codes: Vec<RecoveryCode> = (0..RECOVERY_CODES)
            .map(|_| RecoveryCode::generate())
            .collect();
        let hashes: Vec<Vec<u8>> = codes.iter().map(|code| code.hash().to_vec()).collect();
        self.0
            .database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                let changed = store::confirm_factor(connection, moderator, &nonce, step, now);
                if changed.await? == Changed::No {
                    return Err(Error::SecondFactorNotBegun);
                }
                store::replace_recovery_codes(connection, moderator, &hashes).await?;
                let act = act(moderator, "moderator.totp_enabled");
                audit::service::record(connection, &act, now).await?;
                Ok(())
            })
            .await?;
        Ok(codes)
    }

    /// Takes the caller's second factor away, and its recovery codes; where there is none, nothing changes. Six round
    /// trips and a hash.
    pub async fn drop_second_factor(
        &self,
        caller: &Caller,
        password: SecretString,
    ) -> Result<(), Error> {
        let (moderator, now) = (caller.moderator_id, self.0.clock.now());
        let (own, checked) = self.check_own_password(moderator, password).await?;
        if matches!(own.factor, Factor::Off) {
            return Ok(());
        }
        self.0
            .database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                let changed = store::drop_factor(connection, moderator, &checked).await?;
                if changed == Changed::No || !matches!(own.factor, Factor::On) {
                    return Ok(());
                }
                store::replace_recovery_codes(connection, moderator, &[]).await?;
                let act = act(moderator, "moderator.totp_disabled");
                audit::service::record(connection, &act, now).await?;
                Ok(())
            })
            .await
    }

    /// What the sign-in showed, judged after the password was right: whoever doesn't know that one learns nothing here.
    pub(super) fn check_second_factor(
        &self,
        found: &Credentials,
        code: Option<&SecondCode>,
    ) -> Result<Shown, Error> {
        let Some(FactorOn { nonce, last_step }) = &found.factor else {
            return Ok(Shown::NotNeeded);
        };
        match code.ok_or(Error::SecondFactorRequired)? {
            SecondCode::Digits(code) => {
                let key = Key::derive(&self.0.second_factor, found.moderator_id, nonce);
                let step = key.find_step(*code, self.0.clock.now(), *last_step);
                step.map(Shown::Step).ok_or(Error::InvalidCredentials)
            }
            SecondCode::Recovery(hash) => Ok(Shown::Recovery(*hash)),
            SecondCode::Unfit => Err(Error::InvalidCredentials),
        }
    }

    /// The account, where the password is its own; a wrong one counts as a failed sign-in of the account.
    async fn check_own_password(
        &self,
        moderator: ModeratorId,
        password: SecretString,
    ) -> Result<(OwnAccount, StoredPassword), Error> {
        let own = self.load_own_account(moderator).await?;
        let account = account_key(&own.email_key);
        self.charge_account(account)?;
        let checked = self.0.passwords.check(password, own.password.clone()).await;
        match (checked, &own.password) {
            (Ok(Checked::Right | Checked::RightButOutdated), Some(stored)) => {
                self.0.account_failures.take_back(account);
                let stored = stored.clone();
                Ok((own, stored))
            }
            (Ok(_), _) => {
                let message = "is not the password of this account";
                Err(rejected("password", ComplaintCode::WrongPassword, message))
            }
            (Err(error), _) => {
                self.0.account_failures.take_back(account);
                Err(error)
            }
        }
    }

    async fn load_own_account(&self, moderator: ModeratorId) -> Result<OwnAccount, Error> {
        self.0
            .database
            .run(Lane::Moderators, async |connection: &mut PgConnection| {
                store::find_own_account(connection, moderator).await
            })
            .await?
            .ok_or(Error::Unauthenticated)
    }

    /// Counts an attempt of the account as failed until it is taken back; or says how long to wait.
    fn charge_account(&self, account: [u8; 32]) -> Result<(), Error> {
        let now = self.0.clock.now();
        self.0
            .account_failures
            .begin(account, now)
            .map_err(|wait| Error::TooManyFailures { wait })
    }
}

fn rejected(field: &str, code: ComplaintCode, message: &'static str) -> Error {
    Error::Rejected(vec![(field.to_owned(), Complaint::new(code, message))])
}

fn act(moderator: ModeratorId, name: &'static str) -> Act {
    Act {
        by: AuditActor::Moderator(moderator),
        name,
        subject: Subject {
            kind: "moderator",
            id: Some(*moderator.as_uuid()),
            site: None,
        },
        details: Map::new(),
    }
}
