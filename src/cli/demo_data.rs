//! `rejoinder demo-data`: made comments for trying out and measuring. Must not know how they are made.

use std::cell::{Cell, RefCell};
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::advice::{Cause, Refusal};
use super::interrupts::unless_interrupted;
use super::output;
use super::progress::{LongWork, Unit};
use crate::accounts::model::Role;
use crate::accounts::{Operator, PasswordCost};
use crate::app::startup::{self, Tools};
use crate::base::clock::Clock;
use crate::base::ids::ModeratorId;
use crate::demo::{self, COMMENTS_MAX, PAGES_MAX, Wanted};
use crate::settings::Settings;

const INTERRUPTED: Refusal = Refusal {
    what: "it was interrupted, and what was stored stays",
    what_to_do: "take another --seed for more",
    cause: Cause::State,
};

#[derive(Args)]
pub(super) struct DemoData {
    /// How many comments
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=COMMENTS_MAX))]
    comments: u64,
    /// How many pages they are on; the first ones have the most
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=PAGES_MAX))]
    pages: u64,
    /// The same seed makes the same comments, another one others
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The slug of the site that gets them
    #[arg(long, default_value = "default")]
    site: String,
    /// When the last ones are, as 2026-11-24T12:00:00Z; now where it is missing
    #[arg(long, value_parser = parse_time)]
    until: Option<OffsetDateTime>,
}

fn parse_time(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|error| format!("must be a time such as 2026-11-24T12:00:00Z: {error}"))
}

pub(super) async fn run(settings: &Settings, asked: DemoData) -> anyhow::Result<()> {
    let work = startup::with_tools(settings, async |tools| make(&tools, &asked).await);
    unless_interrupted(work, INTERRUPTED).await
}

async fn make(tools: &Tools, asked: &DemoData) -> anyhow::Result<()> {
    let site = tools.sites.find_by_slug(&asked.site).ok_or(Refusal {
        what: "no site has this slug",
        what_to_do: "name one with --site",
        cause: Cause::State,
    })?;
    let clock = Clock::new();
    let wanted = Wanted {
        comments: asked.comments,
        pages: asked.pages,
        seed: asked.seed,
        until: asked.until.unwrap_or_else(|| clock.now()),
    };
    let moderators = who_decides(tools, clock).await?;
    let began = Instant::now();
    let work = RefCell::new(LongWork::begin(Unit::Comments, Some(asked.comments)));
    let done = Cell::new(0);
    let stored = |number: usize| {
        done.set(done.get() + u64::try_from(number).unwrap_or_default());
        work.borrow_mut().tell(done.get(), "stored");
    };
    let (sites, comments) = (&tools.sites, &tools.comments);
    let outcome = demo::fill(sites, comments, &site, moderators, wanted, &stored).await;
    work.borrow().end();
    match outcome {
        Err(demo::Error::ThereAlready) => Err(Refusal {
            what: "comments of this seed are there already",
            what_to_do: "take another --seed",
            cause: Cause::State,
        }
        .into()),
        outcome => outcome.context("while storing made comments"),
    }?;
    output::say(&format!(
        "made {} comments on {} pages of the site {} in {:.1} s",
        asked.comments,
        asked.pages,
        asked.site,
        began.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// Whoever may decide; decisions are by the service itself where there is nobody.
async fn who_decides(tools: &Tools, clock: Clock) -> anyhow::Result<Vec<ModeratorId>> {
    let operator = Operator::new(tools.database.clone(), clock, PasswordCost::Standard);
    let people = operator
        .list()
        .await
        .context("while looking for moderators")?;
    let able = people
        .iter()
        .map(|person| &person.moderator)
        .filter(|moderator| moderator.role != Role::Viewer);
    Ok(able.map(|moderator| moderator.id).collect())
}
