//! The rules of the house, read off the sources. Must not need a database, a network or the library: it only reads files.
//!
//! Each breach names file, line, rule and cure. The rules and their reasons stand in ARCHITECTURE.md; the lists that a
//! change may have to extend stand at the top of `order.rs` (modules), `tables.rs` (owners, exceptions) and `form.rs`.

mod breach;
mod dependencies;
mod form;
mod order;
mod package;
mod source;
mod sql;
mod tables;
mod telling;

use std::path::Path;

use breach::Breach;
use source::{Source, Tree};

fn tree() -> Tree {
    Tree::read(Path::new(env!("CARGO_MANIFEST_DIR")))
}

#[track_caller]
fn assert_none(breaches: &[Breach]) {
    let lines: Vec<String> = breaches.iter().map(Breach::to_string).collect();
    assert!(
        lines.is_empty(),
        "\n{} breach(es) of the house's rules:\n{}\n",
        lines.len(),
        lines.join("\n")
    );
}

#[test]
fn rule_1_a_module_knows_only_what_stands_above_it() {
    let tree = tree();
    let sources: Vec<Source> = tree.rust_under("src/").collect();
    assert!(
        !sources.is_empty(),
        "no sources under src/: the house test looks in the wrong place"
    );
    assert_none(&order::breaches(&sources));
}

#[test]
fn rule_2_statements_stand_in_stores_only() {
    let sources: Vec<Source> = tree().rust_under("src/").collect();
    assert_none(&sql::breaches(&sources));
}

#[test]
fn rule_3_a_table_is_written_by_its_owner_only() {
    let tree = tree();
    let sources: Vec<Source> = tree.rust_under("src/").collect();
    assert_none(&tables::breaches(
        &sources,
        &tree.texts_under("migrations/", "sql"),
    ));
}

#[test]
fn rule_4_no_file_is_longer_than_600_lines() {
    assert_none(&form::long_files(&tree()));
}

#[test]
fn files_have_a_purpose_line_and_a_telling_name() {
    let tree = tree();
    assert_none(&form::purpose_lines(&tree));
    assert_none(&form::empty_names(&tree));
    assert_none(&form::migration_names(&tree));
}

#[test]
fn what_the_debian_package_takes_is_there() {
    assert_none(&package::breaches(&tree()));
}

#[test]
fn what_is_left_to_do_names_its_issue() {
    assert_none(&form::loose_ends(&tree()));
}

#[test]
fn documents_link_to_what_exists_and_the_readme_is_short() {
    let tree = tree();
    assert_none(&form::dead_links(&tree));
    assert_none(&form::readme_length(&tree));
}

#[test]
fn dependencies_are_none_of_the_banned_ones() {
    assert_none(&dependencies::breaches(&tree()));
}

#[test]
fn operators_read_of_every_line_and_figure_and_of_no_other() {
    assert_none(&telling::breaches(&tree()));
}
