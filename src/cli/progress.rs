//! How far long work has come: a bar on a terminal, else a line now and then. To standard error, since standard output may
//! carry the work's result. Must not know the work.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output;

/// How often a line is written where there is no terminal.
const LINE_PERIOD: Duration = Duration::from_secs(10);

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Of a number that is guessed.
    Rows,
    Comments,
    Bytes,
}

/// Something that takes a while.
pub(super) struct LongWork {
    bar: ProgressBar,
    unit: Unit,
    told_at: Instant,
}

impl LongWork {
    /// Of so many units altogether; none where nobody knows.
    pub(super) fn begin(unit: Unit, total: Option<u64>) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
        let work = Self {
            bar,
            unit,
            told_at: Instant::now(),
        };
        work.bar.set_style(work.style());
        work
    }

    /// It has come to this, and is at this point.
    pub(super) fn tell(&mut self, done: u64, point: &str) {
        // An estimate may have been too low.
        if self.bar.length().is_some_and(|total| total < done) {
            self.bar.set_length(done);
        }
        self.bar.set_position(done);
        if self.bar.message() != point {
            self.bar.set_message(point.to_owned());
        }
        if self.bar.is_hidden() && self.told_at.elapsed() >= LINE_PERIOD {
            self.told_at = Instant::now();
            output::tell(&self.line(done, point));
        }
    }

    /// So many altogether, as is known now.
    pub(super) fn expect(&mut self, total: u64) {
        if self.bar.length().is_none() && total > 0 {
            self.bar.set_length(total);
            self.bar.set_style(self.style());
        }
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn line(&self, done: u64, point: &str) -> String {
        let of = match (self.unit, self.bar.length()) {
            (Unit::Rows, None) => format!("{done} rows"),
            (Unit::Rows, Some(total)) => format!("{done} of about {total} rows"),
            (Unit::Comments, None) => format!("{done} comments"),
            (Unit::Comments, Some(total)) => format!("{done} of {total} comments"),
            (Unit::Bytes, None) => format!("{} MB", done / 1_000_000),
            (Unit::Bytes, Some(total)) => {
                format!("{} of {} MB", done / 1_000_000, total / 1_000_000)
            }
        };
        format!("{of}, at {point}")
    }

    fn style(&self) -> ProgressStyle {
        let template = match (self.unit, self.bar.length()) {
            (Unit::Rows, None) => "{spinner} {human_pos} rows, {per_sec}  {msg}",
            (Unit::Rows, Some(_)) => {
                "{bar:24} {human_pos} of about {human_len} rows, {per_sec}, {eta} left  {msg}"
            }
            (Unit::Comments, None) => "{spinner} {human_pos} comments, {per_sec}  {msg}",
            (Unit::Comments, Some(_)) => {
                "{bar:24} {human_pos} of {human_len} comments, {per_sec}, {eta} left  {msg}"
            }
            (Unit::Bytes, None) => "{spinner} {decimal_bytes}, {decimal_bytes_per_sec}  {msg}",
            (Unit::Bytes, Some(_)) => {
                "{bar:24} {decimal_bytes} of {decimal_total_bytes}, {decimal_bytes_per_sec}, {eta} left  {msg}"
            }
        };
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
    }
}
