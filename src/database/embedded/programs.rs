//! Which server programs run the cluster: the operator's, installed ones, or the bundled. Must not know the cluster's place.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::account::Account;
use super::bundle;
use super::error::Error;
use super::process::clean_environment;

/// The oldest version whose SQL we speak.
pub(super) const MAJOR_MIN: u32 = 15;

/// Where packages put them: the directory, and what is in it for each version.
const USUAL: [(&str, &str); 8] = [
    ("/usr/lib/postgresql", "bin"),
    ("/usr/libexec", ""),
    ("/usr", "bin"),
    ("/usr/local", "bin"),
    ("/opt/homebrew/opt", "bin"),
    ("/usr/local/opt", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "bin"),
];

/// A directory of programs that run here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Programs {
    pub(super) bin: PathBuf,
    pub(super) major: u32,
    /// What they need in their environment besides.
    pub(super) environment: Vec<(OsString, OsString)>,
}

/// What the search came to.
#[derive(Debug)]
pub(super) enum Found {
    Installed(Programs),
    /// None is installed; the ones in our binary may do, once unpacked.
    Bundled,
}

/// Looks for programs for a cluster of this version (none: any). Touches nothing.
pub(super) fn find(
    named: Option<&Path>,
    cluster: Option<&str>,
    data_dir: &Path,
    account: &Account,
) -> Result<Found, Error> {
    if let Some(bin) = named {
        let programs = ask(bin, account).map_err(|cause| Error::UnusablePrograms {
            path: bin.to_owned(),
            cause,
        })?;
        return match cluster {
            Some(version) if !fits(&programs, cluster) => {
                Err(wrong_major(data_dir, version, &[programs.major]))
            }
            _ if programs.major < MAJOR_MIN => Err(Error::UnusablePrograms {
                path: bin.to_owned(),
                cause: format!(
                    "they are version {}, at least {MAJOR_MIN} is needed",
                    programs.major
                ),
            }),
            _ => Ok(Found::Installed(programs)),
        };
    }
    let mut majors = Vec::new();
    for bin in candidates() {
        let Ok(programs) = ask(&bin, account) else {
            continue;
        };
        if fits(&programs, cluster) {
            return Ok(Found::Installed(programs));
        }
        majors.push(programs.major);
    }
    if bundle::MAJOR.is_some_and(|major| cluster.is_none_or(|version| version == major.to_string()))
    {
        return Ok(Found::Bundled);
    }
    majors.extend(bundle::MAJOR);
    match cluster {
        Some(version) if !majors.is_empty() => Err(wrong_major(data_dir, version, &majors)),
        _ => Err(Error::NoPrograms {
            tried: tried(&majors),
        }),
    }
}

/// The programs in this directory, when they run.
pub(super) fn ask(bin: &Path, account: &Account) -> Result<Programs, String> {
    ask_with(bin, account, Vec::new())
}

/// The same for programs that need something in their environment.
pub(super) fn ask_with(
    bin: &Path,
    account: &Account,
    environment: Vec<(OsString, OsString)>,
) -> Result<Programs, String> {
    if !bin.join("initdb").is_file() {
        return Err("initdb is missing".to_owned());
    }
    let mut command = Command::new(bin.join("postgres"));
    clean_environment(&mut command).envs(environment.iter().cloned());
    account
        .apply(&mut command)
        .arg("--version")
        .current_dir("/")
        .stdin(Stdio::null());
    let output = command
        .output()
        .map_err(|cause| format!("postgres doesn't run: {cause}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let major = output
        .status
        .success()
        .then(|| major_in(&text))
        .flatten()
        .ok_or_else(|| {
            let why = super::cluster::one_line(&String::from_utf8_lossy(&output.stderr), 2);
            format!("postgres --version says {why:?}")
        })?;
    Ok(Programs {
        bin: bin.to_owned(),
        major,
        environment,
    })
}

fn fits(programs: &Programs, cluster: Option<&str>) -> bool {
    programs.major >= MAJOR_MIN
        && cluster.is_none_or(|version| version == programs.major.to_string())
}

fn wrong_major(data_dir: &Path, cluster: &str, majors: &[u32]) -> Error {
    let mut majors = majors.to_vec();
    majors.sort_unstable();
    majors.dedup();
    let found: Vec<String> = majors.iter().map(u32::to_string).collect();
    Error::WrongMajor {
        path: data_dir.to_owned(),
        // Whatever stands there, it is shown on one line.
        cluster: cluster
            .chars()
            .take(20)
            .flat_map(char::escape_default)
            .collect(),
        found: format!("PostgreSQL {}", found.join(", ")),
    }
}

fn tried(majors: &[u32]) -> String {
    match majors.iter().max() {
        Some(major) => format!("the newest one is {major}"),
        None => "looked in PATH, pg_config and the usual directories".to_owned(),
    }
}

/// `postgres (PostgreSQL) 15.13 (Debian …)`
fn major_in(text: &str) -> Option<u32> {
    let number = text.split_once("(PostgreSQL) ")?.1;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Every directory that may hold the programs, the operator's own choice (PATH) first, then the newest.
fn candidates() -> Vec<PathBuf> {
    let search = search_path();
    let mut found: Vec<PathBuf> = search
        .iter()
        // Packages link single programs into PATH: the others are beside the real file.
        .filter_map(|directory| directory.join("postgres").canonicalize().ok())
        .filter_map(|program| program.parent().map(Path::to_owned))
        .collect();
    found.extend(pg_config(&search));
    let mut usual: Vec<(u32, PathBuf)> = USUAL
        .iter()
        .flat_map(|(above, below)| {
            let entries = fs::read_dir(above).into_iter().flatten().flatten();
            entries.filter_map(move |entry| {
                Some((version_in(&entry.file_name())?, entry.path().join(below)))
            })
        })
        .collect();
    usual.sort_by(|a, b| b.cmp(a));
    found.extend(usual.into_iter().map(|(_, bin)| bin));
    found.push(PathBuf::from("/usr/local/pgsql/bin"));
    let mut seen = std::collections::HashSet::new();
    found.retain(|bin| bin.join("postgres").exists() && seen.insert(bin.clone()));
    found
}

/// The version in a directory's name: `17`, `postgresql@17`, `postgresql17`, `pgsql-17`.
fn version_in(name: &OsStr) -> Option<u32> {
    let name = name.to_str()?;
    let digits = name
        .strip_prefix("postgresql")
        .or_else(|| name.strip_prefix("pgsql"))
        .unwrap_or(name)
        .trim_start_matches(['@', '-']);
    digits.parse().ok()
}

fn pg_config(search: &[PathBuf]) -> Option<PathBuf> {
    let program = search
        .iter()
        .map(|directory| directory.join("pg_config"))
        .find(|at| at.is_file())?;
    let output = clean_environment(&mut Command::new(program))
        .arg("--bindir")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(text.trim())).filter(|path| path.is_absolute())
}

#[expect(
    clippy::disallowed_methods,
    reason = "PATH is the system's, no setting of ours"
)]
fn search_path() -> Vec<PathBuf> {
    std::env::var_os("PATH")
        .map(|path| {
            std::env::split_paths(&path)
                .filter(|at| at.is_absolute())
                .collect()
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_as_packages_write_it() {
        assert_eq!(
            major_in("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major_in("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major_in("postgres 15\n"), None);
        for name in ["17", "postgresql@17", "postgresql17", "pgsql-17"] {
            assert_eq!(version_in(OsStr::new(name)), Some(17), "{name}");
        }
        assert_eq!(version_in(OsStr::new("bin")), None);
    }
}
