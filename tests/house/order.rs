//! Rule 1: who may know whom. Must not know SQL.

use std::collections::{BTreeMap, BTreeSet};

use crate::breach::Breach;
use crate::source::{Kind, Source, Token};

const RULE: &str = "rule 1 (order of modules)";

/// From low to high: a module knows only what stands above it in this list. The same list as in ARCHITECTURE.md.
const ORDER: [&str; 19] = [
    "base",
    "settings",
    "database",
    "outbound",
    "jobs",
    "web",
    "audit",
    "accounts",
    "sites",
    "spam",
    "comments",
    "moderation",
    "notifications",
    "transfer",
    "demo",
    "reader",
    "desk",
    "app",
    "cli",
];

/// Modules of the trade: others see only their face.
const DOMAIN: [&str; 7] = [
    "audit",
    "accounts",
    "sites",
    "comments",
    "moderation",
    "notifications",
    "transfer",
];

/// The face of a domain module, besides what its `mod.rs` re-exports from these.
const FACE: [&str; 3] = ["service", "model", "error"];

/// Further doors, open to the layers that speak HTTP only: extractors put authority in a handler's signature, so that
/// handlers of every higher module name them, while their services take the resulting model types; what public reads cost
/// and how they name a page is the same in every module that answers readers.
const HTTP_DOORS: [(&str, &str); 2] = [("accounts", "extract"), ("comments", "extract")];

/// Modules that are HTTP as a whole.
const HTTP_MODULES: [&str; 2] = ["reader", "desk"];

/// Knows everybody, private parts included, because it puts them together.
const BUILDER: &str = "app";

/// A path that begins at the crate's root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Reference {
    line: usize,
    segments: Vec<String>,
    name_here: Option<String>,
}

pub(crate) fn breaches(sources: &[Source]) -> Vec<Breach> {
    let modules: BTreeSet<Vec<&str>> = sources.iter().map(Source::module).collect();
    let mut found = Vec::new();
    for source in sources {
        let module = source.module();
        let Some(own) = module
            .first()
            .copied()
            .filter(|own| !matches!(*own, "lib" | "main"))
        else {
            continue;
        };
        if rank(own).is_none() {
            let cure = "move it below one of the modules of ARCHITECTURE.md, or put it into ORDER and that list";
            found.push(Breach::new(
                &source.path,
                1,
                RULE,
                format!("`{own}` has no place in the order"),
                cure,
            ));
            continue;
        }
        for reference in references(source) {
            found.extend(judge(source, own, &reference, &modules));
        }
        if DOMAIN.contains(&own) && module.len() == 1 {
            found.extend(leaks(source));
        }
    }
    found
}

fn rank(module: &str) -> Option<usize> {
    ORDER.iter().position(|name| *name == module)
}

fn speaks_http(source: &Source, own: &str) -> bool {
    HTTP_MODULES.contains(&own) || source.module().get(1) == Some(&"http")
}

fn judge(
    source: &Source,
    own: &str,
    reference: &Reference,
    modules: &BTreeSet<Vec<&str>>,
) -> Option<Breach> {
    let breach = |wrong: String, cure: &str| {
        Some(Breach::new(&source.path, reference.line, RULE, wrong, cure))
    };
    let target = reference.segments.first()?.as_str();
    let part = reference.segments.get(1).map(String::as_str);
    if target == "*" {
        return breach(
            "`crate::*` hides who is known".to_owned(),
            "name what is used",
        );
    }
    if target == own {
        return None;
    }
    if rank(target)? > rank(own)? {
        return breach(
            format!("`{own}` knows `{target}`, which stands below it"),
            "turn the call round (let the higher module call, or hang on a stored event), or move the type to the lower module",
        );
    }
    if HTTP_MODULES.contains(&own) && HTTP_MODULES.contains(&target) {
        return breach(
            format!("`{own}` knows `{target}`"),
            "move what both need into `web` or a domain module's service",
        );
    }
    if !DOMAIN.contains(&target) || own == BUILDER {
        return None;
    }
    let part = part?;
    if part == "*" {
        return breach(
            format!("`{target}::*` hides what is known"),
            "name what is used",
        );
    }
    if HTTP_DOORS.contains(&(target, part)) {
        if speaks_http(source, own) {
            return None;
        }
        return breach(
            format!("`{target}::{part}` is known outside the http layer"),
            "take the model type that the extractor yields",
        );
    }
    if FACE.contains(&part) || !modules.contains(&vec![target, part]) {
        return None;
    }
    breach(
        format!("`{own}` knows `{target}::{part}`, a private part"),
        "call the service, or move the type to the model",
    )
}

/// In a domain module's `mod.rs`: re-exports that would carry private parts past the check of paths.
fn leaks(source: &Source) -> Vec<Breach> {
    let own: Vec<String> = source
        .module()
        .iter()
        .map(|name| (*name).to_owned())
        .collect();
    let mut found = Vec::new();
    for (at, token) in source.tokens.iter().enumerate() {
        if token.word() != Some("use") || !follows_pub(&source.tokens, at) {
            continue;
        }
        let mut paths = Vec::new();
        read_path(&source.tokens, at + 1, &[], &mut paths);
        for path in paths {
            let mut segments = path.segments.as_slice();
            while let Some((first, rest)) = segments.split_first()
                && (matches!(first.as_str(), "self" | "crate") || own.first() == Some(first))
            {
                segments = rest;
            }
            let Some(part) = segments
                .first()
                .filter(|part| !FACE.contains(&part.as_str()))
            else {
                continue;
            };
            found.push(Breach::new(
                &source.path,
                path.line,
                RULE,
                format!("`mod.rs` re-exports from `{part}`, which is not part of the module's face"),
                "re-export from service, model or error only; extractors are reached as `accounts::extract`",
            ));
        }
    }
    found
}

/// `pub use` and `pub(crate) use`, which is what others can see.
fn follows_pub(tokens: &[Token], at: usize) -> bool {
    let before = |steps: usize| at.checked_sub(steps).and_then(|place| tokens.get(place));
    before(1).is_some_and(|token| token.word() == Some("pub"))
        || (before(1).is_some_and(|token| token.is_mark(')'))
            && before(2).is_some_and(|token| token.word() == Some("crate"))
            && before(4).is_some_and(|token| token.word() == Some("pub")))
}

/// Every path of the file that begins at the root: by `crate::`, by enough `super::`, or by the name of an imported module.
fn references(source: &Source) -> BTreeSet<Reference> {
    let tokens = &source.tokens;
    let mut found = Vec::new();
    let mut braces = 0_usize;
    let mut inner_modules: Vec<usize> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if token.is_mark('{') {
            braces += 1;
            if at >= 2 && tokens.get(at - 2).and_then(Token::word) == Some("mod") {
                inner_modules.push(braces);
            }
        } else if token.is_mark('}') {
            inner_modules.retain(|opened| *opened < braces);
            braces = braces.saturating_sub(1);
        } else if starts_path(tokens, at) {
            let depth = source.module().len() + inner_modules.len();
            if let Some(after) = root_prefix(tokens, at, depth) {
                read_path(tokens, after, &[], &mut found);
            }
        }
    }
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for reference in &found {
        if let ([module], name) = (reference.segments.as_slice(), &reference.name_here) {
            names.insert(
                name.clone().unwrap_or_else(|| module.clone()),
                module.clone(),
            );
        }
    }
    for at in 0..tokens.len() {
        let module = tokens
            .get(at)
            .and_then(Token::word)
            .and_then(|word| names.get(word));
        if let Some(module) = module.filter(|_| starts_path(tokens, at)) {
            read_path(tokens, at + 2, std::slice::from_ref(module), &mut found);
        }
    }
    found.into_iter().collect()
}

/// A word that is followed by `::` and doesn't itself follow one.
fn starts_path(tokens: &[Token], at: usize) -> bool {
    let is_colons = |place: Option<usize>| {
        place
            .and_then(|place| tokens.get(place))
            .is_some_and(|token| token.kind == Kind::Colons)
    };
    tokens.get(at).is_some_and(|token| token.word().is_some())
        && is_colons(Some(at + 1))
        && !is_colons(at.checked_sub(1))
}

/// Where the path goes on after what led to the root, if it leads there.
fn root_prefix(tokens: &[Token], at: usize, depth: usize) -> Option<usize> {
    let word = |place: usize| tokens.get(place).and_then(Token::word);
    if word(at) == Some("crate") {
        return Some(at + 2);
    }
    let start = if word(at) == Some("self") { at + 2 } else { at };
    let ups = (0..depth)
        .take_while(|up| word(start + 2 * up) == Some("super"))
        .count();
    (ups == depth).then_some(start + 2 * ups)
}

/// Reads a path or a tree of paths, as after `use`, into `found`; answers where it ends.
fn read_path(tokens: &[Token], at: usize, prefix: &[String], found: &mut Vec<Reference>) -> usize {
    let Some(token) = tokens.get(at) else {
        return at;
    };
    let mut note = |segments: Vec<String>, name_here: Option<String>| {
        found.push(Reference {
            line: token.line,
            segments,
            name_here,
        });
    };
    match &token.kind {
        Kind::Mark('{') => {
            let mut next = at + 1;
            while let Some(inner) = tokens.get(next)
                && !inner.is_mark('}')
            {
                next = read_path(tokens, next, prefix, found).max(next + 1);
            }
            next + 1
        }
        Kind::Mark('*') => {
            note([prefix, &["*".to_owned()]].concat(), None);
            at + 1
        }
        Kind::Mark(',') => at + 1,
        Kind::Word(word) => {
            let segments = if word == "self" {
                prefix.to_vec()
            } else {
                [prefix, std::slice::from_ref(word)].concat()
            };
            if tokens
                .get(at + 1)
                .is_some_and(|next| next.kind == Kind::Colons)
            {
                return read_path(tokens, at + 2, &segments, found);
            }
            let renamed = tokens.get(at + 1).and_then(Token::word) == Some("as");
            let name_here = tokens.get(at + 2).filter(|_| renamed).and_then(Token::word);
            note(segments, name_here.map(str::to_owned));
            if renamed { at + 3 } else { at + 1 }
        }
        // `crate::comments::Draft::<T>`: the path was complete before.
        _ => {
            note(prefix.to_vec(), None);
            at
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: [&str; 6] = [
        "src/comments/store.rs",
        "src/comments/http/wire.rs",
        "src/comments/http/mod.rs",
        "src/comments/service.rs",
        "src/accounts/extract.rs",
        "src/sites/store/mod.rs",
    ];

    fn told(path: &str, text: &str) -> Vec<(usize, String)> {
        let mut sources: Vec<Source> = PARTS.iter().map(|part| Source::parse(part, "")).collect();
        sources.push(Source::parse(path, text));
        breaches(&sources)
            .into_iter()
            .map(|breach| (breach.line, breach.wrong))
            .collect()
    }

    #[track_caller]
    fn caught(path: &str, text: &str, line: usize, part: &str) {
        let told = told(path, text);
        assert!(
            told.len() == 1 && told[0].0 == line && told[0].1.contains(part),
            "{path}: {text}\n{told:?}"
        );
    }

    #[track_caller]
    fn passes(path: &str, text: &str) {
        assert_eq!(told(path, text), [], "{path}: {text}");
    }

    #[test]
    fn a_higher_module_is_caught_however_it_is_written() {
        caught(
            "src/sites/service.rs",
            "use crate::comments::Comments;",
            1,
            "knows `comments`",
        );
        caught(
            "src/sites/service.rs",
            "use crate::{\n  base::ids,\n  comments::{\n    Comments,\n  },\n};",
            4,
            "`comments`",
        );
        caught(
            "src/sites/service.rs",
            "fn f() {\n  let x = crate::comments::Draft::<u8>::new();\n}",
            2,
            "`comments`",
        );
        caught(
            "src/base/clock.rs",
            "pub use super::super::web::problem;",
            1,
            "knows `web`",
        );
        caught(
            "src/base/mod.rs",
            "mod tests { use super::super::web::problem; }",
            1,
            "knows `web`",
        );
        caught(
            "src/base/mod.rs",
            "use self::super::web::problem;",
            1,
            "knows `web`",
        );
        caught(
            "src/web/mod.rs",
            "type T = Vec<crate::app::App>;",
            1,
            "knows `app`",
        );
        caught(
            "src/app/startup.rs",
            "use crate::cli::output;",
            1,
            "knows `cli`",
        );
    }

    #[test]
    fn lower_modules_pass_and_so_do_comments_and_texts() {
        passes(
            "src/comments/service.rs",
            "use crate::{base::ids::CommentId, database, sites::{Sites, model::Page}};",
        );
        passes(
            "src/sites/mod.rs",
            "//! See crate::comments::store.\nconst A: &str = \"crate::comments::store\";",
        );
        passes(
            "src/sites/http/list.rs",
            "use super::super::service::Sites; use super::wire;",
        );
        passes(
            "src/sites/http/mod.rs",
            "mod tests { use super::super::super::sites::Sites; }",
        );
        passes("src/cli/serve.rs", "use crate::app::startup;");
        passes("src/lib.rs", "pub mod cli; pub use crate::cli::run;");
    }

    #[test]
    fn private_parts_of_a_domain_module_are_caught() {
        caught(
            "src/moderation/service.rs",
            "use crate::comments::store;",
            1,
            "`comments::store`, a private part",
        );
        caught(
            "src/moderation/service.rs",
            "use crate::comments::store::decide;",
            1,
            "a private part",
        );
        caught(
            "src/moderation/http/decide.rs",
            "use crate::comments::http::wire::Comment;",
            1,
            "`comments::http`",
        );
        caught(
            "src/moderation/service.rs",
            "use crate::comments;\nfn f() { comments::store::decide() }",
            2,
            "private",
        );
        caught(
            "src/moderation/service.rs",
            "use crate::comments::{self as c};\nfn f() { c::store::decide() }",
            2,
            "private",
        );
        caught(
            "src/comments/service.rs",
            "use crate::sites::store::load;",
            1,
            "`sites::store`",
        );
        caught(
            "src/cli/import.rs",
            "use crate::comments::store::insert;",
            1,
            "a private part",
        );
        caught(
            "src/moderation/service.rs",
            "use crate::comments::*;",
            1,
            "hides",
        );
    }

    #[test]
    fn the_face_of_a_domain_module_is_open_and_the_builder_sees_all() {
        passes(
            "src/moderation/service.rs",
            "use crate::comments::{self, Comments, service::Draft, error::Error};",
        );
        passes(
            "src/app/routes.rs",
            "use crate::comments::http::wire; use crate::comments::store;",
        );
        passes(
            "src/comments/service.rs",
            "use crate::comments::store; use super::store::insert;",
        );
    }

    #[test]
    fn extractors_are_open_to_http_layers_only() {
        passes(
            "src/moderation/http/decide.rs",
            "use crate::accounts::extract::Decider;",
        );
        passes("src/desk/queue.rs", "use crate::accounts::extract::Caller;");
        caught(
            "src/moderation/service.rs",
            "use crate::accounts::extract::Decider;",
            1,
            "outside the http layer",
        );
    }

    #[test]
    fn reader_and_desk_are_strangers() {
        caught(
            "src/desk/queue.rs",
            "use crate::reader::page;",
            1,
            "`desk` knows `reader`",
        );
        caught(
            "src/reader/embed.rs",
            "use crate::desk::page;",
            1,
            "which stands below",
        );
    }

    #[test]
    fn a_leak_through_mod_rs_is_caught() {
        caught(
            "src/comments/mod.rs",
            "mod store;\npub use store::insert;",
            2,
            "re-exports from `store`",
        );
        caught(
            "src/comments/mod.rs",
            "pub(crate) use self::{service::Comments, http::wire};",
            1,
            "`http`",
        );
        caught(
            "src/accounts/mod.rs",
            "pub use extract::Caller;",
            1,
            "`extract`",
        );
        passes(
            "src/comments/mod.rs",
            "use store::Row;\npub use model::{Draft, Status};\npub use self::error::Error;",
        );
    }

    #[test]
    fn a_module_without_a_place_is_caught() {
        caught("src/gadgets/mod.rs", "", 1, "`gadgets` has no place");
    }
}
