//! The whole database as a text of SQL, and back: for back-ups and for moving. Must not know what the tables mean.
//!
//! What holds: a backup is one moment of the database, schema and rows, whoever writes meanwhile; psql reads it as well as
//! we do; putting it back happens in one transaction, into an empty schema only, and only as a whole; neither direction
//! holds more than a few lines in memory. `docs/decisions/0006-backups-written-by-ourselves.md` says why it isn't `pg_dump`.

mod error;
mod read;
mod schema;
mod target;
mod write;

pub use error::Error;
pub use read::Backup;
pub use write::write;

/// The first line of a file of this form. Another form gets another number, and this one is read on.
const FIRST_LINE: &str = "-- Rejoinder backup 1";
/// In the head: the newest migration that a binary must know to work with this schema.
const OLDEST_BINARY: &str = "-- oldest binary: ";
/// The last line of the head. All behind it up to the end is done in this order.
const BEGIN: &str = "begin;";
/// Begins a section; its title follows. Doesn't occur in SQL written by people.
const SECTION: &str = "--# ";
/// The title of the last section: the number of rows and the SHA-256 of everything before this line follow.
const END: &str = "end: ";
/// The last line. Without it the text was cut off, and psql rolls back.
const COMMIT: &str = "commit;";
/// Ends a statement whose rows follow, each on a line in the text form of `copy`.
const FROM_STDIN: &str = " from stdin;";
/// Ends the rows.
const END_OF_ROWS: &[u8] = b"\\.\n";

/// How far it is.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// The section at work: `rows of comments`, `index comments_search`.
    pub title: &'a str,
    /// Rows of all tables so far.
    pub rows: u64,
    /// Bytes of the text so far.
    pub bytes: u64,
    /// About how many rows there will be; none where only bytes can be compared with anything.
    pub about_rows: Option<u64>,
}

/// What was written or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Rows of all tables.
    pub rows: u64,
    /// Bytes of the text.
    pub bytes: u64,
}

/// The line that says that all is there.
fn end_line(rows: u64, digest: &str) -> String {
    format!("{SECTION}{END}{rows} rows, SHA-256 {digest}")
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}
