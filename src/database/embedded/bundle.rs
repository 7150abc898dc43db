//! The server programs packed into our binary, for machines that have none. The only file, with `build.rs`, that knows
//! where they come from and what they need; must not know clusters.

use std::path::{Path, PathBuf};

use super::account::Account;
use super::error::Error;
use super::programs::Programs;

/// The major version of the bundled programs; none where the binary was built without.
pub(super) const MAJOR: Option<u32> = if cfg!(bundled_postgres) {
    Some(18)
} else {
    None
};

#[cfg(not(bundled_postgres))]
pub(super) fn unpack(_data_dir: &Path, _account: &Account) -> Result<Programs, Error> {
    Err(Error::Bundle("this binary was built without it".to_owned()))
}

#[cfg(not(bundled_postgres))]
pub(super) fn unpack_aside(_account: &Account) -> Result<Aside, Error> {
    Err(Error::Bundle("this binary was built without it".to_owned()))
}

#[cfg(bundled_postgres)]
pub(super) use packed::{unpack, unpack_aside};

/// Whether the path means the same to a shell: `initdb` calls `postgres` through one, its path in double quotes.
pub(super) fn is_plain(path: &Path) -> bool {
    let special = b"\"\\$`!\n";
    !path
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .any(|byte| special.contains(byte))
}

/// Programs unpacked for a moment; dropping them removes them.
pub(super) struct Aside {
    pub(super) programs: Programs,
    directory: PathBuf,
}

impl Drop for Aside {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

#[cfg(bundled_postgres)]
mod packed {
    use std::ffi::OsString;
    use std::fs::{self, File, OpenOptions, Permissions};
    use std::io::{self, Read, Write};
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    use std::path::{Component, Path, PathBuf};

    use flate2::read::GzDecoder;

    use super::super::programs::ask_with;
    use super::super::sha256_hex;
    use super::{Account, Aside, Error, MAJOR, Programs};

    /// Files one after the other, compressed; the form is told in `build.rs`.
    const ARCHIVE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/postgres.bundle"));
    /// Its SHA-256, which also names the directory it is unpacked to.
    const ARCHIVE_SHA256: &str = env!("BUNDLED_POSTGRES_SHA256");
    const PATH_BYTES_MAX: u32 = 4096;

    /// Unpacks the programs into the data directory, unless they are there; afterwards they have run here once.
    pub(in super::super) fn unpack(data_dir: &Path, account: &Account) -> Result<Programs, Error> {
        let name: String = ARCHIVE_SHA256.chars().take(16).collect();
        let directory = data_dir.join(format!("postgres-{name}"));
        if !directory.exists() {
            remove_others(data_dir)
                .and_then(|()| unpack_whole(&directory))
                .map_err(|cause| Error::Bundle(cause.to_string()))?;
        }
        ask_with(&directory.join("bin"), account, environment(&directory)).map_err(|cause| {
            // Of no use here, and large.
            drop(fs::remove_dir_all(&directory));
            // The loader says so in one long line for each library.
            let is_old = cause.contains("GLIBC_");
            let cause = if is_old {
                "it needs glibc 2.38 or later".to_owned()
            } else {
                cause
            };
            Error::NoPrograms {
                tried: format!("the bundled one doesn't run here: {cause}"),
            }
        })
    }

    /// Unpacks them under a plain name in the system's temporary directory, where nobody else can have been first.
    pub(in super::super) fn unpack_aside(account: &Account) -> Result<Aside, Error> {
        let name = format!("rejoinder-initdb-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        account
            .make_private(&directory)
            .map_err(|cause| Error::Bundle(cause.to_string()))?;
        // From here on it is removed, whatever happens.
        let bin = directory.join("postgres/bin");
        let environment = environment(&directory.join("postgres"));
        let major = MAJOR.unwrap_or_default();
        let aside = Aside {
            programs: Programs {
                bin,
                major,
                environment,
            },
            directory,
        };
        unpack_whole(&aside.directory.join("postgres"))
            .map_err(|cause| Error::Bundle(cause.to_string()))?;
        Ok(aside)
    }

    /// The library path that is built in is that of the machine it was built on, and its `initdb` looks for ICU data that aren't bundled.
    fn environment(directory: &Path) -> Vec<(OsString, OsString)> {
        vec![
            ("LD_LIBRARY_PATH".into(), directory.join("lib").into()),
            ("OLIPHAUNT_INTERNAL_SKIP_ICU_DISCOVERY".into(), "1".into()),
        ]
    }

    fn unpack_whole(directory: &Path) -> io::Result<()> {
        if sha256_hex(ARCHIVE) != ARCHIVE_SHA256 {
            return Err(io::Error::other(
                "its checksum is wrong, so this binary is damaged",
            ));
        }
        let unfinished = directory.with_extension("new");
        make_directory(&unfinished)?;
        let mut archive = GzDecoder::new(ARCHIVE);
        while unpack_file(&mut archive, &unfinished)? {}
        // All at once: one by one, some seven hundred files take seconds.
        rustix::fs::syncfs(File::open(&unfinished)?)?;
        fs::rename(&unfinished, directory)?;
        directory
            .parent()
            .map_or(Ok(()), |parent| File::open(parent)?.sync_all())
    }

    /// Unpacks the next file; says whether there was one.
    fn unpack_file(archive: &mut impl Read, into: &Path) -> io::Result<bool> {
        let mut head = [0; 4];
        match archive.read_exact(&mut head) {
            Err(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            other => other?,
        }
        let length = u32::from_le_bytes(head);
        let mut name = String::new();
        archive
            .take(u64::from(length.min(PATH_BYTES_MAX)))
            .read_to_string(&mut name)?;
        let mut about = [0; 9];
        archive.read_exact(&mut about)?;
        let [executable, size @ ..] = about;
        let size = u64::from_le_bytes(size);
        let path = safe_join(into, &name)?;
        if let Some(parent) = path.parent() {
            make_directories(into, parent)?;
        }
        let mode = if executable == 1 { 0o755 } else { 0o644 };
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&path)?;
        if io::copy(&mut archive.take(size), &mut file)? != size {
            return Err(io::Error::other("it ends too early"));
        }
        file.flush()?;
        file.set_permissions(Permissions::from_mode(mode))?;
        Ok(true)
    }

    fn safe_join(into: &Path, name: &str) -> io::Result<PathBuf> {
        let relative = Path::new(name);
        if relative
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
        {
            Ok(into.join(relative))
        } else {
            Err(io::Error::other("it holds a path that leads out of it"))
        }
    }

    fn make_directories(root: &Path, directory: &Path) -> io::Result<()> {
        if directory.exists() || directory == root {
            return Ok(());
        }
        if let Some(parent) = directory.parent() {
            make_directories(root, parent)?;
        }
        make_directory(directory)
    }

    /// The server's user, who may be another than we, reads these.
    fn make_directory(directory: &Path) -> io::Result<()> {
        fs::create_dir(directory)?;
        fs::set_permissions(directory, Permissions::from_mode(0o755))
    }

    /// Earlier bundles, and what an interrupted unpacking left.
    fn remove_others(data_dir: &Path) -> io::Result<()> {
        for entry in fs::read_dir(data_dir)? {
            let entry = entry?;
            if entry
                .file_name()
                .as_encoded_bytes()
                .starts_with(b"postgres-")
            {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_a_shell_would_read_otherwise_is_not_plain() {
        for path in ["/srv/two words", "/it's/a,b", "/ü"] {
            assert!(is_plain(Path::new(path)), "{path}");
        }
        for path in ["/\"quoted\"", "/$HOME", "/back\\slash", "/`id`"] {
            assert!(!is_plain(Path::new(path)), "{path}");
        }
    }
}
