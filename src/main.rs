//! The program: hands the command line to `cli`. Must not know anything else.

use std::process::ExitCode;

fn main() -> ExitCode {
    rejoinder::cli::run(std::env::args_os())
}
