//! Managing people: making accounts, changing them, taking them away. Must not know HTTP.
//!
//! What a manager may do is judged inside the transaction that does it, by what role and sites they have then.

use serde_json::{Map, Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::Accounts;
use crate::accounts::error::Error;
use crate::accounts::model::people::{
    Access, Authority, Moderator, ModeratorChange, ModeratorPage, NewModerator, SETUP_LINK_AGE_MAX,
    SetupLink, SetupToken,
};
use crate::accounts::model::{Caller, Role, SiteScope};
use crate::accounts::passwords::StoredPassword;
use crate::accounts::store::credentials;
use crate::accounts::store::people::{self, Held, Listed, Removed};
use crate::audit;
use crate::audit::model::{Act, AuditActor, Subject};
use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::ids::ModeratorId;
use crate::base::paging::{Limit, TimeCursor};
use crate::database::Lane;

/// An account that has just been made.
#[derive(Debug)]
pub struct AddedModerator {
    /// The account.
    pub moderator: Moderator,
    /// The link by which they set their password, where none was given. To be shown once.
    pub link: Option<SetupLink>,
}

/// Who manages people.
#[derive(Debug, Clone, Copy)]
pub(super) enum Manager {
    /// Somebody with an account.
    Moderator(ModeratorId),
    /// Whoever runs the service.
    Operator,
}

impl Accounts {
    /// People whom the caller sees, in the order of their ids. One round trip.
    pub async fn list_moderators(
        &self,
        caller: &Caller,
        after: Option<TimeCursor>,
        limit: Limit,
    ) -> Result<ModeratorPage, Error> {
        let listed = Listed {
            sites: &caller.sites,
            besides: Some(caller.moderator_id),
            after: after.map(|after| ModeratorId::from_uuid(after.id)),
            rows: limit.rows(),
            now: self.0.clock.now(),
        };
        let run = async |connection: &mut PgConnection| people::list(connection, &listed).await;
        let mut moderators = self.0.database.run(Lane::Moderators, run).await?;
        let more = moderators.len() > limit.get();
        moderators.truncate(limit.get());
        let last = moderators.last().filter(|_| more);
        let next = last.map(|last| TimeCursor {
            at: last.created_at,
            id: *last.id.as_uuid(),
        });
        Ok(ModeratorPage { moderators, next })
    }

    /// One person whom the caller sees. One round trip.
    pub async fn show_moderator(
        &self,
        caller: &Caller,
        id: ModeratorId,
    ) -> Result<Moderator, Error> {
        let now = self.0.clock.now();
        let run = async |connection: &mut PgConnection| people::find(connection, id, now).await;
        let found = self.0.database.run(Lane::Moderators, run).await?;
        found
            .filter(|found| id == caller.moderator_id || Authority::of(caller).sees(&found.sites))
            .ok_or(Error::ModeratorNotFound)
    }

    /// Makes an account. A transaction of five statements at most, and a hash where a password is given.
    pub async fn add_moderator(
        &self,
        caller: &Caller,
        mut new: NewModerator,
    ) -> Result<AddedModerator, Error> {
        // Before the hash, which is dear; what counts is asked again below.
        if !Authority::of(caller).gives(new.role) {
            return Err(Error::RoleNotGiven);
        }
        let password = match new.password.take() {
            Some(password) => Some(self.0.passwords.hash(password.into_secret()).await?),
            None => None,
        };
        let (now, manager) = (self.0.clock.now(), Manager::Moderator(caller.moderator_id));
        self.0
            .database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                add(connection, manager, &new, password.as_ref(), now).await
            })
            .await
    }

    /// Changes an account. A transaction of five statements at most; afterwards it is as wanted, on every instance.
    pub async fn change_moderator(
        &self,
        caller: &Caller,
        id: ModeratorId,
        wanted: &ModeratorChange,
    ) -> Result<Moderator, Error> {
        let (now, manager) = (self.0.clock.now(), Manager::Moderator(caller.moderator_id));
        self.0
            .database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                change(connection, manager, id, wanted, now).await
            })
            .await
    }

    /// Takes an account away for good. A transaction of four statements. Afterwards nobody can sign in to it, its address
    /// is free and forgotten, and what they did still bears their name.
    pub async fn remove_moderator(&self, caller: &Caller, id: ModeratorId) -> Result<(), Error> {
        let (now, manager) = (self.0.clock.now(), Manager::Moderator(caller.moderator_id));
        self.0
            .database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                let held = hold(connection, manager, id).await?;
                held.keeps_an_owner(None)?;
                people::end_access(connection, id).await?;
                people::empty(connection, id, now).await?;
                record(
                    connection,
                    manager,
                    "moderator.deleted",
                    id,
                    Map::new(),
                    now,
                )
                .await
            })
            .await
    }

    /// Makes a set-up link for somebody; the earlier one is void, the password that they have stays until the link is
    /// used. A transaction of three statements.
    pub async fn make_setup_link(
        &self,
        caller: &Caller,
        id: ModeratorId,
    ) -> Result<SetupLink, Error> {
        if id == caller.moderator_id {
            return Err(Error::NotForYourself);
        }
        let (now, manager) = (self.0.clock.now(), Manager::Moderator(caller.moderator_id));
        self.0
            .database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                let held = hold(connection, manager, id).await?;
                if held.target.disabled_at.is_some() {
                    return Err(Error::ModeratorDisabled);
                }
                let link = link(connection, id, now).await?;
                let act = "moderator.setup_link_made";
                record(connection, manager, act, id, Map::new(), now).await?;
                Ok(link)
            })
            .await
    }

    /// Turns somebody's second factor off, who has lost it. A transaction of three statements; nothing is recorded where
    /// there was none.
    pub async fn remove_second_factor_of(
        &self,
        caller: &Caller,
        id: ModeratorId,
    ) -> Result<(), Error> {
        if id == caller.moderator_id {
            return Err(Error::NotForYourself);
        }
        let (now, manager) = (self.0.clock.now(), Manager::Moderator(caller.moderator_id));
        self.0
            .database
            .transact(Lane::Moderators, async |connection: &mut PgConnection| {
                hold(connection, manager, id).await?;
                if people::remove_second_factor(connection, id).await? == Removed::NothingThere {
                    return Ok(());
                }
                let act = "moderator.totp_removed";
                record(connection, manager, act, id, Map::new(), now).await
            })
            .await
    }
}

/// The account to be changed, and all that its change is judged by; nobody else changes them meanwhile.
pub(super) struct HeldPerson {
    pub(super) target: Held,
    authority: Authority,
    other_able_owners: usize,
}

/// Holds an account that the manager may change. One statement.
pub(super) async fn hold(
    connection: &mut PgConnection,
    manager: Manager,
    id: ModeratorId,
) -> Result<HeldPerson, Error> {
    let own = match manager {
        Manager::Moderator(own) => Some(own),
        Manager::Operator => None,
    };
    let ids: Vec<ModeratorId> = own.into_iter().chain([id]).collect();
    let all = people::hold(connection, &ids).await?;
    let find = |id| all.iter().find(|held| held.id == id);
    let authority = match own {
        None => Authority::operator(),
        Some(own) => find(own)
            .and_then(Held::authority)
            .ok_or(Error::Unauthenticated)?,
    };
    let target = find(id).ok_or(Error::ModeratorNotFound)?;
    if own != Some(id) && !authority.sees(&target.sites) {
        return Err(Error::ModeratorNotFound);
    }
    if !authority.manages(target.role, &target.sites) {
        return Err(Error::NotManaged);
    }
    let others = all.iter().filter(|held| held.id != id);
    Ok(HeldPerson {
        target: target.clone(),
        authority,
        other_able_owners: others.filter(|held| held.is_able_owner()).count(),
    })
}

impl HeldPerson {
    /// Refuses what would leave no owner who can sign in. `next` is what becomes of the account; none: it goes.
    fn keeps_an_owner(&self, next: Option<&Held>) -> Result<(), Error> {
        let stays = next.is_some_and(Held::is_able_owner);
        if self.target.is_able_owner() && !stays && self.other_able_owners == 0 {
            return Err(Error::LastOwner);
        }
        Ok(())
    }
}

/// Makes an account; for a transaction.
pub(super) async fn add(
    connection: &mut PgConnection,
    manager: Manager,
    new: &NewModerator,
    password: Option<&StoredPassword>,
    now: OffsetDateTime,
) -> Result<AddedModerator, Error> {
    let authority = match manager {
        Manager::Operator => Authority::operator(),
        Manager::Moderator(own) => {
            let all = people::hold(connection, &[own]).await?;
            let held = all.iter().find(|held| held.id == own);
            held.and_then(Held::authority)
                .ok_or(Error::Unauthenticated)?
        }
    };
    if !authority.gives(new.role) {
        return Err(Error::RoleNotGiven);
    }
    check_sites(connection, &authority, new.role, &new.sites).await?;
    let id = people::insert(connection, new, password, now).await?;
    let mut details = Map::new();
    details.insert("role".to_owned(), json!(new.role));
    details.insert("sites".to_owned(), json!(new.sites.ids()));
    record(connection, manager, "moderator.created", id, details, now).await?;
    let link = match password {
        Some(_) => None,
        None => Some(link(connection, id, now).await?),
    };
    let moderator = people::find(connection, id, now).await?;
    let moderator = moderator.ok_or(Error::ModeratorNotFound)?;
    Ok(AddedModerator { moderator, link })
}

/// Changes an account; for a transaction. What is so already is neither written nor recorded.
pub(super) async fn change(
    connection: &mut PgConnection,
    manager: Manager,
    id: ModeratorId,
    wanted: &ModeratorChange,
    now: OffsetDateTime,
) -> Result<Moderator, Error> {
    let held = hold(connection, manager, id).await?;
    let next = changed(&held.target, wanted, now);
    if !held.authority.gives(next.role) {
        return Err(Error::RoleNotGiven);
    }
    if wanted.sites.is_some() || next.role != held.target.role {
        check_sites(connection, &held.authority, next.role, &next.sites).await?;
    }
    held.keeps_an_owner(Some(&next))?;
    let details = differences(&held.target, &next);
    let access = (held.target.disabled_at.is_some() != next.disabled_at.is_some()).then_some(
        next.disabled_at
            .map_or(Access::Enabled, |_| Access::Disabled),
    );
    if !details.is_empty() || access.is_some() {
        people::update(connection, &next).await?;
    }
    if !details.is_empty() {
        record(connection, manager, "moderator.changed", id, details, now).await?;
    }
    if let Some(access) = access {
        // When it is enabled again, too: whatever was being made while it was disabled must not come to life.
        people::end_access(connection, id).await?;
        let act = match access {
            Access::Enabled => "moderator.enabled",
            Access::Disabled => "moderator.disabled",
        };
        record(connection, manager, act, id, Map::new(), now).await?;
    }
    let found = people::find(connection, id, now).await?;
    found.ok_or(Error::ModeratorNotFound)
}

fn changed(held: &Held, wanted: &ModeratorChange, now: OffsetDateTime) -> Held {
    let mut next = held.clone();
    if let Some(name) = &wanted.name {
        name.as_str().clone_into(&mut next.name);
    }
    if let Some(role) = wanted.role {
        next.role = role;
    }
    if let Some(sites) = &wanted.sites {
        next.sites = sites.clone();
    }
    match wanted.access {
        Some(Access::Enabled) => next.disabled_at = None,
        Some(Access::Disabled) => next.disabled_at = next.disabled_at.or(Some(now)),
        None => {}
    }
    next
}

/// What differs, for the log: roles and sites before and after, of a name only that it changed.
fn differences(before: &Held, after: &Held) -> Map<String, Value> {
    let mut details = Map::new();
    let mut fields = Vec::new();
    if before.name != after.name {
        fields.push("name");
    }
    if before.role != after.role {
        fields.push("role");
        let roles = json!({"from": before.role, "to": after.role});
        details.insert("role".to_owned(), roles);
    }
    if before.sites != after.sites {
        fields.push("sites");
        let sites = json!({"from": before.sites.ids(), "to": after.sites.ids()});
        details.insert("sites".to_owned(), sites);
    }
    if !fields.is_empty() {
        details.insert("fields".to_owned(), json!(fields));
    }
    details
}

/// Whether somebody of this role can be given these sites, and by this authority. One statement at most.
async fn check_sites(
    connection: &mut PgConnection,
    authority: &Authority,
    role: Role,
    sites: &SiteScope,
) -> Result<(), Error> {
    let unfit = |code, message| Err(Error::UnfitSites(Complaint::new(code, message)));
    let Some(named) = sites.ids() else {
        return match authority.sites() {
            SiteScope::All => Ok(()),
            SiteScope::Only(_) => unfit(ComplaintCode::Required, "must name sites of your own"),
        };
    };
    if role == Role::Owner {
        return unfit(
            ComplaintCode::InvalidValue,
            "must be null: an owner sees all sites",
        );
    }
    if !sites.is_within(authority.sites())
        || people::count_sites(connection, named).await? < named.len()
    {
        return unfit(
            ComplaintCode::UnknownSite,
            "must name sites that there are and that you may see",
        );
    }
    Ok(())
}

/// Makes a set-up link. One statement.
pub(super) async fn link(
    connection: &mut PgConnection,
    id: ModeratorId,
    now: OffsetDateTime,
) -> Result<SetupLink, Error> {
    let token = SetupToken::generate();
    let expires_at = now.saturating_add(SETUP_LINK_AGE_MAX);
    credentials::replace_setup_link(connection, id, token.hash(), now, expires_at).await?;
    Ok(SetupLink { token, expires_at })
}

/// Records an act on an account. One statement.
pub(super) async fn record(
    connection: &mut PgConnection,
    manager: Manager,
    name: &'static str,
    id: ModeratorId,
    details: Map<String, Value>,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let act = Act {
        by: match manager {
            Manager::Moderator(id) => AuditActor::Moderator(id),
            Manager::Operator => AuditActor::Operator,
        },
        name,
        subject: Subject {
            kind: "moderator",
            id: Some(*id.as_uuid()),
            site: None,
        },
        details,
    };
    audit::service::record(connection, &act, now).await?;
    Ok(())
}
