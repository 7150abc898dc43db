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

/// To standard error: how far something is, where standard output carries its result.
pub(super) fn tell(text: &impl Display) {
    writeln!(io::stderr().lock(), "{text}").ok();
}

/// To standard output, as it stands; the reader of a pipe may have gone.
pub(super) fn write(text: &str) -> io::Result<()> {
    io::stdout().lock().write_all(text.as_bytes())
}

/// Asks whoever sits at the terminal; the answer comes on standard input.
pub(super) fn ask(question: &impl Display) {
    let mut stderr = io::stderr().lock();
    write!(stderr, "{question} ").ok();
    stderr.flush().ok();
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
