//! Puts a backup into an empty database, whole or not at all. Must not know where the text comes from.

use std::io::{BufRead, Read as _};

use sha2::{Digest as _, Sha256};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};

use super::error::Error;
use super::{
    BEGIN, COMMIT, END, END_OF_ROWS, FIRST_LINE, FROM_STDIN, OLDEST_BINARY, Progress, SECTION,
    Summary, end_line, hexadecimal, target,
};
use crate::database::migrations;

/// A row of ours has at most some 100 kB; whatever has no line end for so long is no backup.
const LINE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The statements of one section; the longest has a few kB.
const STATEMENTS_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Rows are sent in pieces of this size.
const PIECE_BYTES: usize = 64 * 1024;

/// A backup whose head has been read and found fit for this release.
#[derive(Debug)]
pub struct Backup<R> {
    lines: Lines<R>,
    rows: u64,
}

impl<R: BufRead> Backup<R> {
    /// Reads the head, and refuses what isn't a backup or what only newer releases can work with.
    pub fn open(input: R) -> Result<Self, Error> {
        let mut lines = Lines::new(input);
        if !lines.next()? || lines.text()? != FIRST_LINE {
            return Err(Error::NotABackup);
        }
        let mut oldest_binary = None;
        while lines.text()? != BEGIN {
            if !lines.next()? {
                return Err(Error::Cut);
            }
            if let Some(text) = lines.text()?.strip_prefix(OLDEST_BINARY) {
                oldest_binary = text.parse::<i64>().ok();
            }
        }
        let needed = oldest_binary.ok_or(Error::NotABackup)?;
        let known = migrations::newest_known();
        if needed > known {
            return Err(Error::TooOld { needed, known });
        }
        Ok(Self { lines, rows: 0 })
    }

    /// Does what the text says, in one transaction, which is committed when the text has proved whole. The schema is that
    /// of the backup afterwards, which may be an older one than this release's.
    pub async fn restore(
        mut self,
        options: &PgConnectOptions,
        mut report: impl FnMut(Progress<'_>),
    ) -> Result<Summary, Error> {
        // Its pools' name would make us look like a service.
        let options = options.clone().application_name("rejoinder command");
        let mut connection = options.connect().await?;
        let mut transaction = connection.begin().await?;
        target::claim(&mut transaction).await?;
        self.run(&mut transaction, &mut report).await?;
        transaction.commit().await?;
        // What it says at the end is of no use to anybody.
        connection.close().await.ok();
        Ok(Summary {
            rows: self.rows,
            bytes: self.lines.bytes,
        })
    }

    async fn run(
        &mut self,
        connection: &mut PgConnection,
        report: &mut impl FnMut(Progress<'_>),
    ) -> Result<(), Error> {
        let mut title = String::new();
        let mut statements = String::new();
        while self.lines.next()? {
            let line = self.lines.text()?;
            if let Some(next) = line.strip_prefix(SECTION) {
                let next = next.to_owned();
                execute(connection, &title, &mut statements).await?;
                if next.starts_with(END) {
                    return self.end();
                }
                title = next;
                self.tell(&title, report);
            } else if line.starts_with("copy ") && line.ends_with(FROM_STDIN) {
                let statement = line.to_owned();
                execute(connection, &title, &mut statements).await?;
                self.copy(connection, &statement, &title, report).await?;
            } else {
                statements.push_str(line);
                statements.push('\n');
                if statements.len() > STATEMENTS_BYTES_MAX {
                    return Err(Error::Damaged(title));
                }
            }
        }
        Err(Error::Cut)
    }

    async fn copy(
        &mut self,
        connection: &mut PgConnection,
        statement: &str,
        title: &str,
        report: &mut impl FnMut(Progress<'_>),
    ) -> Result<(), Error> {
        let refused = |error| Error::of_section(title, error);
        let mut copy = connection.copy_in_raw(statement).await.map_err(refused)?;
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        loop {
            piece.clear();
            let is_last = match self.gather(&mut piece) {
                Ok(is_last) => is_last,
                Err(error) => {
                    // It is all undone in any case.
                    copy.abort("the backup can't be read on").await.ok();
                    return Err(error);
                }
            };
            copy.send(piece.as_slice()).await.map_err(refused)?;
            self.tell(title, report);
            if is_last {
                break;
            }
        }
        copy.finish().await.map_err(refused)?;
        Ok(())
    }

    /// Takes rows until there are enough for a piece; says whether these were the last.
    fn gather(&mut self, piece: &mut Vec<u8>) -> Result<bool, Error> {
        while piece.len() < PIECE_BYTES {
            if !self.lines.next()? {
                return Err(Error::Cut);
            }
            if self.lines.line == END_OF_ROWS {
                return Ok(true);
            }
            piece.extend_from_slice(&self.lines.line);
            self.rows += 1;
        }
        Ok(false)
    }

    /// The line of the end is at hand: all before it has to be what it says, and one line has to follow.
    fn end(&mut self) -> Result<(), Error> {
        let digest = hexadecimal(&std::mem::take(&mut self.lines.digest).finalize());
        if self.lines.text()? != end_line(self.rows, &digest) {
            return Err(Error::Damaged(
                "what was read isn't what was written".into(),
            ));
        }
        if self.lines.next()? && self.lines.text()? == COMMIT {
            Ok(())
        } else {
            Err(Error::Cut)
        }
    }

    fn tell(&self, title: &str, report: &mut impl FnMut(Progress<'_>)) {
        report(Progress {
            title,
            rows: self.rows,
            bytes: self.lines.bytes,
            about_rows: None,
        });
    }
}

/// Runs what was gathered of a section, and forgets it.
async fn execute(
    connection: &mut PgConnection,
    title: &str,
    statements: &mut String,
) -> Result<(), Error> {
    if statements.is_empty() {
        return Ok(());
    }
    // Run as psql would run it: whoever restores a backup trusts it.
    let text = sqlx::AssertSqlSafe(std::mem::take(statements));
    sqlx::raw_sql(text)
        .execute(connection)
        .await
        .map_err(|error| Error::of_section(title, error))?;
    Ok(())
}

/// The text line by line, with its digest up to the line at hand, which isn't in it yet.
#[derive(Debug)]
struct Lines<R> {
    input: R,
    digest: Sha256,
    bytes: u64,
    /// With its end.
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    fn new(input: R) -> Self {
        Self {
            input,
            digest: Sha256::new(),
            bytes: 0,
            line: Vec::new(),
        }
    }

    /// False at the end. A line that was cut off is none.
    fn next(&mut self) -> Result<bool, Error> {
        self.digest.update(&self.line);
        self.line.clear();
        let read = (&mut self.input)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut self.line)?;
        self.bytes += u64::try_from(read).unwrap_or(u64::MAX);
        Ok(self.line.ends_with(b"\n"))
    }

    /// The line without its end.
    fn text(&self) -> Result<&str, Error> {
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        str::from_utf8(line).or(Err(Error::NotABackup))
    }
}
