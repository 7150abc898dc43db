//! What a person needs to know once the service runs. Must not start anything or print.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretString};

use crate::base::page_url::Origin;
use crate::settings::Settings;

/// The first owner, if this start made one.
#[derive(Debug, Clone)]
pub(super) struct FirstOwner {
    /// How they sign in.
    pub(super) email: String,
    /// With what.
    pub(super) password: FirstPassword,
}

/// Where the first owner's password is to be had.
#[derive(Debug, Clone)]
pub(super) enum FirstPassword {
    /// The operator gave it.
    AsSet,
    /// Made just now; shown this once, on a terminal only.
    Shown(SecretString),
    /// Made just now, and put into a file that only we can read.
    InFile(PathBuf),
}

/// Pages that are there or not, by their paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// What it is: `Desk`.
    pub(super) label: &'static str,
    /// Where it is: `/desk`.
    pub(super) path: &'static str,
}

/// The pages that this release has, in the order of interest.
pub(super) const PLACES: [Place; 2] = [
    Place {
        label: "API",
        path: "/docs/",
    },
    Place {
        label: "OpenAPI",
        path: "/api/v1/openapi.json",
    },
];

/// All that is told after the start.
#[derive(Debug, Clone)]
pub(super) struct Welcome {
    /// Where the service is reached from this machine, without a slash at the end.
    pub(super) address: String,
    /// Pages that this build has, in the order of interest.
    pub(super) places: Vec<Place>,
    /// Made by this start, if one was.
    pub(super) first_owner: Option<FirstOwner>,
    /// Where the data is, in words.
    pub(super) data: String,
    /// What must change before the world may come, each with what to do.
    pub(super) unsafe_yet: Vec<&'static str>,
}

impl Welcome {
    /// From what is set and what the start found out.
    pub(super) fn new(
        settings: &Settings,
        port: u16,
        places: Vec<Place>,
        first_owner: Option<FirstOwner>,
    ) -> Self {
        let address = settings.http.public_url.as_ref().map_or_else(
            || local_address(settings.http.listen, port),
            |public| public.as_str().to_owned(),
        );
        let data = if settings.has_embedded_database() {
            format!("embedded Postgres in {}", settings.data_dir().display())
        } else {
            "the Postgres of DATABASE_URL".to_owned()
        };
        let unsafe_yet = unsafe_yet(settings);
        Self {
            address,
            places,
            first_owner,
            data,
            unsafe_yet,
        }
    }

    /// The same with the directory really in use: as root it may be another than the one that was set.
    #[must_use]
    pub(super) fn with_data_dir(mut self, directory: Option<&Path>) -> Self {
        if let Some(directory) = directory {
            self.data = format!("embedded Postgres in {}", directory.display());
        }
        self
    }
}

/// A wildcard address can be listened on but not visited.
fn local_address(listen: SocketAddr, port: u16) -> String {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, port))
}

fn unsafe_yet(settings: &Settings) -> Vec<&'static str> {
    let origins = &settings.sites.origins;
    let public = settings.http.public_url.as_ref();
    let findings = [
        (
            public.is_none(),
            "no public address: set REJOINDER_PUBLIC_URL to how the world reaches this",
        ),
        (
            public.is_some_and(|public| !public.is_https() && !public.is_loopback()),
            "the public address is not encrypted: passwords cross the network readable; use https",
        ),
        (
            origins.iter().all(Origin::is_loopback),
            "only pages on this machine can have comments: set REJOINDER_SITE_ORIGINS",
        ),
        (
            settings.accounts.secret.is_none(),
            "the secret is kept in the database, and so in its backups: set REJOINDER_SECRET",
        ),
        (
            settings.has_embedded_database(),
            "the embedded database has no standby, and backups only where `rejoinder backup` makes them: set DATABASE_URL for production",
        ),
        (
            settings.http.rate_limit == crate::settings::RateLimit::Off,
            "clients are not limited: REJOINDER_RATE_LIMIT is off",
        ),
    ];
    findings
        .into_iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, finding)| finding)
        .collect()
}

impl fmt::Display for Welcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            address,
            places,
            first_owner,
            data,
            unsafe_yet,
        } = self;
        writeln!(f, "\nRejoinder is running at {address}\n")?;
        for Place { label, path } in places {
            writeln!(f, "  {label:<8}  {address}{path}")?;
        }
        if let Some(owner) = first_owner {
            writeln!(f, "  {:<8}  {}", "Sign in", owner.email)?;
            match &owner.password {
                FirstPassword::AsSet => {}
                FirstPassword::Shown(password) => {
                    let password = password.expose_secret();
                    writeln!(f, "  {:<8}  {password}   (shown only now)", "Password")?;
                }
                FirstPassword::InFile(path) => {
                    writeln!(f, "  {:<8}  in {}", "Password", path.display())?;
                }
            }
        }
        writeln!(f, "  {:<8}  {data}", "Data")?;
        if !unsafe_yet.is_empty() {
            writeln!(f, "\nBefore you use it in production:")?;
            for finding in unsafe_yet {
                writeln!(f, "  - {finding}")?;
            }
        }
        write!(f, "\nCtrl-C stops it.")
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, io};

    use super::*;
    use crate::settings::{Flags, Sources};

    const PLACES: [Place; 1] = [Place {
        label: "API",
        path: "/docs",
    }];

    fn settings(environment: &[(&str, &str)]) -> Settings {
        let environment: BTreeMap<_, _> = environment
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        let read = Box::new(|_: &Path| Err(io::Error::from(io::ErrorKind::NotFound)));
        Settings::gather(Sources {
            flags: Flags::default(),
            environment,
            read,
        })
        .unwrap()
    }

    #[test]
    fn a_first_start_tells_how_to_sign_in_and_what_is_not_safe_yet() {
        let owner = FirstOwner {
            email: "owner@localhost".into(),
            password: FirstPassword::Shown("abc-def".to_owned().into()),
        };
        let listen = [("REJOINDER_LISTEN", "0.0.0.0:0")];
        let welcome = Welcome::new(&settings(&listen), 4711, PLACES.to_vec(), Some(owner));
        assert_eq!(welcome.unsafe_yet.len(), 4);
        assert!(!format!("{welcome:?}").contains("abc-def"));
        let shown = welcome.to_string();
        for part in [
            "running at http://127.0.0.1:4711\n",
            "  API       http://127.0.0.1:4711/docs\n",
            "  Sign in   owner@localhost\n",
            "  Password  abc-def   (shown only now)\n",
            "  Data      embedded Postgres in ./data\n",
            "REJOINDER_PUBLIC_URL",
        ] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
    }

    #[test]
    fn a_production_start_has_nothing_to_warn_of_and_no_password() {
        let welcome = Welcome::new(
            &settings(&[
                ("DATABASE_URL", "postgres://u:hunter2@db/r"),
                ("REJOINDER_PUBLIC_URL", "https://c.example.org"),
                ("REJOINDER_SITE_ORIGINS", "https://example.org"),
                ("REJOINDER_SECRET", "0123456789abcdef0123456789abcdef"),
            ]),
            8080,
            Vec::new(),
            None,
        );
        let shown = welcome.to_string();
        assert!(welcome.unsafe_yet.is_empty(), "{:?}", welcome.unsafe_yet);
        assert!(
            shown.contains("https://c.example.org") && !shown.contains("hunter2"),
            "{shown}"
        );
        assert!(
            !shown.contains("Password") && !shown.contains("production:"),
            "{shown}"
        );
    }

    #[test]
    fn an_ipv6_address_can_be_clicked() {
        let welcome = Welcome::new(
            &settings(&[("REJOINDER_LISTEN", "[::]:80")]),
            80,
            Vec::new(),
            None,
        );
        assert_eq!(welcome.address, "http://[::1]:80");
    }
}
