//! The bans and sources of deny.toml against Cargo.lock, without a further tool. Must not know why a crate is banned.

use toml::{Table, Value};

use crate::breach::Breach;
use crate::source::Tree;

const RULE: &str = "dependencies";

pub(crate) fn breaches(tree: &Tree) -> Vec<Breach> {
    let file = |path: &str| {
        tree.iter()
            .find(|(found, _)| *found == path)
            .and_then(|(_, text)| text.parse::<Table>().ok())
    };
    match (file("deny.toml"), file("Cargo.lock")) {
        (Some(deny), Some(lock)) => check(&deny, &lock),
        _ => vec![Breach::new(
            "deny.toml",
            1,
            RULE,
            "deny.toml or Cargo.lock can't be read",
            "write valid TOML",
        )],
    }
}

fn check(deny: &Table, lock: &Table) -> Vec<Breach> {
    let banned = list(deny.get("bans").and_then(|bans| bans.get("deny")));
    let registries = list(
        deny.get("sources")
            .and_then(|sources| sources.get("allow-registry")),
    );
    let mut found = Vec::new();
    for package in list(lock.get("package")) {
        let name = text(package, "name");
        let ban = banned.iter().find(|ban| text(ban, "crate") == name);
        if let Some(ban) = ban.filter(|ban| !only_wrapped(ban, name, lock)) {
            let wrong = format!("`{name}` is banned: {}", text(ban, "reason"));
            let cure =
                format!("`cargo tree --invert {name}` tells who wants it: turn that feature off");
            found.push(Breach::new("Cargo.lock", 1, RULE, wrong, cure));
        }
        let source = text(package, "source");
        let is_ours = source.is_empty();
        let is_listed = registries
            .iter()
            .filter_map(Value::as_str)
            .any(|url| source.strip_prefix("registry+") == Some(url));
        if !is_ours && !is_listed {
            let wrong = format!("`{name}` comes from `{source}`");
            found.push(Breach::new(
                "Cargo.lock",
                1,
                RULE,
                wrong,
                "take a released version from the registry",
            ));
        }
    }
    found
}

/// Whether the banned package is needed by its ban's `wrappers` only, which cargo-deny lets pass.
fn only_wrapped(ban: &Value, name: &str, lock: &Table) -> bool {
    let wrappers = list(ban.get("wrappers"));
    let mut needing = list(lock.get("package")).iter().filter(|package| {
        let needs = list(package.get("dependencies"));
        // The version follows the name where there are several.
        let mut names = needs.iter().filter_map(Value::as_str);
        names.any(|need| need.split(' ').next() == Some(name))
    });
    !wrappers.is_empty()
        && needing.all(|package| {
            package
                .get("name")
                .is_some_and(|name| wrappers.contains(name))
        })
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banned_crate_and_a_foreign_source_are_caught() {
        let deny = "[bans]\ndeny = [{ crate = \"h2\", reason = \"why\" }]\n[sources]\nallow-registry = [\"https://a\"]";
        let lock = "[[package]]\nname = \"h2\"\nsource = \"registry+https://a\"\n[[package]]\nname = \"b\"\nsource = \"git+https://c\"\n\
                    [[package]]\nname = \"ours\"\n[[package]]\nname = \"d\"\nsource = \"registry+https://a\"";
        let told: Vec<String> = breaches(&Tree::of(&[("deny.toml", deny), ("Cargo.lock", lock)]))
            .into_iter()
            .map(|breach| breach.wrong)
            .collect();
        assert_eq!(
            told,
            ["`h2` is banned: why", "`b` comes from `git+https://c`"]
        );
        assert_eq!(breaches(&Tree::of(&[("deny.toml", "=")])).len(), 1);
    }

    #[test]
    fn a_banned_crate_passes_below_its_wrappers_only() {
        let deny = "[bans]\ndeny = [{ crate = \"h2\", reason = \"why\", wrappers = [\"w\"] }]";
        let wrapped =
            "[[package]]\nname = \"h2\"\n[[package]]\nname = \"w\"\ndependencies = [\"h2\"]";
        let bare = format!("{wrapped}\n[[package]]\nname = \"b\"\ndependencies = [\"h2 1.0.0\"]");
        let number =
            |lock: &str| breaches(&Tree::of(&[("deny.toml", deny), ("Cargo.lock", lock)])).len();
        assert_eq!((number(wrapped), number(&bare)), (0, 1));
    }
}
