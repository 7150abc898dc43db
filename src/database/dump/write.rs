//! Writes a database as it is at one moment. Must not know where the text goes.

use std::io::Write;

use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use time::OffsetDateTime;

use super::error::Error;
use super::schema::{self, Schema, Statement, Table};
use super::{
    BEGIN, COMMIT, END_OF_ROWS, FIRST_LINE, FROM_STDIN, OLDEST_BINARY, Progress, SECTION, Summary,
    end_line, hexadecimal,
};
use crate::base::clock::to_rfc3339;
use crate::database::migrations;

/// How many rows between two words of progress.
const ROWS_A_REPORT: u64 = 1_000;
/// A migration at work is waited for this long, since ours may not be read half done.
const LOCK_TIMEOUT: &str = "10s";

/// What the text begins with for whoever reads it, psql among them.
const NOTES: &str = "\
--
-- The whole database as SQL, with its secrets and personal data: keep it as you keep the database itself.
-- `rejoinder restore` puts it into an empty database, and so does psql, 15 or later:
--   psql --no-psqlrc --file FILE DATABASE
\\set ON_ERROR_STOP on
";

/// What the reading server is told first. No limit of time, and text in one form, whatever the role's settings.
const SETTINGS: &str = "\
set local client_encoding = 'UTF8';
set local client_min_messages = warning;
set local check_function_bodies = off;
set local standard_conforming_strings = on;
set local statement_timeout = 0;
set local lock_timeout = 0;
set local idle_in_transaction_session_timeout = 0;
";

/// Writes schema and rows as they are at the moment of the first question, also while others write; what is written can be
/// read with [`super::Backup`] or psql. Migrations wait until it is done, everybody else doesn't.
pub async fn write(
    options: &PgConnectOptions,
    now: OffsetDateTime,
    sink: impl Write,
    report: impl FnMut(Progress<'_>),
) -> Result<Summary, Error> {
    let options = options.clone().options([
        ("statement_timeout", "0"),
        ("idle_in_transaction_session_timeout", "0"),
        ("lock_timeout", LOCK_TIMEOUT),
        ("bytea_output", "hex"),
        ("intervalstyle", "postgres"),
    ]);
    let mut connection = options.connect().await?;
    let mut text = Text::new(sink, report);
    let summary = write_all(&mut connection, now, &mut text).await?;
    // What it says at the end is of no use to anybody.
    connection.close().await.ok();
    Ok(summary)
}

async fn write_all<S: Write, R: FnMut(Progress<'_>)>(
    connection: &mut PgConnection,
    now: OffsetDateTime,
    text: &mut Text<S, R>,
) -> Result<Summary, Error> {
    let names = schema::table_names(connection).await?;
    if !names.iter().any(|name| name == "installation") {
        return Err(Error::NoDatabase);
    }
    let mut snapshot = connection
        .begin_with("begin isolation level repeatable read, read only")
        .await?;
    // The lock comes first, since it is the first question that takes the snapshot: no migration can come in between.
    lock(&mut snapshot, &names).await?;
    let Schema {
        functions,
        tables,
        behind_rows,
    } = schema::read(&mut snapshot).await?;
    if !tables.iter().map(|table| &table.name).eq(&names) {
        return Err(Error::Moved);
    }
    let oldest_binary = migrations::oldest_binary(&mut snapshot).await?;
    let version = snapshot.server_version_num().unwrap_or_default();
    let about_rows = tables.iter().map(|table| table.about_rows).sum::<i64>();
    text.about_rows = Some(u64::try_from(about_rows).unwrap_or_default());
    text.line(FIRST_LINE)?;
    text.line(&format!("{OLDEST_BINARY}{oldest_binary}"))?;
    let (release, version) = (env!("CARGO_PKG_VERSION"), version / 10_000);
    text.line(&format!(
        "-- rejoinder {release}, Postgres {version}, {}",
        to_rfc3339(now)
    ))?;
    text.put(NOTES.as_bytes())?;
    text.line(BEGIN)?;
    text.section("settings")?;
    text.put(SETTINGS.as_bytes())?;
    for statement in &functions {
        text.statement(statement)?;
    }
    for table in &tables {
        text.section(&format!("table {}", table.name))?;
        text.put(table.creation.as_bytes())?;
    }
    for table in &tables {
        rows(&mut snapshot, table, text).await?;
    }
    for statement in &behind_rows {
        text.statement(statement)?;
    }
    text.section("figures for the planner")?;
    for Table { name, .. } in &tables {
        text.line(&format!("analyze {name};"))?;
    }
    let summary = text.finish()?;
    snapshot.commit().await?;
    Ok(summary)
}

/// No migration changes them until the end; nobody else minds.
async fn lock(connection: &mut PgConnection, names: &[String]) -> Result<(), Error> {
    let statement = format!("lock table {} in access share mode", names.join(", "));
    // The names come from the catalogue, quoted by the server.
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
        .execute(connection)
        .await?;
    Ok(())
}

async fn rows<S: Write, R: FnMut(Progress<'_>)>(
    connection: &mut PgConnection,
    table: &Table,
    text: &mut Text<S, R>,
) -> Result<(), Error> {
    let Table { name, columns, .. } = table;
    text.section(&format!("rows of {name}"))?;
    text.line(&format!("copy {name} ({columns}){FROM_STDIN}"))?;
    let copied = format!("copy {name} ({columns}) to stdout");
    let mut rows = connection.copy_out_raw(&copied).await?;
    while let Some(row) = rows.try_next().await? {
        text.row(&row)?;
    }
    text.put(END_OF_ROWS)?;
    Ok(())
}

/// The text under way, with what is told of it.
struct Text<S, R> {
    sink: S,
    report: R,
    digest: Sha256,
    title: String,
    rows: u64,
    bytes: u64,
    about_rows: Option<u64>,
}

impl<S: Write, R: FnMut(Progress<'_>)> Text<S, R> {
    fn new(sink: S, report: R) -> Self {
        Self {
            sink,
            report,
            digest: Sha256::new(),
            title: String::new(),
            rows: 0,
            bytes: 0,
            about_rows: None,
        }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.digest.update(bytes);
        self.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(self.sink.write_all(bytes)?)
    }

    fn line(&mut self, line: &str) -> Result<(), Error> {
        self.put(line.as_bytes())?;
        self.put(b"\n")
    }

    fn section(&mut self, title: &str) -> Result<(), Error> {
        title.clone_into(&mut self.title);
        self.tell();
        self.line(&format!("{SECTION}{title}"))
    }

    fn statement(&mut self, statement: &Statement) -> Result<(), Error> {
        self.section(&statement.title)?;
        self.put(statement.text.as_bytes())
    }

    /// With the end of its line, as the server sends it.
    fn row(&mut self, row: &[u8]) -> Result<(), Error> {
        self.put(row)?;
        self.rows += 1;
        if self.rows.is_multiple_of(ROWS_A_REPORT) {
            self.tell();
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Summary, Error> {
        let digest = hexadecimal(&std::mem::take(&mut self.digest).finalize());
        self.line(&end_line(self.rows, &digest))?;
        self.line(COMMIT)?;
        self.sink.flush()?;
        Ok(Summary {
            rows: self.rows,
            bytes: self.bytes,
        })
    }

    fn tell(&mut self) {
        (self.report)(Progress {
            title: &self.title,
            rows: self.rows,
            bytes: self.bytes,
            about_rows: self.about_rows,
        });
    }
}
