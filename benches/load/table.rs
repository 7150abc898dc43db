//! What was measured: rows with their limits, printed as a table or kept as JSON, and two of these compared. Must not know
//! how anything is measured.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// A smaller change between two runs says nothing.
const NOISE: f64 = 0.25;

/// What a row shall reach.
#[derive(Clone, Copy, Serialize, Deserialize, PartialEq, Debug)]
#[serde(rename_all = "snake_case")]
pub(super) enum Wanted {
    AtLeast(f64),
    AtMost(f64),
    /// Told, and judged by nobody.
    Nothing,
}

impl Wanted {
    fn is_reached(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::AtMost(bound) => value <= bound,
            Self::Nothing => true,
        }
    }
}

/// One thing that was measured, against its limit where there is one.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) item: String,
    pub(super) unit: String,
    pub(super) ours: Vec<f64>,
    pub(super) limit: Vec<f64>,
    /// Of the ratio where there is a limit, else of our own figure.
    pub(super) wanted: Wanted,
    /// What else must be known to judge it.
    pub(super) note: String,
}

impl Row {
    /// A figure with no limit but a bound.
    pub(super) fn alone(item: &str, unit: &str, ours: Vec<f64>, wanted: Wanted) -> Self {
        Self::against(item, unit, (ours, Vec::new()), wanted)
    }

    pub(super) fn against(
        item: &str,
        unit: &str,
        (ours, limit): (Vec<f64>, Vec<f64>),
        wanted: Wanted,
    ) -> Self {
        Self {
            item: item.to_owned(),
            unit: unit.to_owned(),
            ours,
            limit,
            wanted,
            note: String::new(),
        }
    }

    pub(super) fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    fn ratio(&self) -> Option<f64> {
        (!self.limit.is_empty()).then(|| median(&self.ours) / median(&self.limit))
    }

    /// The lowest and the highest of our figures, or of the ratios of runs that followed each other.
    fn spread(&self) -> (f64, f64) {
        let figures: Vec<f64> = if self.limit.is_empty() {
            self.ours.clone()
        } else {
            let pairs = self.ours.iter().zip(&self.limit);
            pairs.map(|(ours, limit)| ours / limit).collect()
        };
        let lowest = figures.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = figures.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (lowest, highest)
    }

    /// Whether what was wanted is reached.
    pub(super) fn is_reached(&self) -> bool {
        let judged = self.ratio().unwrap_or_else(|| median(&self.ours));
        self.wanted.is_reached(judged)
    }

    fn line(&self) -> String {
        let limit = if self.limit.is_empty() {
            "–".to_owned()
        } else {
            figure(median(&self.limit))
        };
        let ratio = self
            .ratio()
            .map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
        let (lowest, highest) = self.spread();
        let spread = if self.limit.is_empty() {
            format!("{}–{}", figure(lowest), figure(highest))
        } else {
            format!("{lowest:.2}–{highest:.2}")
        };
        let wanted = match self.wanted {
            Wanted::AtLeast(bound) => format!("≥ {bound}"),
            Wanted::AtMost(bound) => format!("≤ {bound}"),
            Wanted::Nothing => "–".to_owned(),
        };
        let verdict = match (self.wanted, self.is_reached()) {
            (Wanted::Nothing, _) => "",
            (_, true) => "yes",
            (_, false) => "**NO**",
        };
        let ours = figure(median(&self.ours));
        let (item, unit, note) = (&self.item, &self.unit, &self.note);
        format!(
            "| {item} | {unit} | {ours} | {limit} | {ratio} | {spread} | {wanted} | {verdict} | {note} |"
        )
    }
}

/// All rows of a run, and what it ran on.
#[derive(Serialize, Deserialize, Default)]
pub(super) struct Table {
    pub(super) about: Vec<(String, String)>,
    pub(super) rows: Vec<Row>,
}

const HEAD: &str = "| item | unit | ours | limit | ratio | spread | wanted | reached | note |\n\
    |---|---|---|---|---|---|---|---|---|";

impl Table {
    /// As Markdown.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (what, value) in &self.about {
            writeln!(text, "- {what}: {value}").unwrap();
        }
        writeln!(text, "\n{HEAD}").unwrap();
        for row in &self.rows {
            writeln!(text, "{}", row.line()).unwrap();
        }
        let missed: Vec<&str> = self
            .rows
            .iter()
            .filter(|row| !row.is_reached())
            .map(|row| row.item.as_str())
            .collect();
        if missed.is_empty() {
            writeln!(text, "\nAll that is wanted of these is reached.").unwrap();
        } else {
            writeln!(text, "\nNOT REACHED: {}", missed.join("; ")).unwrap();
        }
        text
    }

    /// How this differs from an earlier run, row by row.
    pub(super) fn compare(&self, earlier: &Self) -> String {
        let mut text = String::from(
            "| item | unit | earlier | now | change | earlier ratio | ratio now |\n|---|---|---|---|---|---|---|\n",
        );
        for row in &self.rows {
            let Some(before) = earlier.rows.iter().find(|before| before.item == row.item) else {
                continue;
            };
            let (was, is) = (median(&before.ours), median(&row.ours));
            let change = is / was - 1.0;
            let noise = if change.abs() < NOISE { " (noise)" } else { "" };
            let ratio = |row: &Row| {
                row.ratio()
                    .map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"))
            };
            writeln!(
                text,
                "| {} | {} | {} | {} | {:+.0} %{noise} | {} | {} |",
                row.item,
                row.unit,
                figure(was),
                figure(is),
                change * 100.0,
                ratio(before),
                ratio(row)
            )
            .unwrap();
        }
        text
    }
}

/// With as many digits as mean something.
pub(super) fn figure(value: f64) -> String {
    if value.abs() >= 100.0 {
        format!("{value:.0}")
    } else if value.abs() >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// The middle one; of an even number the lower of the two in the middle.
pub(super) fn median(figures: &[f64]) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    figures
        .get(figures.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or(f64::NAN)
}

/// The figure that so many of a hundred are below.
pub(super) fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or(f64::NAN)
}
