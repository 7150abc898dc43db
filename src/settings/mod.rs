//! What an operator can set: flags over environment over a TOML file, one group a file. Anything unknown or malformed
//! stops the start, all mistakes named at once, never with a value. Must not know what settings are used for.

use std::path::PathBuf;

pub mod accounts;
pub mod catalogue;
pub mod database;
mod file;
pub mod http;
mod layers;
pub mod logs;
mod mistake;
mod nearest;
mod setting;
mod site_origin;
pub mod sites;
mod source;
mod switch;
pub mod traces;

pub use accounts::AccountSettings;
pub use database::DatabaseSettings;
pub use http::{HttpSettings, RateLimit};
pub use layers::LIST_ENTRIES_MAX;
use layers::Layers;
pub use logs::{Colour, LogFormat, LogSettings};
pub use mistake::{Mistake, Place};
pub use setting::{Setting, Shape, Visibility};
pub use sites::{Demo, SiteSettings};
pub use source::{Flags, ReadFile, Sources};
pub use traces::TraceSettings;

/// All that is set. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which Postgres.
    pub database: DatabaseSettings,
    /// The HTTP side.
    pub http: HttpSettings,
    /// The first site.
    pub sites: SiteSettings,
    /// The first owner, and the server's secret.
    pub accounts: AccountSettings,
    /// The log.
    pub logs: LogSettings,
    /// Traces.
    pub traces: TraceSettings,
}

impl Settings {
    /// Takes each setting from the uppermost source that has it; else every mistake there is, in all of them.
    pub fn gather(sources: Sources) -> Result<Self, Vec<Mistake>> {
        let mut layers = Layers::new(sources, &catalogue::CONFIG);
        layers.note_unknown(&catalogue::ALL);

        let database = DatabaseSettings::gather(&mut layers);
        let http = HttpSettings::gather(&mut layers);
        let sites = SiteSettings::gather(&mut layers);
        let accounts = AccountSettings::gather(&mut layers);
        let logs = LogSettings::gather(&mut layers);
        let traces = TraceSettings::gather(&mut layers);

        match (database, http, accounts, logs, traces) {
            (Some(database), Some(http), Some(accounts), Some(logs), Some(traces))
                if layers.mistakes.is_empty() =>
            {
                Ok(Self {
                    database,
                    http,
                    sites,
                    accounts,
                    logs,
                    traces,
                })
            }
            _ => Err(layers.mistakes),
        }
    }

    /// Whether the database is the one we run ourselves.
    pub fn has_embedded_database(&self) -> bool {
        self.database.url.is_none()
    }

    /// Whether the demo article is served.
    pub fn has_demo(&self) -> bool {
        match self.sites.demo {
            Demo::On => true,
            Demo::Off => false,
            Demo::WithEmbeddedDatabase => self.has_embedded_database(),
        }
    }

    /// The directory for what is kept outside the database.
    pub fn data_dir(&self) -> &PathBuf {
        &self.database.data_dir
    }
}

#[cfg(test)]
mod tests;
