//! `rejoinder serve`: starts the service, tells what a person needs, and waits for its end. Must not know how it is built.

use futures_util::future::LocalBoxFuture;

use super::{
    output,
    welcome::{FirstOwner, FirstPassword, Place, Welcome},
};
use crate::{
    app::logs,
    settings::{LogFormat, Settings},
};

/// A service that has started.
pub struct Started {
    /// The port that it listens on.
    pub port: u16,
    /// Pages that it has.
    pub places: Vec<Place>,
    /// Made by this start, if one was.
    pub first_owner: Option<FirstOwner>,
    /// Ends when the service has been told to stop and has done so.
    pub wait: LocalBoxFuture<'static, anyhow::Result<()>>,
}

/// Starts the service.
pub type Start = fn(Settings) -> LocalBoxFuture<'static, anyhow::Result<Started>>;

pub(super) async fn run(settings: Settings, start: Start) -> anyhow::Result<()> {
    let format = logs::format(&settings.logs);
    let Started {
        port,
        places,
        first_owner,
        wait,
    } = start(settings.clone()).await?;
    let welcome = Welcome::new(&settings, port, places, first_owner);
    match format {
        // Where programs read the log, they would stumble over a text for people.
        LogFormat::Json if !output::is_terminal() => log(&welcome),
        LogFormat::Json | LogFormat::Text => output::say(&welcome),
    }
    wait.await
}

fn log(welcome: &Welcome) {
    let Welcome {
        address,
        first_owner,
        data,
        unsafe_yet,
        ..
    } = welcome;
    tracing::info!(address, "rejoinder is running at {address}, with {data}");
    if let Some(FirstOwner {
        password: FirstPassword::InFile(path),
        ..
    }) = first_owner
    {
        let path = path.display();
        tracing::info!("the first owner's password is in {path}: sign in and change it");
    }
    for finding in unsafe_yet {
        tracing::warn!("not yet safe for production: {finding}");
    }
}
