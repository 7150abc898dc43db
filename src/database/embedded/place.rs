//! Where the data are: the wanted directory, or for root another one that the server's user can enter.
//! Must not know what is kept there, nor how the server is started.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::account::{Account, account_for};
use super::error::Error;
use super::{cluster, sha256_hex};

/// Where root keeps the data when nobody but root can enter the wanted place.
const INSTEAD: &str = "/var/lib/rejoinder";

/// Where the data really are, and as whom the server runs.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) data_dir: PathBuf,
    pub(super) account: Account,
}

impl Place {
    /// Decides, and touches nothing.
    pub(super) fn choose(wanted: &Path) -> Result<Self, Error> {
        let wanted = resolve(wanted)?;
        if !rustix::process::geteuid().is_root() {
            return Ok(Self {
                data_dir: wanted,
                account: Account::Own,
            });
        }
        let instead = instead_of(&wanted);
        if !cluster::path(&wanted).exists() && cluster::path(&instead).exists() {
            // Also when the wanted place has become usable since: the data must not seem to have gone.
            return Self::of_root(instead);
        }
        let is_there = cluster::path(&wanted).exists();
        match Self::of_root(wanted) {
            // A cluster that is there but out of reach must not seem to have gone.
            Err(Error::CannotEnter { ancestor, user }) if !is_there => {
                let place = Self::of_root(instead)?;
                tracing::warn!(
                    "the database can't run as root, and {user} can't enter {}: the data are in {} instead",
                    ancestor.display(),
                    place.data_dir.display()
                );
                Ok(place)
            }
            other => other,
        }
    }

    fn of_root(data_dir: PathBuf) -> Result<Self, Error> {
        let account = account_for(&cluster::path(&data_dir));
        match account.find_blocked(&data_dir) {
            None => Ok(Self { data_dir, account }),
            Some(ancestor) => Err(Error::CannotEnter {
                ancestor,
                user: account.describe(),
            }),
        }
    }

    /// Makes the data directory where it doesn't exist; says whether it was made.
    pub(super) fn make(&self) -> Result<bool, Error> {
        let missing: Vec<&Path> = self
            .data_dir
            .ancestors()
            .take_while(|path| !path.exists())
            .collect();
        for path in missing.iter().rev() {
            let refused = |cause| Error::NotWritable {
                path: self.data_dir.clone(),
                cause,
            };
            fs::create_dir(path).map_err(refused)?;
            let mode = match self.account {
                // The server's user must get through; it needn't see what else is there.
                Account::Other { .. } => 0o711,
                Account::Own if *path == self.data_dir => 0o700,
                Account::Own => continue,
            };
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(refused)?;
        }
        Ok(!missing.is_empty())
    }
}

/// The directories in which data for this wanted path may be: itself, and what root takes instead.
pub(super) fn places_of(wanted: &Path) -> Result<[PathBuf; 2], Error> {
    let wanted = resolve(wanted)?;
    let instead = instead_of(&wanted);
    Ok([wanted, instead])
}

fn instead_of(wanted: &Path) -> PathBuf {
    Path::new(INSTEAD).join(short_hash(wanted))
}

/// A name for a path that is short and always the same.
pub(super) fn short_hash(path: &Path) -> String {
    let digest = sha256_hex(path.as_os_str().as_encoded_bytes());
    digest.chars().take(16).collect()
}

/// The absolute path without symbolic links, as far as it exists.
fn resolve(path: &Path) -> Result<PathBuf, Error> {
    let absolute = std::path::absolute(path).map_err(Error::io("resolving", path))?;
    let mut rest = Vec::new();
    for at in absolute.ancestors() {
        match at.canonicalize() {
            Ok(found) if !found.is_dir() => {
                let cause = std::io::ErrorKind::NotADirectory.into();
                return Err(Error::NotWritable {
                    path: path.to_owned(),
                    cause,
                });
            }
            Ok(found) => return Ok(rest.iter().rev().fold(found, |path, name| path.join(name))),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                rest.extend(at.file_name().map(ToOwned::to_owned));
            }
            Err(cause) => {
                return Err(Error::NotWritable {
                    path: path.to_owned(),
                    cause,
                });
            }
        }
    }
    Ok(absolute)
}
