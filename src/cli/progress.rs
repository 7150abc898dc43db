//! How far long work has come: a bar on a terminal, else a line now and then. Must not know the work.

use std::cell::Cell;
use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output;

/// Without a terminal a line comes so often.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// The bar, what is done of what there is, the rate, the time left.
const TEMPLATE: &str = "{bar:40} {human_pos} of {human_len} {msg}, {per_sec:.0}, {eta} left";

/// Long work whose amount is known beforehand.
pub(super) struct Progress {
    bar: ProgressBar,
    shown: Shown,
    began: Instant,
    /// When the last line was written.
    told: Cell<Instant>,
    what: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Bar,
    Lines,
}

impl Progress {
    /// Of so many of these, as in "1,000 comments". Shown on standard error.
    pub(super) fn of(total: u64, what: &'static str) -> Self {
        let shown = if io::stderr().is_terminal() {
            Shown::Bar
        } else {
            Shown::Lines
        };
        let target = match shown {
            Shown::Bar => ProgressDrawTarget::stderr(),
            Shown::Lines => ProgressDrawTarget::hidden(),
        };
        let style = ProgressStyle::with_template(TEMPLATE)
            .unwrap_or_else(|_unsound| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(Some(total), target)
            .with_style(style)
            .with_message(what);
        let now = Instant::now();
        Self {
            bar,
            shown,
            began: now,
            told: Cell::new(now),
            what,
        }
    }

    /// So many more are done.
    pub(super) fn add(&self, done: u64) {
        self.bar.inc(done);
        if self.shown == Shown::Lines && self.told.get().elapsed() >= LINE_EVERY {
            self.told.set(Instant::now());
            let (position, total) = (self.bar.position(), self.bar.length().unwrap_or_default());
            let rate = rate(position, self.began.elapsed());
            let left = (total.saturating_sub(position))
                .checked_div(rate)
                .unwrap_or_default();
            let what = self.what;
            output::note(&format!(
                "{position} of {total} {what}, {rate}/s, {left} s left"
            ));
        }
    }

    /// All is done: the bar goes, and the rest is said.
    pub(super) fn finish(self) -> Summary {
        self.bar.finish_and_clear();
        let took = self.began.elapsed();
        Summary {
            took_seconds: took.as_secs_f64(),
            rate: rate(self.bar.position(), took),
        }
    }
}

/// How it went.
pub(super) struct Summary {
    /// How long it took.
    pub(super) took_seconds: f64,
    /// How many a second.
    pub(super) rate: u64,
}

/// So many a second.
fn rate(done: u64, took: Duration) -> u64 {
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
    done.saturating_mul(1_000) / milliseconds
}
