//! As whom the server runs: Postgres refuses root, so root needs another user, who can get to the files.
//! Must not know where the data are.

use std::fs::{self, Metadata};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

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

    /// In a sentence.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Own => "this user".to_owned(),
            Self::Other { uid, name, .. } if name.is_empty() => format!("the user with uid {uid}"),
            Self::Other { name, .. } => format!("the user {name}"),
        }
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
    pub(super) fn find_blocked(&self, path: &Path) -> Option<PathBuf> {
        let mut above: Vec<&Path> = path.ancestors().collect();
        above.reverse();
        above
            .into_iter()
            .find(|at| fs::metadata(at).is_ok_and(|metadata| !self.can_enter(&metadata)))
            .map(Path::to_owned)
    }
}

/// The owner of the cluster; else the user that Postgres has by custom; else nobody.
pub(super) fn account_for(cluster: &Path) -> Account {
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
