//! What people do with their own account: set the first password by a link, change it, change their name. Must not know
//! HTTP.

use secrecy::SecretString;
use serde_json::{Map, json};
use sqlx::PgConnection;

use super::people::{Manager, record};
use super::{Accounts, account_key};
use crate::accounts::error::Error;
use crate::accounts::model::Session;
use crate::accounts::model::people::{Moderator, NewPassword, SetupToken};
use crate::accounts::passwords::{Checked, StoredPassword};
use crate::accounts::store::credentials::{self, Taken};
use crate::accounts::store::{people, sessions};
use crate::base::email::EmailAddress;
use crate::base::text::Name;
use crate::database::Lane;
use crate::web::client_address::Network;

impl Accounts {
    /// Sets the password by a set-up link, which is used up by it; all sessions of the account end. One round trip where
    /// the link isn't good, else also a hash and a transaction of five statements. Answers the address to sign in with.
    pub async fn set_up(
        &self,
        token: Option<SetupToken>,
        password: NewPassword,
        network: Network,
    ) -> Result<EmailAddress, Error> {
        let begun = self.0.network_failures.begin(network, self.0.clock.now());
        begun.map_err(|wait| Error::TooManyFailures { wait })?;
        let outcome = self.try_set_up(token, password).await;
        if !matches!(outcome, Err(Error::SetupLinkNotFound)) {
            self.0.network_failures.take_back(network);
        }
        outcome
    }

    async fn try_set_up(
        &self,
        token: Option<SetupToken>,
        password: NewPassword,
    ) -> Result<EmailAddress, Error> {
        let hash = token.ok_or(Error::SetupLinkNotFound)?.hash();
        let (database, now) = (&self.0.database, self.0.clock.now());
        let find = async |connection: &mut PgConnection| {
            credentials::find_setup_link(connection, hash, now).await
        };
        // Before the password is hashed: who has no link costs us no hash.
        let found = database.run(Lane::Moderators, find).await?;
        let id = found.ok_or(Error::SetupLinkNotFound)?;
        let password = self.0.passwords.hash(password.into_secret()).await?;
        database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                let held = people::hold(connection, &[id]).await?;
                let able = held
                    .iter()
                    .any(|held| held.id == id && held.disabled_at.is_none());
                if !able
                    || credentials::take_setup_link(connection, id, hash, now).await?
                        == Taken::TooLate
                {
                    return Err(Error::SetupLinkNotFound);
                }
                credentials::set_password(connection, id, Some(&password)).await?;
                sessions::delete_others(connection, id, None).await?;
                let (by, act) = (Manager::Moderator(id), "moderator.password_set");
                record(connection, by, act, id, Map::new(), now).await?;
                let found = people::find(connection, id, now).await?;
                found
                    .map(|moderator| moderator.email)
                    .ok_or(Error::SetupLinkNotFound)
            })
            .await
    }

    /// The caller's own account. One round trip.
    pub async fn show_own(&self, session: &Session) -> Result<Moderator, Error> {
        let (id, now) = (session.caller.moderator_id, self.0.clock.now());
        let run = async |connection: &mut PgConnection| people::find(connection, id, now).await;
        let found = self.0.database.run(Lane::Moderators, run).await?;
        found.ok_or(Error::Unauthenticated)
    }

    /// Changes the caller's own name. A transaction of four statements.
    pub async fn rename_own(&self, session: &Session, name: &Name) -> Result<Moderator, Error> {
        let (id, now) = (session.caller.moderator_id, self.0.clock.now());
        self.0
            .database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                let all = people::hold(connection, &[id]).await?;
                let held = all.into_iter().find(|held| held.id == id);
                let mut held = held.ok_or(Error::Unauthenticated)?;
                if held.name != name.as_str() {
                    name.as_str().clone_into(&mut held.name);
                    people::update(connection, &held).await?;
                    let details = Map::from_iter([("fields".to_owned(), json!(["name"]))]);
                    let (by, act) = (Manager::Moderator(id), "moderator.changed");
                    record(connection, by, act, id, details, now).await?;
                }
                let found = people::find(connection, id, now).await?;
                found.ok_or(Error::Unauthenticated)
            })
            .await
    }

    /// Changes the caller's own password, which the current one proves to be theirs; a wrong one counts as a failed
    /// sign-in. Afterwards this session is the only one, and no set-up link is good. One round trip, two hashes, and a
    /// transaction of four statements.
    pub async fn change_own_password(
        &self,
        session: &Session,
        current: SecretString,
        new: NewPassword,
        network: Network,
    ) -> Result<(), Error> {
        let id = session.caller.moderator_id;
        let find = async |connection: &mut PgConnection| {
            credentials::find_own_credentials(connection, id).await
        };
        let found = self.0.database.run(Lane::Moderators, find).await?;
        let (email, stored) = found.ok_or(Error::Unauthenticated)?;
        let account = account_key(&email);
        self.charge(account, network)?;
        let outcome = self
            .try_change_own_password(session, stored, current, new)
            .await;
        match &outcome {
            Err(Error::WrongPassword) => {}
            Ok(()) => {
                self.0.account_failures.forget(&account);
                self.0.network_failures.take_back(network);
            }
            Err(_) => {
                self.0.account_failures.take_back(account);
                self.0.network_failures.take_back(network);
            }
        }
        outcome
    }

    async fn try_change_own_password(
        &self,
        session: &Session,
        stored: Option<StoredPassword>,
        current: SecretString,
        new: NewPassword,
    ) -> Result<(), Error> {
        let checked = self.0.passwords.check(current, stored.clone()).await?;
        let stored = stored
            .filter(|_| checked != Checked::Wrong)
            .ok_or(Error::WrongPassword)?;
        let new = self.0.passwords.hash(new.into_secret()).await?;
        let (id, now) = (session.caller.moderator_id, self.0.clock.now());
        self.0
            .database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                // Where somebody else was faster, what was checked is no longer the current one.
                if credentials::replace_password(connection, id, &stored, &new).await?
                    == Taken::TooLate
                {
                    return Err(Error::WrongPassword);
                }
                sessions::delete_others(connection, id, Some(session.id)).await?;
                credentials::delete_setup_link(connection, id).await?;
                let (by, act) = (Manager::Moderator(id), "moderator.password_changed");
                record(connection, by, act, id, Map::new(), now).await
            })
            .await
    }
}
