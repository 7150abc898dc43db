//! The program: hands the command line to `cli`. Must not know anything else.

use std::process::ExitCode;

use rejoinder::cli::{Hooks, run};

fn main() -> ExitCode {
    let hooks = Hooks {
        start: |_| Box::pin(async { anyhow::bail!("there is nothing to serve yet") }),
        migrate: |_| Box::pin(async { anyhow::bail!("there is nothing to migrate yet") }),
        keep_postgres: |_| anyhow::bail!("there is no keeper yet"),
    };
    run(std::env::args_os(), hooks)
}
