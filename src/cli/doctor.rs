//! `rejoinder doctor`: says what is right, what isn't, and what to do. Must not know how it is found out.

use std::fmt;
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;

use super::{FAILURE, output};
use crate::app::doctor::{self, Finding, Level};
use crate::settings::{Mistake, Settings};

/// The form of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// All that was found.
#[derive(Serialize)]
struct Report {
    /// The worst of them.
    level: Level,
    findings: Vec<Finding>,
}

/// Prints the report; 0 also with warnings, 1 with a problem. Nothing is logged: the report says it all.
pub(super) fn run(settings: Result<Settings, Vec<Mistake>>, format: Format) -> ExitCode {
    let findings = match settings {
        Err(mistakes) => doctor::of_mistakes(&mistakes),
        Ok(settings) => {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build();
            match runtime {
                Ok(runtime) => runtime.block_on(doctor::examine(&settings)),
                Err(error) => {
                    let what = format!("while starting the runtime: {error}");
                    output::complain(&what, &"end other programs, and ask again");
                    return ExitCode::from(FAILURE);
                }
            }
        }
    };
    let level = findings.iter().map(|finding| finding.level).max();
    let report = Report {
        level: level.unwrap_or(Level::Ok),
        findings,
    };
    match format {
        Format::Text => output::say(&report),
        // What is in it can all be written as JSON.
        Format::Json => output::say(&serde_json::to_string_pretty(&report).unwrap_or_default()),
    }
    match report.level {
        Level::Ok | Level::Warning => ExitCode::SUCCESS,
        Level::Problem => ExitCode::from(FAILURE),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            let (level, check) = (finding.level.as_str(), finding.check);
            writeln!(f, "{level:<8} {check:<12} {}", finding.message)?;
            if let Some(remedy) = &finding.remedy {
                writeln!(f, "{:<22}try: {remedy}", "")?;
            }
        }
        let of = |level| {
            let matching = self
                .findings
                .iter()
                .filter(|finding| finding.level == level);
            matching.count()
        };
        write!(
            f,
            "\n{} ok, {} warnings, {} problems",
            of(Level::Ok),
            of(Level::Warning),
            of(Level::Problem)
        )
    }
}
