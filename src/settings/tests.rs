//! The layers together: precedence, secrets, and that all mistakes come at once.

use std::{collections::BTreeMap, ffi::OsString, io};

use secrecy::ExposeSecret;

use super::*;

/// Not a secret of anyone: what must not come out.
const SECRET: &str = "correct-horse-battery-staple-0123456789";

fn sources(flags: &[(&'static Setting, &str)], environment: &[(&str, &str)]) -> Sources {
    let mut given = Flags::default();
    for (setting, value) in flags {
        given.set(setting, *value);
    }
    Sources {
        flags: given,
        environment: environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), OsString::from(value)))
            .collect(),
        read: Box::new(|_| Err(io::Error::from(io::ErrorKind::NotFound))),
    }
}

fn with_files(mut sources: Sources, files: &[(&str, &str)]) -> Sources {
    let files: BTreeMap<PathBuf, String> = files
        .iter()
        .map(|(path, text)| (PathBuf::from(path), (*text).to_owned()))
        .collect();
    sources.read = Box::new(move |path| {
        files
            .get(path)
            .cloned()
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    });
    sources
}

fn with_config(environment: &[(&str, &str)], text: &str) -> Sources {
    let mut environment = environment.to_vec();
    environment.push(("REJOINDER_CONFIG", "r.toml"));
    with_files(sources(&[], &environment), &[("r.toml", text)])
}

fn mistakes(sources: Sources) -> Vec<String> {
    Settings::gather(sources)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn nothing_set_gives_the_documented_defaults() {
    let settings = Settings::gather(sources(&[], &[])).unwrap();
    assert_eq!(settings.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.http.client_address_header, "x-forwarded-for");
    assert_eq!(settings.http.rate_limit, RateLimit::On);
    assert_eq!(settings.data_dir(), &PathBuf::from("./data"));
    assert_eq!(settings.accounts.admin_email.as_str(), "owner@localhost");
    assert_eq!(settings.logs.filter, "info");
    assert!(settings.http.trusted_proxies.is_empty() && settings.sites.origins.is_empty());
    assert!(settings.has_embedded_database() && settings.has_demo());
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let file = "listen = \"127.0.0.1:1\"\ndata_dir = \"/file\"\nlog = \"warn\"\n";
    let mut given = sources(
        &[
            (&http::LISTEN, "127.0.0.1:3"),
            (&catalogue::CONFIG, "r.toml"),
        ],
        &[
            ("REJOINDER_LISTEN", "127.0.0.1:2"),
            ("REJOINDER_DATA_DIR", "/environment"),
        ],
    );
    given = with_files(given, &[("r.toml", file)]);
    let settings = Settings::gather(given).unwrap();
    assert_eq!(settings.http.listen.port(), 3);
    assert_eq!(settings.data_dir(), &PathBuf::from("/environment"));
    assert_eq!(settings.logs.filter, "warn");
}

#[test]
fn every_setting_can_stand_in_the_file() {
    let file = format!(
        "database_url = \"postgres://u:{SECRET}@db/r\"\nlisten = \"[::1]:0\"\ndata_dir = \"/d\"\n\
         public_url = \"https://c.example\"\nsecret = \"{SECRET}\"\n\
         site_origins = [\"https://b.example\", \"https://a.example/\", \"https://b.example\"]\n\
         trusted_proxies = \"10.0.0.0/8, fd00::/8\"\nclient_address_header = \"X-Real-IP\"\n\
         admin_email = \"o@example.org\"\nadmin_password = \"{SECRET}\"\nrate_limit = false\n\
         postgres_bin = \"/bin\"\ndemo = true\nlog = \"debug\"\nlog_format = \"json\"\n\
         metrics_listen = \"127.0.0.1:9090\"\n"
    );
    let settings = Settings::gather(with_config(&[], &file)).unwrap();
    let origins: Vec<_> = settings
        .sites
        .origins
        .iter()
        .map(crate::base::page_url::Origin::as_str)
        .collect();
    assert_eq!(origins, ["https://a.example", "https://b.example"]);
    assert_eq!(settings.http.trusted_proxies.len(), 2);
    assert_eq!(settings.http.rate_limit, RateLimit::Off);
    assert_eq!(settings.sites.demo, Demo::On);
    assert_eq!(
        settings.accounts.secret.as_ref().unwrap().expose_secret(),
        SECRET
    );
    assert!(!settings.has_embedded_database());
    assert!(
        !format!("{settings:?}").contains(SECRET),
        "Debug shows a secret"
    );
}

#[test]
fn a_secret_behind_an_unclosed_quote_is_not_taken_for_a_name() {
    let text = "[t 1\nx = {\n0.0e,n\"\nnse\"\n\nsecret = \"hunter2-that-nobody-may-see\"\n";
    let found = mistakes(with_config(&[], text));
    assert!(!found.is_empty());
    for mistake in found {
        assert!(!mistake.contains("hunter2"), "{mistake}");
    }
}

#[test]
fn all_mistakes_are_named_at_once_each_with_its_place() {
    let mut given = with_config(
        &[
            ("REJOINDER_LISTEM", "127.0.0.1:1"),
            ("REJOINDER_TRUSTED_PROXIES", "10.0.0.0/8,nonsense,0.0.0.0/0"),
            ("REJOINDER_SECRET", "short"),
            ("DATABASE_URL", "mysql://root:hunter2@db/r"),
            ("HOME", "/"),
        ],
        "lisen = 1\n\npublic_url = \"https://c.example/path\"\nadmin_email = {}\nlog = \"inof\"\n",
    );
    given.flags.set(&http::LISTEN, "8080");
    let found = mistakes(given);
    let expected = [
        "REJOINDER_LISTEM (environment): is not a setting; did you mean REJOINDER_LISTEN?",
        "lisen (r.toml, line 1): is not a setting; did you mean listen?",
        "DATABASE_URL (environment): is not the URL of a Postgres database; give an address such",
        "--listen (flag): is not a socket address",
        "public_url (r.toml, line 3): is not scheme, host and port alone; give an http or https origin",
        "REJOINDER_TRUSTED_PROXIES (environment): entry 2 is not a network",
        "REJOINDER_TRUSTED_PROXIES (environment): entry 3 is every address there is",
        "REJOINDER_SECRET (environment): has fewer than 32 characters; give at least 32 random",
        "admin_email (r.toml, line 4): is not a single value; give an e-mail address",
        "log (r.toml, line 5): names something that is not a level",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n{expected}");
        assert!(!found.contains('\n') && !found.contains("hunter2") && !found.contains("short"));
    }
}

#[test]
fn a_secret_can_come_from_a_file_without_its_line_break() {
    let given = sources(&[], &[("REJOINDER_SECRET_FILE", "/run/secret")]);
    let given = with_files(given, &[("/run/secret", &format!("{SECRET}\n"))]);
    let settings = Settings::gather(given).unwrap();
    assert_eq!(settings.accounts.secret.unwrap().expose_secret(), SECRET);
}

#[test]
fn a_secret_given_twice_is_a_mistake_but_the_upper_source_wins_over_the_lower() {
    let twice = sources(
        &[],
        &[
            ("REJOINDER_SECRET", SECRET),
            ("REJOINDER_SECRET_FILE", "/s"),
        ],
    );
    let found = mistakes(twice);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("REJOINDER_SECRET (environment): is given twice"),
        "{found:?}"
    );

    let file = format!("secret_file = \"/missing\"\nadmin_password = \"{SECRET}\"\n");
    assert!(Settings::gather(with_config(&[("REJOINDER_SECRET", SECRET)], &file)).is_ok());
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let found = mistakes(sources(
        &[],
        &[
            ("REJOINDER_CONFIG", "/none.toml"),
            ("REJOINDER_ADMIN_PASSWORD_FILE", "/none"),
        ],
    ));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("REJOINDER_CONFIG (environment): the file can't be read"));
    assert!(found[1].starts_with("REJOINDER_ADMIN_PASSWORD_FILE (environment): can't be read"));
}

#[test]
fn the_file_of_settings_cannot_name_another() {
    let found = mistakes(with_config(&[], "config = \"other.toml\"\n"));
    assert!(
        found[0].starts_with("config (r.toml, line 1): is not a setting"),
        "{found:?}"
    );
}

#[test]
fn an_empty_variable_counts_as_none() {
    let names = catalogue::ALL.iter().map(|setting| (setting.variable, ""));
    assert!(Settings::gather(sources(&[], &names.collect::<Vec<_>>())).is_ok());
}

#[test]
fn what_containers_put_into_the_environment_is_no_mistake() {
    let links = [
        ("REJOINDER_SERVICE_HOST", "10.0.0.1"),
        ("REJOINDER_SERVICE_PORT", "80"),
        ("REJOINDER_SERVICE_PORT_HTTP", "80"),
        ("REJOINDER_PORT", "tcp://10.0.0.1:80"),
        ("REJOINDER_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("REJOINDER_POSTGRES_PORT_5432_TCP_ADDR", "10.0.0.2"),
    ];
    assert!(Settings::gather(sources(&[], &links)).is_ok());
    assert_eq!(
        mistakes(sources(&[], &[("REJOINDER_PORT", "8080")])).len(),
        1
    );
}

#[test]
fn metrics_cannot_share_the_address_of_http() {
    let same = [("REJOINDER_METRICS_LISTEN", "127.0.0.1:8080")];
    assert_eq!(mistakes(sources(&[], &same)).len(), 1);
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf_8_is_named_once() {
    use std::os::unix::ffi::OsStringExt as _;

    let mut given = sources(&[], &[]);
    given
        .environment
        .insert("REJOINDER_LISTEN".into(), OsString::from_vec(vec![0xff]));
    given
        .environment
        .insert("REJOINDER_SECRET".into(), OsString::from_vec(vec![0xff]));
    assert_eq!(mistakes(given).len(), 2);
}
