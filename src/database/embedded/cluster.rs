//! The cluster: Postgres' own files, made whole or not at all. Must not know how the server runs.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::error::Error;
use super::place::Place;
use super::process::{clean_environment, poll_until};
use super::programs::Programs;
use super::{Durability, USER};

/// Where the cluster of a data directory is.
pub(super) fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("pgdata")
}

/// The major version that made the cluster; none when there is no cluster yet.
pub(super) fn find_version(data_dir: &Path) -> Result<Option<String>, Error> {
    let cluster = path(data_dir);
    let metadata = match fs::metadata(&cluster) {
        Ok(metadata) => metadata,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        Err(cause) => {
            return Err(Error::NotWritable {
                path: data_dir.to_owned(),
                cause,
            });
        }
    };
    let user = rustix::process::geteuid();
    if !user.is_root() && user.as_raw() != metadata.uid() {
        return Err(Error::ForeignCluster {
            path: data_dir.to_owned(),
            owner: metadata.uid(),
        });
    }
    match fs::read_to_string(cluster.join("PG_VERSION")) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            let is_empty = fs::read_dir(&cluster).is_ok_and(|mut entries| entries.next().is_none());
            if is_empty {
                Ok(None)
            } else {
                Err(Error::NotACluster { path: cluster })
            }
        }
        Err(cause) => Err(Error::Io {
            doing: "reading",
            path: cluster,
            cause,
        }),
    }
}

/// Makes the cluster beside its place and moves it there when it is whole: what a killed `initdb` leaves is never used.
pub(super) fn create(
    place: &Place,
    programs: &Programs,
    durability: Durability,
) -> Result<(), Error> {
    remove_unfinished(&place.data_dir)?;
    // The pid keeps us out of the way of an `initdb` that outlived its parent and may still be writing.
    let unfinished = place
        .data_dir
        .join(format!("pgdata.new.{}", std::process::id()));
    // Not every system has C.UTF-8, but all have C.
    let mut outcome = Ok(());
    for locale in ["C.UTF-8", "C"] {
        place
            .account
            .make_private(&unfinished)
            .map_err(Error::io("making", &unfinished))?;
        outcome = initdb(place, programs, &unfinished, locale, durability);
        if outcome.is_ok() {
            break;
        }
        fs::remove_dir_all(&unfinished).map_err(Error::io("removing", &unfinished))?;
    }
    outcome?;
    let cluster = path(&place.data_dir);
    fs::rename(&unfinished, &cluster).map_err(Error::io("renaming", &unfinished))?;
    File::open(&place.data_dir)
        .and_then(|directory| directory.sync_all())
        .map_err(Error::io("syncing", &place.data_dir))
}

/// Gives the files of the cluster to the server's user, where root put them there.
pub(super) fn hand_over(place: &Place) -> Result<(), Error> {
    let cluster = path(&place.data_dir);
    let owner = fs::metadata(&cluster)
        .map_err(Error::io("reading", &cluster))?
        .uid();
    if owner == place.account.uid() {
        return Ok(());
    }
    place
        .account
        .give_tree(&cluster)
        .map_err(Error::io("changing the owner of", &cluster))
}

fn initdb(
    place: &Place,
    programs: &Programs,
    into: &Path,
    locale: &str,
    durability: Durability,
) -> Result<(), Error> {
    let mut command = Command::new(programs.bin.join("initdb"));
    clean_environment(&mut command).envs(programs.environment.iter().cloned());
    command
        .arg("-D")
        .arg(into)
        .args(["-U", USER, "-A", "trust", "-E", "UTF8"]);
    command
        .args(["--data-checksums", "--no-instructions"])
        .arg(format!("--locale={locale}"));
    if durability == Durability::ForTests {
        command.arg("--no-sync");
    }
    place
        .account
        .apply(&mut command)
        .current_dir("/")
        .stdin(std::process::Stdio::null());
    let output = command
        .output()
        .map_err(Error::io("running", &programs.bin.join("initdb")))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(Error::Initdb {
        path: place.data_dir.clone(),
        output: reason_in(&text),
    })
}

fn remove_unfinished(data_dir: &Path) -> Result<(), Error> {
    let entries = fs::read_dir(data_dir).map_err(Error::io("reading", data_dir))?;
    for entry in entries {
        let entry = entry.map_err(Error::io("reading", data_dir))?;
        if !entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(b"pgdata.new")
        {
            continue;
        }
        // Somebody may still be writing into it; without its directory that one soon fails.
        let mut outcome = Ok(());
        let removed = poll_until(Duration::from_secs(5), || {
            outcome = fs::remove_dir_all(entry.path());
            outcome.is_ok() || !entry.path().exists()
        });
        if !removed {
            outcome.map_err(Error::io("removing", &entry.path()))?;
        }
    }
    Ok(())
}

/// Why a program failed: its own line about that where there is one, else the last it said.
fn reason_in(text: &str) -> String {
    const SIGNS: [&str; 4] = ["PANIC: ", "FATAL: ", "ERROR: ", "error: "];
    let line = text
        .lines()
        .find(|line| SIGNS.iter().any(|sign| line.contains(sign)));
    line.map_or_else(|| one_line(text, 4), |line| line.trim().to_owned())
}

/// The last lines of a program's output as one.
pub(super) fn one_line(text: &str, lines_max: usize) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let from = lines.len().saturating_sub(lines_max);
    lines.into_iter().skip(from).collect::<Vec<_>>().join(" / ")
}
