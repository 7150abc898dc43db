//! Settings of the store: which Postgres, or where the embedded one lives. Must not connect to anything.

use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use super::{
    layers::{Layers, Problem},
    setting::{Setting, Shape, Visibility},
};

/// `DATABASE_URL`
pub static URL: Setting = Setting {
    variable: "DATABASE_URL",
    key: Some("database_url"),
    flag: None,
    placeholder: "URL",
    shape: Shape::Text,
    default: None,
    bound: "an address such as postgres://user:password@host:5432/database",
    help: "Postgres to use, version 15 or later; none: an embedded one in the data directory",
    visibility: Visibility::Secret,
};

/// `REJOINDER_DATA_DIR`
pub static DATA_DIR: Setting = Setting {
    variable: "REJOINDER_DATA_DIR",
    key: Some("data_dir"),
    flag: Some("data-dir"),
    placeholder: "DIRECTORY",
    shape: Shape::Text,
    default: Some("./data"),
    bound: "the path of a directory",
    help: "Where the embedded database and generated passwords are kept",
    visibility: Visibility::Open,
};

/// `REJOINDER_POSTGRES_BIN`
pub static POSTGRES_BIN: Setting = Setting {
    variable: "REJOINDER_POSTGRES_BIN",
    key: Some("postgres_bin"),
    flag: Some("postgres-bin"),
    placeholder: "DIRECTORY",
    shape: Shape::Text,
    default: None,
    bound: "the directory that holds the programs initdb and postgres",
    help: "Server programs for the embedded database; none: those of this machine, else the bundled ones",
    visibility: Visibility::Open,
};

/// Which Postgres.
#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    /// The server to use; none: the embedded default.
    pub url: Option<SecretString>,
    /// Where the embedded default lives.
    pub data_dir: PathBuf,
    /// Its programs; none: looked for.
    pub postgres_bin: Option<PathBuf>,
}

impl DatabaseSettings {
    pub(super) fn gather(layers: &mut Layers) -> Option<Self> {
        let url = layers.secret(&URL, check_url);
        let data_dir = layers.value(&DATA_DIR, parse_path);
        let postgres_bin = layers.value(&POSTGRES_BIN, parse_path);
        Some(Self {
            url,
            data_dir: data_dir?,
            postgres_bin,
        })
    }
}

fn check_url(text: &str) -> Result<(), Problem> {
    // The parser's error says nothing of the text, which holds a password.
    let url = Url::parse(text).map_err(|error| format!("is not a URL ({error})"))?;
    match url.scheme() {
        "postgres" | "postgresql" => Ok(()),
        _ => Err("is not the URL of a Postgres database".into()),
    }
}

fn parse_path(text: &str) -> Result<PathBuf, Problem> {
    match text {
        "" => Err("is empty".into()),
        text if text.contains('\0') => Err("holds a NUL character".into()),
        text => Ok(PathBuf::from(text)),
    }
}
