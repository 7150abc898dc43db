//! Starts the embedded database and holds it; a stand-in for the command line.

use std::path::PathBuf;
use std::process::ExitCode;

use rejoinder::database::embedded;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(first) = arguments.next() else {
        return ExitCode::from(2);
    };
    if first == "postgres-keeper" {
        return embedded::keep(arguments);
    }
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|cause| cause.to_string())
        .and_then(|runtime| runtime.block_on(hold(first.into(), arguments.next().map(Into::into))));
    outcome.map_or_else(
        |cause| {
            say(&format!("rejoinder: {cause}"));
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

async fn hold(data_dir: PathBuf, programs: Option<PathBuf>) -> Result<(), String> {
    let options = embedded::Options {
        data_dir,
        programs,
        keeper: std::env::current_exe().map_err(|cause| cause.to_string())?,
        durability: embedded::Durability::Durable,
    };
    let running = embedded::start(options)
        .await
        .map_err(|cause| cause.to_string())?;
    say(&format!("ready {}", running.data_dir().display()));
    let mut signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .map_err(|cause| cause.to_string())?;
    let end_of_input =
        tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    tokio::select! {
        _ = signal.recv() => {}
        _ = end_of_input => {}
    }
    running.stop().await.map_err(|cause| cause.to_string())?;
    say("stopped");
    std::process::exit(0)
}

#[expect(clippy::print_stderr, reason = "a stand-in without output.rs")]
fn say(line: &str) {
    eprintln!("{line}");
}
