//! How far long work has come: a bar on a terminal, else a line now and then. To standard error, since standard output may
//! carry the work's result. Must not know the work.

use std::time::{Duration, Instant};

use indicatif::{
    DecimalBytes, HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle,
};

use super::output;

/// How often a line is written where there is no terminal.
const LINE_PERIOD: Duration = Duration::from_secs(10);
/// How often the text beside a bar is made anew.
const BAR_PERIOD: Duration = Duration::from_millis(100);

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Of a number that is guessed.
    Rows,
    Comments,
    Bytes,
}

/// Something that takes a while. Dropped, it takes its bar away.
pub(super) struct LongWork {
    bar: ProgressBar,
    unit: Unit,
    told_at: Option<Instant>,
}

impl LongWork {
    /// Of so many units altogether; none where nobody knows.
    pub(super) fn begin(unit: Unit, total: Option<u64>) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
        let work = Self {
            bar,
            unit,
            told_at: None,
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
        let period = if self.bar.is_hidden() {
            LINE_PERIOD
        } else {
            BAR_PERIOD
        };
        if *self.told_at.get_or_insert_with(Instant::now) + period > Instant::now() {
            return;
        }
        self.told_at = Some(Instant::now());
        let line = self.line(done, point);
        if self.bar.is_hidden() {
            output::tell(&line);
        } else {
            self.bar.set_message(line);
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

    /// What matters most comes first: a narrow terminal shows the beginning only.
    fn line(&self, done: u64, point: &str) -> String {
        let total = self.bar.length();
        let number = |number| match self.unit {
            Unit::Rows | Unit::Comments => HumanCount(number).to_string(),
            Unit::Bytes => DecimalBytes(number).to_string(),
        };
        let of = match (self.unit, total) {
            (_, None) => String::new(),
            (Unit::Rows, Some(total)) => format!(" of about {}", number(total)),
            (Unit::Comments | Unit::Bytes, Some(total)) => format!(" of {}", number(total)),
        };
        let unit = match self.unit {
            Unit::Rows => " rows",
            Unit::Comments => " comments",
            Unit::Bytes => "",
        };
        let left = match total {
            Some(_) => format!(", {:#} left", HumanDuration(self.bar.eta())),
            None => String::new(),
        };
        let rate = match self.unit {
            Unit::Rows | Unit::Comments => format!("{:.0}", self.bar.per_sec()),
            Unit::Bytes => format!("{:.1} MB", self.bar.per_sec() / 1e6),
        };
        format!("{}{of}{unit}{left}, {rate}/s, {point}", number(done))
    }

    /// The text is cut off at the terminal's width, so that it never needs a second line.
    fn style(&self) -> ProgressStyle {
        let template = match self.bar.length() {
            None => "{spinner} {wide_msg}",
            Some(_) => "{bar:10} {wide_msg}",
        };
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
    }
}
