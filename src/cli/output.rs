//! The only file that prints. Must not know what the words mean.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
};

/// Whether a person reads standard output.
pub(super) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// To standard output.
pub(super) fn say(text: &impl Display) {
    // `println!` would panic when the reader of a pipe has gone; there is nobody left to tell.
    writeln!(io::stdout().lock(), "{text}").ok();
}

/// To standard error, where a person looks on: how far it is, in place of what was said last; empty: clears that.
pub(super) fn progress(text: &impl Display) {
    let mut stderr = io::stderr().lock();
    if stderr.is_terminal() {
        // To the line's beginning, and what is in it goes (ECMA-48).
        write!(stderr, "\r\x1b[K{text}").ok();
    }
}

/// To standard error: how far something is, where standard output carries its result.
pub(super) fn tell(text: &impl Display) {
    writeln!(io::stderr().lock(), "{text}").ok();
}

/// To standard error: one line of what, one of what to do.
pub(super) fn complain(what: &impl Display, what_to_do: &impl Display) {
    writeln!(io::stderr().lock(), "error: {what}\n  try: {what_to_do}").ok();
}

/// To standard error: many things wrong at once, one line each.
pub(super) fn complain_of_all<T: Display>(what: &impl Display, each: &[T]) {
    let mut stderr = io::stderr().lock();
    writeln!(stderr, "error: {what}").ok();
    for one in each {
        writeln!(stderr, "  {one}").ok();
    }
}
