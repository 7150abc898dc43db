//! `rejoinder serve`: starts the service, tells what a person needs, and waits for its end. Must not know how it is built.

use sd_notify::NotifyState;

use super::output;
use super::welcome::{FirstOwner, FirstPassword, PLACES, Welcome};
use crate::app::logs;
use crate::app::startup::{self, Audience, Generated, NewOwner};
use crate::settings::{LogFormat, Settings};

pub(super) async fn run(settings: Settings) -> anyhow::Result<()> {
    let format = logs::format(&settings.logs);
    let audience = if output::is_terminal() {
        Audience::Person
    } else {
        Audience::Machine
    };
    let mut running = startup::start(settings.clone(), audience).await?;
    let first_owner = running.first_owner.take().map(introduce);
    let welcome = Welcome::new(&settings, running.port, PLACES.to_vec(), first_owner)
        .with_data_dir(running.data_dir.as_deref());
    match (format, audience) {
        // Where programs read the log, they would stumble over a text for people.
        (LogFormat::Json, Audience::Machine) => log(&welcome),
        _ => output::say(&welcome),
    }
    drop(welcome);
    // Does nothing unless systemd (or its like) asked to be told, by `NOTIFY_SOCKET`.
    if let Err(error) = sd_notify::notify(&[NotifyState::Ready]) {
        tracing::warn!(%error, "the service manager can't be told that the service is ready");
    }
    running.wait().await
}

fn introduce(owner: NewOwner) -> FirstOwner {
    FirstOwner {
        email: owner.email,
        password: match owner.generated {
            None => FirstPassword::AsSet,
            Some(Generated::Here(password)) => FirstPassword::Shown(password),
            Some(Generated::File(path)) => FirstPassword::InFile(path),
        },
    }
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
