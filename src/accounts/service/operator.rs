//! What whoever runs the service does with people, at the command line. Must not know the server's secret, which such a
//! command may not have at hand; nor what is printed.

use std::collections::HashMap;

use serde_json::Map;
use sqlx::PgConnection;

use super::people::{self, AddedModerator, Manager};
use crate::accounts::error::Error;
use crate::accounts::model::SiteScope;
use crate::accounts::model::people::{
    Access, Moderator, ModeratorChange, NewModerator, PersonListed, SetupLink,
};
use crate::accounts::passwords::{PasswordCost, Passwords};
use crate::accounts::store::people::{self as store, Listed};
use crate::accounts::store::{credentials, sessions};
use crate::base::clock::Clock;
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::email::EmailAddress;
use crate::base::ids::{ModeratorId, SiteId};
use crate::database::{Database, Lane};

/// People asked for at once.
const LISTED_AT_ONCE: i64 = 500;
/// People listed at most.
const LISTED_MAX: usize = 100_000;

/// Whoever runs the service: may do everything with everybody. The log of acts names no person.
#[derive(Debug, Clone)]
pub struct Operator {
    database: Database,
    clock: Clock,
    cost: PasswordCost,
}

impl Operator {
    /// At work on this database.
    pub fn new(database: Database, clock: Clock, cost: PasswordCost) -> Self {
        Self {
            database,
            clock,
            cost,
        }
    }

    /// The sites of these slugs; none named: all. One round trip.
    pub async fn find_sites(&self, slugs: Option<&[String]>) -> Result<SiteScope, Error> {
        let Some(slugs) = slugs else {
            return Ok(SiteScope::All);
        };
        let run =
            async |connection: &mut PgConnection| store::sites_of_slugs(connection, slugs).await;
        let found = self.database.run(Lane::Moderators, run).await?;
        if slugs
            .iter()
            .any(|slug| found.iter().all(|site| site.slug != *slug))
        {
            let message = "must be slugs of sites that there are";
            return Err(Error::UnfitSites(Complaint::new(
                ComplaintCode::UnknownSite,
                message,
            )));
        }
        let mut ids: Vec<SiteId> = found.into_iter().map(|site| site.id).collect();
        ids.sort_unstable();
        Ok(SiteScope::Only(ids))
    }

    /// Makes an account. A transaction of four statements, and a hash where a password is given.
    pub async fn add(&self, mut new: NewModerator) -> Result<AddedModerator, Error> {
        let password = match new.password.take() {
            Some(password) => {
                let passwords = Passwords::new(self.cost)?;
                Some(passwords.hash(password.into_secret()).await?)
            }
            None => None,
        };
        let now = self.clock.now();
        self.database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                people::add(connection, Manager::Operator, &new, password.as_ref(), now).await
            })
            .await
    }

    /// Everybody, in the order of their ids. Two round trips for each 500.
    pub async fn list(&self) -> Result<Vec<PersonListed>, Error> {
        let now = self.clock.now();
        let mut all: Vec<PersonListed> = Vec::new();
        while all.len() < LISTED_MAX {
            let after = all.last().map(|last| last.moderator.id);
            let run = async |connection: &mut PgConnection| {
                let listed = Listed {
                    sites: &SiteScope::All,
                    besides: None,
                    after,
                    rows: LISTED_AT_ONCE,
                    now,
                };
                let moderators = store::list(connection, &listed).await?;
                with_slugs(connection, moderators).await
            };
            let some = self.database.run(Lane::Moderators, run).await?;
            if some.is_empty() {
                break;
            }
            all.extend(some);
        }
        Ok(all)
    }

    /// Takes the password of an account away, ends its sessions, and makes a set-up link. A transaction of six statements;
    /// its API tokens stay.
    pub async fn reset_password(&self, email: &EmailAddress) -> Result<SetupLink, Error> {
        let now = self.clock.now();
        self.database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                let id = find(connection, email).await?;
                let held = people::hold(connection, Manager::Operator, id).await?;
                if held.target.disabled_at.is_some() {
                    return Err(Error::ModeratorDisabled);
                }
                credentials::set_password(connection, id, None).await?;
                sessions::delete_others(connection, id, None).await?;
                let link = people::link(connection, id, now).await?;
                let act = "moderator.password_reset";
                people::record(connection, Manager::Operator, act, id, Map::new(), now).await?;
                Ok(link)
            })
            .await
    }

    /// Disables an account, which ends its sessions and tokens at once, or enables it. A transaction of six statements at
    /// most.
    pub async fn set_access(
        &self,
        email: &EmailAddress,
        access: Access,
    ) -> Result<Moderator, Error> {
        let now = self.clock.now();
        let wanted = ModeratorChange {
            access: Some(access),
            ..ModeratorChange::default()
        };
        self.database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                let id = find(connection, email).await?;
                people::change(connection, Manager::Operator, id, &wanted, now).await
            })
            .await
    }
}

async fn find(connection: &mut PgConnection, email: &EmailAddress) -> Result<ModeratorId, Error> {
    let found = store::find_id(connection, email.key()).await?;
    found.ok_or(Error::ModeratorNotFound)
}

async fn with_slugs(
    connection: &mut PgConnection,
    moderators: Vec<Moderator>,
) -> Result<Vec<PersonListed>, Error> {
    let mut ids: Vec<SiteId> = moderators
        .iter()
        .filter_map(|moderator| moderator.sites.ids())
        .flatten()
        .copied()
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let slugs: HashMap<SiteId, String> = if ids.is_empty() {
        HashMap::new()
    } else {
        let found = store::slugs_of_sites(connection, &ids).await?;
        found.into_iter().map(|site| (site.id, site.slug)).collect()
    };
    let listed = moderators.into_iter().map(|moderator| PersonListed {
        slugs: moderator.sites.ids().map(|sites| {
            let known = sites.iter().filter_map(|site| slugs.get(site).cloned());
            known.collect()
        }),
        moderator,
    });
    Ok(listed.collect())
}
