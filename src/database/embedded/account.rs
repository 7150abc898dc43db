//! As whom the server runs, and where: Postgres refuses root, so root needs another user who can get to the files.
//! Must not know how the server is started.

use std::fs::{self, Metadata};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::Error;
use super::{cluster, sha256_hex};

/// Where root keeps the data when nobody but root can enter the wanted place.
const INSTEAD: &str = "/var/lib/rejoinder";

/// The user of the system as whom the server runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Account {
    /// Our own.
    Own,
    /// We are root: somebody else's.
    Other { uid: u32, gid: u32, name: String },
}

impl Account {
    /// Makes the command run as this user.
    pub(super) fn apply<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        if let Self::Other { uid, gid, .. } = self {
            command.uid(*uid).gid(*gid);
        }
        command
    }

    /// Makes a directory that only this user can enter.
    pub(super) fn make_private(&self, path: &Path) -> std::io::Result<()> {
        fs::DirBuilder::new().mode(0o700).create(path)?;
        // The mode above went through the umask, which may have been stricter.
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
        self.give(path)
    }

    /// The uid of the server's files.
    pub(super) fn uid(&self) -> u32 {
        match self {
            Self::Own => rustix::process::geteuid().as_raw(),
            Self::Other { uid, .. } => *uid,
        }
    }

    fn give(&self, path: &Path) -> std::io::Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Other { uid, gid, .. } => lchown(path, Some(*uid), Some(*gid)),
        }
    }

    /// Hands over a cluster that root copied here (a restored backup, say).
    pub(super) fn give_tree(&self, path: &Path) -> std::io::Result<()> {
        if fs::symlink_metadata(path)?.is_dir() {
            for entry in fs::read_dir(path)? {
                self.give_tree(&entry?.path())?;
            }
        }
        self.give(path)
    }

    fn can_enter(&self, directory: &Metadata) -> bool {
        let Self::Other { uid, gid, .. } = self else {
            return true;
        };
        let bit = if directory.uid() == *uid {
            0o100
        } else if directory.gid() == *gid {
            0o010
        } else {
            0o001
        };
        directory.mode() & bit != 0
    }

    /// The first directory above the path, or the path itself, that this user can't enter.
    fn find_blocked(&self, path: &Path) -> Option<PathBuf> {
        let mut above: Vec<&Path> = path.ancestors().collect();
        above.reverse();
        above
            .into_iter()
            .find(|at| fs::metadata(at).is_ok_and(|metadata| !self.can_enter(&metadata)))
            .map(Path::to_owned)
    }
}

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
                user: describe(&account),
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

/// The owner of the cluster; else the user that Postgres has by custom; else nobody.
fn account_for(cluster: &Path) -> Account {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let owner = fs::metadata(cluster)
        .ok()
        .filter(|metadata| metadata.uid() != 0);
    if let Some(owner) = owner {
        let (uid, gid) = (owner.uid(), owner.gid());
        return Account::Other {
            uid,
            gid,
            name: name_of(&users, uid).unwrap_or_default(),
        };
    }
    ["postgres", "_postgres", "nobody"]
        .into_iter()
        .find_map(|name| ids_of(&users, name).map(|(uid, gid)| (name, uid, gid)))
        .map_or(
            Account::Other {
                uid: 65534,
                gid: 65534,
                name: "nobody".to_owned(),
            },
            |(name, uid, gid)| Account::Other {
                uid,
                gid,
                name: name.to_owned(),
            },
        )
}

/// uid and gid of a user in the text of `/etc/passwd`.
fn ids_of(users: &str, name: &str) -> Option<(u32, u32)> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        let uid = fields.nth(1)?.parse::<i64>().ok()?;
        let gid = fields.next()?.parse::<i64>().ok()?;
        // macOS writes nobody as -2.
        let id = |id: i64| u32::try_from(id.rem_euclid(1 << 32)).ok();
        Some((id(uid)?, id(gid)?)).filter(|(uid, _)| *uid != 0)
    })
}

fn name_of(users: &str, uid: u32) -> Option<String> {
    let names = users.lines().filter_map(|line| line.split(':').next());
    names
        .into_iter()
        .find(|name| ids_of(users, name).is_some_and(|ids| ids.0 == uid))
        .map(ToOwned::to_owned)
}

fn describe(account: &Account) -> String {
    match account {
        Account::Own => "this user".to_owned(),
        Account::Other { uid, name, .. } if name.is_empty() => format!("the user with uid {uid}"),
        Account::Other { name, .. } => format!("the user {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_in_the_list_of_users() {
        let users = "root:x:0:0::/root:/bin/sh\npostgres:x:101:104:,,,:/var/lib/postgresql:/bin/bash\nnobody:*:-2:-2:x:/:/bin/false\n";
        assert_eq!(ids_of(users, "postgres"), Some((101, 104)));
        assert_eq!(
            ids_of(users, "nobody"),
            Some((4_294_967_294, 4_294_967_294))
        );
        assert_eq!(ids_of(users, "root"), None, "the server refuses root");
        assert_eq!(ids_of(users, "post"), None);
        assert_eq!(name_of(users, 101).as_deref(), Some("postgres"));
    }
}
