//! What the Debian package takes from the repository (`package.metadata.deb` in Cargo.toml) is there. Must not know what it is.

use toml::{Table, Value};

use crate::breach::Breach;
use crate::source::Tree;

const RULE: &str = "package";
/// Made by `scripts/package` itself.
const MADE: [&str; 2] = ["target/release/", "target/package/"];

pub(crate) fn breaches(tree: &Tree) -> Vec<Breach> {
    let manifest = tree.iter().find(|(path, _)| *path == "Cargo.toml");
    let manifest = manifest.and_then(|(_, text)| text.parse::<Table>().ok());
    let package = manifest
        .as_ref()
        .and_then(|manifest| manifest.get("package")?.get("metadata")?.get("deb"));
    let Some(package) = package else {
        let cure = "say in `package.metadata.deb` what the package holds";
        return vec![Breach::new(
            "Cargo.toml",
            1,
            RULE,
            "no package is described",
            cure,
        )];
    };
    let assets = package.get("assets").and_then(Value::as_array);
    let sources = assets
        .into_iter()
        .flatten()
        .filter_map(|asset| asset.get(0)?.as_str());
    let folders = ["maintainer-scripts", "systemd-units"]
        .into_iter()
        .filter_map(|key| {
            let value = package.get(key)?;
            value
                .as_str()
                .or_else(|| value.get("unit-scripts")?.as_str())
        });
    sources
        .chain(folders)
        .filter(|source| {
            !MADE.iter().any(|made| source.starts_with(made)) && !is_there(tree, source)
        })
        .map(|source| {
            let wrong = format!("the package takes `{source}`, which isn't there");
            Breach::new(
                "Cargo.toml",
                1,
                RULE,
                wrong,
                "correct the path in `package.metadata.deb`",
            )
        })
        .collect()
}

/// A file, a folder with something in it, or a pattern that fits something.
fn is_there(tree: &Tree, source: &str) -> bool {
    let (begins, ends) = source.split_once('*').unwrap_or((source, ""));
    let mut paths = tree.iter().map(|(path, _)| path);
    if source.contains('*') || source.ends_with('/') {
        paths.any(|path| path.starts_with(begins) && path.ends_with(ends))
    } else {
        tree.has(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_that_is_not_there_is_caught_and_one_that_is_made_is_not() {
        let manifest = "[package.metadata.deb]\nmaintainer-scripts = \"gone/\"\n\
            systemd-units = { unit-scripts = \"units/\" }\nassets = [[\"docs/*.md\", \"a\", \"644\"],\n\
            [\"target/release/x\", \"a\", \"755\"], [\"lost\", \"a\", \"644\"], [\"docs/*.txt\", \"a\", \"644\"]]";
        let tree = Tree::of(&[
            ("Cargo.toml", manifest),
            ("docs/a.md", ""),
            ("units/a.service", ""),
        ]);
        let told: Vec<String> = breaches(&tree).iter().map(Breach::to_string).collect();
        assert_eq!(told.len(), 3, "{told:?}");
        for (at, source) in ["`lost`", "`docs/*.txt`", "`gone/`"]
            .into_iter()
            .enumerate()
        {
            assert!(told[at].contains(source), "{told:?}");
        }
        assert_eq!(breaches(&Tree::of(&[("Cargo.toml", "")])).len(), 1);
    }
}
