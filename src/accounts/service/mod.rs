//! What people do with their accounts: sign in, be recognised, sign out; and the first owner. Must not know HTTP requests.

mod operator;
mod own;
mod people;
pub(super) mod second_factor;
mod sessions;
pub(super) mod tokens;

use std::num::NonZeroU32;
use std::sync::Arc;

use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use tokio::sync::broadcast;

use crate::accounts::backoff::Backoff;
use crate::accounts::error::Error;
use crate::accounts::model::people::SetupLink;
use crate::accounts::model::{Proof, Session, SessionToken};
pub use crate::accounts::passwords::PasswordCost;
use crate::accounts::passwords::{Checked, Passwords, make_readable};
pub use crate::accounts::store::Access;
pub use crate::accounts::store::held::find_account_of;
pub use crate::accounts::store::inspection::{Owners, count_owners};
use crate::accounts::store::second_factor::{Changed, use_recovery_code};
use crate::accounts::store::{self, NewSession, Standing};
use crate::accounts::totp::SecondCode;
use crate::base::clock::Clock;
use crate::base::email::{EmailAddress, EmailKey};
use crate::base::ids::{SessionId, TokenId};
use crate::base::page_url::Origin;
use crate::base::secret::Subkey;
use crate::database::{Channel, Database, Lane, Notice, Notices};
use crate::jobs::model::{Failure, Progress, Run};
use crate::settings::RateLimit;
use crate::web::client_address::Network;
use crate::web::throttle::Throttle;
use second_factor::Shown;

pub use operator::Operator;

/// Requests of one session or API token.
const REQUESTS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(1_200).unwrap();
/// Requests of one session or API token at once.
const REQUESTS_BURST: NonZeroU32 = NonZeroU32::new(200).unwrap();
/// On which a trigger of the database tells that what a moderator may do has changed; a line is the moderator's id.
const ACCESS: Channel = Channel::new("access");
/// What the first owner is called until they say otherwise.
const FIRST_OWNER_NAME: &str = "Owner";

/// The handle to the accounts; cheap to clone. One for the process, since its bounds are the process's.
#[derive(Clone)]
pub struct Accounts(Arc<Inner>);

struct Inner {
    database: Database,
    clock: Clock,
    notices: Notices,
    passwords: Passwords,
    /// By the hash of the e-mail key, so that long addresses don't take more room.
    account_failures: Backoff<[u8; 32]>,
    network_failures: Backoff<Network>,
    requests: Throttle<Allowance>,
    /// What keys of second factors are derived from.
    second_factor: Subkey,
    /// How the world reaches us, for links.
    public_url: Option<Origin>,
}

/// What requests are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Allowance {
    Session(SessionId),
    Token(TokenId),
}

/// What the operator chose.
#[derive(Debug, Clone)]
pub struct AccountOptions {
    /// Whether requests are limited; the wait after failed sign-ins holds whatever it says.
    pub limiting: RateLimit,
    /// What a password's hash costs.
    pub cost: PasswordCost,
    /// How the world reaches us, for links.
    pub public_url: Option<Origin>,
}

/// A session that has just begun, with its token.
#[derive(Debug)]
pub struct SignedIn {
    /// Shown once, here.
    pub token: SessionToken,
    /// The session, and whose it is.
    pub session: Session,
}

/// Whether the first owner was there.
#[derive(Debug)]
pub enum FirstOwner {
    /// There is an owner.
    Existing,
    /// There was none.
    Created {
        /// The password that was made, where none was given. To be shown once.
        generated: Option<SecretString>,
    },
}

impl Accounts {
    /// Makes the handle; takes as long as a password's hash. `limiting` is for requests; the wait after failed
    /// sign-ins holds whatever it says. `second_factor` is the secret's subkey for that purpose.
    pub fn new(
        database: Database,
        clock: Clock,
        notices: Notices,
        second_factor: Subkey,
        options: AccountOptions,
    ) -> Result<Self, Error> {
        Ok(Self(Arc::new(Inner {
            database,
            clock,
            notices,
            passwords: Passwords::new(options.cost)?,
            account_failures: Backoff::new(),
            network_failures: Backoff::new(),
            requests: Throttle::new(
                "requests",
                options.limiting,
                REQUESTS_PER_MINUTE,
                REQUESTS_BURST,
            ),
            second_factor,
            public_url: options.public_url,
        })))
    }

    /// Publishes the gauges of passwords and of failed sign-ins.
    pub fn observe(&self) {
        let number = |number: u64| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        let waiting = u64::try_from(self.0.passwords.waiting()).unwrap_or(u64::MAX);
        metrics::gauge!("rejoinder_passwords_waiting").set(number(waiting));
        for (cache, entries) in [
            ("account_failures", self.0.account_failures.entries()),
            ("network_failures", self.0.network_failures.entries()),
        ] {
            metrics::gauge!("rejoinder_cache_entries", "cache" => cache).set(number(entries));
        }
    }

    /// The address of a set-up link; none where nobody has said how the world reaches us.
    pub fn setup_url(&self, link: &SetupLink) -> Option<String> {
        self.0.public_url.as_ref().map(|public| link.url(public))
    }

    /// Begins a session where address and password go together. Two round trips and one hash, two where the stored
    /// one is outdated; three more with a recovery code. Whatever is wrong, the refusal is the same and takes as long; only
    /// who knows the password learns that a second factor is missing, which is neither a failure nor a success. An attempt
    /// that the client gives up counts as failed.
    pub async fn sign_in(
        &self,
        email: &EmailAddress,
        password: SecretString,
        code: Option<SecondCode>,
        network: Network,
        user_agent: Option<&str>,
    ) -> Result<SignedIn, Error> {
        let account = account_key(email.key());
        self.charge(account, network)?;
        let outcome = self
            .try_sign_in(email.key(), password, code, user_agent)
            .await;
        match &outcome {
            Ok(signed_in) => {
                self.0.account_failures.forget(&account);
                self.0.network_failures.take_back(network);
                let moderator = signed_in.session.caller.moderator_id;
                tracing::info!(moderator.id = %moderator, "moderator {moderator} signed in");
            }
            Err(Error::InvalidCredentials) => {}
            // Not the caller's failure.
            Err(_) => {
                self.0.account_failures.take_back(account);
                self.0.network_failures.take_back(network);
            }
        }
        metrics::counter!("rejoinder_sign_ins_total", "outcome" => word(&outcome)).increment(1);
        outcome
    }

    /// Counts the attempt as failed for both keys, or for none.
    fn charge(&self, account: [u8; 32], network: Network) -> Result<(), Error> {
        let now = self.0.clock.now();
        let charged = self.0.network_failures.begin(network, now).and_then(|()| {
            let charged = self.0.account_failures.begin(account, now);
            if charged.is_err() {
                self.0.network_failures.take_back(network);
            }
            charged
        });
        charged.map_err(|wait| {
            metrics::counter!("rejoinder_sign_ins_total", "outcome" => "waiting").increment(1);
            Error::TooManyFailures { wait }
        })
    }

    async fn try_sign_in(
        &self,
        email: &EmailKey,
        password: SecretString,
        code: Option<SecondCode>,
        user_agent: Option<&str>,
    ) -> Result<SignedIn, Error> {
        let found = self
            .0
            .database
            .run(Lane::Moderators, async |connection: &mut PgConnection| {
                store::find_credentials(connection, email).await
            })
            .await?;
        let stored = found.as_ref().and_then(|found| found.password.clone());
        let checked = self.0.passwords.check(password.clone(), stored).await?;
        let (Some(found), Checked::Right | Checked::RightButOutdated) = (found, checked) else {
            return Err(Error::InvalidCredentials);
        };
        let (Some(stored), Standing::Active) = (&found.password, found.standing) else {
            return Err(Error::InvalidCredentials);
        };
        let shown = self.check_second_factor(&found, code.as_ref())?;
        let renewed = match checked {
            // Where that fails, the next sign-in tries again.
            Checked::RightButOutdated => self.0.passwords.hash(password).await.ok(),
            Checked::Right | Checked::Wrong => None,
        };
        let (token, now) = (SessionToken::generate(), self.0.clock.now());
        let new = NewSession {
            id: SessionId::new(now),
            moderator_id: found.moderator_id,
            token: &token,
            now,
            user_agent,
            checked: stored,
            kept: renewed.as_ref().unwrap_or(stored),
            factor: found.factor.as_ref(),
            step: match shown {
                Shown::Step(step) => Some(step),
                Shown::NotNeeded | Shown::Recovery(_) => None,
            },
        };
        let session = self.begin_session(new, &shown).await?;
        Ok(SignedIn { token, session })
    }

    async fn begin_session(&self, new: NewSession<'_>, shown: &Shown) -> Result<Session, Error> {
        let moderator = new.moderator_id;
        let begun = if let Shown::Recovery(hash) = shown {
            self.0
                .database
                .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                    let begun = store::insert_session(connection, new).await?;
                    match use_recovery_code(connection, moderator, hash).await? {
                        Changed::Yes => Ok(begun),
                        Changed::No => Err(Error::InvalidCredentials),
                    }
                })
                .await?
        } else {
            self.0
                .database
                .run(Lane::Moderators, async |connection: &mut PgConnection| {
                    store::insert_session(connection, new).await
                })
                .await?
        };
        begun.ok_or(Error::InvalidCredentials)
    }

    /// The session of a token. One round trip; the session's idle time begins anew.
    pub async fn authenticate(&self, token: &SessionToken) -> Result<Session, Error> {
        let now = self.0.clock.now();
        let session = self
            .0
            .database
            .run(Lane::Moderators, async |connection: &mut PgConnection| {
                store::find_session(connection, token, now).await
            })
            .await?
            .ok_or(Error::Unauthenticated)?;
        self.take_request(Allowance::Session(session.id))?;
        Ok(session)
    }

    fn take_request(&self, of: Allowance) -> Result<(), Error> {
        self.0
            .requests
            .take(&of)
            .map_err(|wait| Error::TooManyRequests { wait })
    }

    /// Ends the session: its token is worth nothing from now on, on every instance. One round trip.
    pub async fn sign_out(&self, session: &Session) -> Result<(), Error> {
        self.0
            .database
            .run(Lane::Moderators, async |connection: &mut PgConnection| {
                store::delete_session(connection, session.id).await
            })
            .await
    }

    /// Changes of role, sites, sessions and tokens, from now on: lines are ids of moderators.
    pub fn follow_access_changes(&self) -> broadcast::Receiver<Notice> {
        self.0.notices.subscribe(ACCESS)
    }

    /// The handler of a regular job: forgets sessions that have ended, set-up links that have expired, and API tokens 30
    /// days after. One round trip.
    pub async fn forget_ended(&self, _run: Run) -> Result<Progress, Failure> {
        let now = self.0.clock.now();
        let forget = async |connection: &mut PgConnection| {
            store::upkeep::forget_ended(connection, now).await
        };
        let more = self.0.database.run(Lane::Moderators, forget).await?;
        Ok(if more { Progress::More } else { Progress::Done })
    }

    /// What somebody with this proof may do at this moment, for comparing with what they might earlier; none where the
    /// proof is worth nothing any more. Doesn't count as use of a session. One round trip.
    pub async fn find_access(&self, proof: &Proof) -> Result<Option<Access>, Error> {
        let now = self.0.clock.now();
        let find = async |connection: &mut PgConnection| {
            store::access::find_access(connection, proof, now).await
        };
        self.0.database.run(Lane::Moderators, find).await
    }

    /// Makes an owner where there is none, with the given password or a made one. One round trip, or six and a hash.
    /// Of instances that start together one makes it, the others find it.
    pub async fn ensure_first_owner(
        &self,
        email: &EmailAddress,
        password: Option<SecretString>,
    ) -> Result<FirstOwner, Error> {
        let database = &self.0.database;
        let exists = database
            .run(Lane::Moderators, async |connection: &mut PgConnection| {
                store::has_owner(connection).await
            })
            .await?;
        if exists {
            return Ok(FirstOwner::Existing);
        }
        let generated = password.is_none().then(make_readable);
        let Some(password) = password.or_else(|| generated.clone()) else {
            return Ok(FirstOwner::Existing);
        };
        let hash = self.0.passwords.hash(password).await?;
        let now = self.0.clock.now();
        let created = database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                store::lock_first_owner(connection).await?;
                if store::has_owner(connection).await? {
                    return Ok::<_, Error>(None);
                }
                store::insert_owner(connection, FIRST_OWNER_NAME, email, &hash, now)
                    .await
                    .map(Some)
            })
            .await?;
        let Some(owner) = created else {
            return Ok(FirstOwner::Existing);
        };
        tracing::info!(moderator.id = %owner, "made the first owner {owner}");
        Ok(FirstOwner::Created { generated })
    }
}

fn account_key(email: &EmailKey) -> [u8; 32] {
    Sha256::digest(email.as_str()).into()
}

fn word(outcome: &Result<SignedIn, Error>) -> &'static str {
    match outcome {
        Ok(_) => "signed_in",
        Err(Error::InvalidCredentials) => "refused",
        Err(Error::SecondFactorRequired) => "second_factor",
        Err(Error::Busy) => "busy",
        Err(_) => "failed",
    }
}
