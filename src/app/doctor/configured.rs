//! What the settings say to somebody who knows what they lead to. Must not ask the database.

use super::FirstSite;
use super::finding::Finding;
use crate::base::page_url::Origin;
use crate::settings::{RateLimit, Settings};

pub(super) fn origins(settings: &Settings, first_site: FirstSite) -> Finding {
    let given = &settings.sites.origins;
    let shown: Vec<&str> = given.iter().map(Origin::as_str).collect();
    let is_open = given.iter().any(|origin| !origin.is_loopback());
    match (is_open, first_site) {
        (true, _) => Finding::ok(
            "origins",
            format!("of the first site: {}", shown.join(", ")),
        ),
        (false, FirstSite::HasOrigins) if given.is_empty() => Finding::ok(
            "origins",
            "the first site has its own, kept in the database",
        ),
        (false, _) => Finding::warning(
            "origins",
            "none: only pages on this machine can have comments",
            "set REJOINDER_SITE_ORIGINS to where the pages live, such as https://example.org",
        ),
    }
}

pub(super) fn public_url(settings: &Settings) -> Finding {
    match &settings.http.public_url {
        None => Finding::warning(
            "public_url",
            "it is not set: links lead to this machine, and the desk's cookie is not bound to https",
            "set REJOINDER_PUBLIC_URL to how the world reaches this service",
        ),
        Some(url) if !url.is_https() && !url.is_loopback() => Finding::warning(
            "public_url",
            format!("{url} is not encrypted: passwords cross the network readable"),
            "serve it over https, and say so in REJOINDER_PUBLIC_URL",
        ),
        Some(url) => Finding::ok("public_url", url.as_str()),
    }
}

/// Which address a request counts for.
pub(super) fn proxies(settings: &Settings) -> Finding {
    let http = &settings.http;
    let header = &http.client_address_header;
    if !http.trusted_proxies.is_empty() {
        let networks: Vec<String> = http
            .trusted_proxies
            .iter()
            .map(ToString::to_string)
            .collect();
        let networks = networks.join(", ");
        return Finding::ok(
            "proxies",
            format!(
                "a request from {networks} counts for the last address in {header} outside of these networks, \
                 any other for the address that it comes from"
            ),
        );
    }
    let what =
        "REJOINDER_TRUSTED_PROXIES is empty: a request counts for the address that it comes from";
    let is_behind_a_proxy = http
        .public_url
        .as_ref()
        .is_some_and(|public| public.is_https() && !public.is_loopback());
    if is_behind_a_proxy {
        // This service speaks no https itself.
        return Finding::warning(
            "proxies",
            format!("{what}, which is the proxy's: all readers share one limit"),
            format!("name the network of the proxy, and let it set {header}"),
        );
    }
    Finding::ok("proxies", what)
}

pub(super) fn secret(settings: &Settings) -> Finding {
    if settings.accounts.secret.is_some() {
        return Finding::ok("secret", "it is given");
    }
    Finding::warning(
        "secret",
        "it is kept in the database, and so in its backups",
        "set REJOINDER_SECRET; readers' manage tokens and second factors from before are void then",
    )
}

pub(super) fn limits(settings: &Settings) -> Finding {
    match settings.http.rate_limit {
        RateLimit::On => Finding::ok("limits", "clients are held to them"),
        RateLimit::Off => Finding::warning(
            "limits",
            "clients are not limited",
            "set REJOINDER_RATE_LIMIT=on, unless a gateway limits them",
        ),
    }
}
