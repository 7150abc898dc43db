//! What the caller wants, from the command line. Must not know how it is done.

use std::path::PathBuf;

use super::fill::Filling;

/// One chapter of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Item {
    Submit,
    Cached,
    Uncached,
    Scale,
    Decide,
    Footprint,
    Overload,
}

impl Item {
    const ALL: [Self; 7] = [
        Self::Submit,
        Self::Cached,
        Self::Uncached,
        Self::Decide,
        Self::Footprint,
        Self::Overload,
        Self::Scale,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Cached => "cached",
            Self::Uncached => "uncached",
            Self::Scale => "scale",
            Self::Decide => "decide",
            Self::Footprint => "footprint",
            Self::Overload => "overload",
        }
    }

    /// Its number in docs/performance.md.
    fn number(self) -> &'static str {
        match self {
            Self::Submit => "1",
            Self::Cached => "2",
            Self::Uncached => "3",
            Self::Scale => "4",
            Self::Decide => "5",
            Self::Footprint => "6",
            Self::Overload => "7",
        }
    }
}

/// All that can be wanted.
#[derive(Default)]
pub(super) struct Wishes {
    quick: bool,
    only: Vec<Item>,
    pub(super) rows: u64,
    pub(super) json: Option<PathBuf>,
    pub(super) compare: Option<PathBuf>,
    pub(super) postgres_bin: Option<PathBuf>,
    pub(super) keep: Option<PathBuf>,
}

/// Comments that all items but `scale` run on.
pub(super) const FEW: u64 = 10_000;
/// Of the issue: what one site may collect in ten years.
const MANY: u64 = 10_000_000;
/// More decisions a second than a machine of this size can take.
const DECISIONS: u64 = 5_000;

impl Wishes {
    pub(super) fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut wishes = Self {
            rows: MANY,
            ..Self::default()
        };
        let mut words = arguments.iter().peekable();
        while let Some(word) = words.next() {
            let mut value = || {
                let value = words.next();
                value.ok_or_else(|| format!("{word} wants a value"))
            };
            match word.as_str() {
                // Cargo's own.
                "--bench" => {}
                "--quick" => wishes.quick = true,
                "--rows" => {
                    let text = value()?.replace(['_', ','], "");
                    wishes.rows = text.parse().map_err(|_| format!("{text} is no number"))?;
                }
                "--json" => wishes.json = Some(value()?.into()),
                "--compare" => wishes.compare = Some(value()?.into()),
                "--postgres-bin" => wishes.postgres_bin = Some(value()?.into()),
                "--keep" => wishes.keep = Some(value()?.into()),
                "--only" => {
                    while let Some(name) = words.next_if(|word| !word.starts_with("--")) {
                        let of = |item: &Item| item.name() == name || item.number() == name;
                        let item = Item::ALL.into_iter().find(of);
                        wishes.only.push(item.ok_or_else(|| {
                            let names = Item::ALL.map(Item::name).join(", ");
                            format!("{name} is no item: {names}")
                        })?);
                    }
                }
                other => {
                    return Err(format!(
                        "{other} is unknown; the head of benches/load/main.rs says what there is"
                    ));
                }
            }
        }
        Ok(wishes)
    }

    /// In the order in which they run: what fills the tables comes late.
    pub(super) fn items(&self) -> Vec<Item> {
        let quick = [Item::Submit, Item::Cached, Item::Uncached, Item::Decide];
        let wanted = |item: &Item| match (self.only.is_empty(), self.quick) {
            (false, _) => self.only.contains(item),
            (true, true) => quick.contains(item),
            (true, false) => true,
        };
        Item::ALL.into_iter().filter(wanted).collect()
    }

    pub(super) fn is_quick(&self) -> bool {
        self.quick
    }

    /// How long one run of a generator takes.
    pub(super) fn seconds(&self) -> u32 {
        if self.quick { 2 } else { 8 }
    }

    /// Seconds of the run before them that isn't counted: caches fill, pages change for the first time since the checkpoint.
    pub(super) fn warm_up(&self) -> u32 {
        self.seconds() / 2
    }

    /// Runs of each, after one to warm up.
    pub(super) fn repeats(&self) -> u32 {
        if self.quick { 3 } else { 5 }
    }

    /// Seconds of a chapter at one number of connections, its warm-up included.
    fn stretch(&self) -> u64 {
        u64::from(self.seconds() * self.repeats() + self.warm_up())
    }

    pub(super) fn filling(&self) -> Filling {
        let pending = if self.items().contains(&Item::Decide) {
            2 * DECISIONS * self.stretch()
        } else {
            0
        };
        Filling { rows: FEW, pending }
    }
}
