//! Which kinds of jobs there are here, what runs them, and which come by themselves. Must not know how jobs are stored.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use time::Duration;

use super::model::{Failure, Progress, Run};

type Outcome = Pin<Box<dyn Future<Output = Result<Progress, Failure>> + Send>>;

/// What runs a kind of job.
pub(super) type Handler = Arc<dyn Fn(Run) -> Outcome + Send + Sync>;

/// A kind that is enqueued again and again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    pub(super) kind: &'static str,
    pub(super) every: Duration,
}

/// The kinds that this release knows. Jobs of other kinds are left to releases that know them.
#[derive(Clone, Default)]
pub struct Handlers {
    by_kind: BTreeMap<&'static str, Handler>,
    schedules: Vec<Schedule>,
}

impl Handlers {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Jobs of this kind are run so.
    #[must_use]
    pub fn on<F, R>(mut self, kind: &'static str, handler: F) -> Self
    where
        F: Fn(Run) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Progress, Failure>> + Send + 'static,
    {
        self.by_kind
            .insert(kind, Arc::new(move |run| Box::pin(handler(run))));
        self
    }

    /// Jobs of this kind are run so, and one is enqueued each time this time has passed, by one of all instances. While
    /// the one before isn't done yet, no other is made. Its payload is a [`Since`](crate::jobs::model::Since).
    #[must_use]
    pub fn every<F, R>(mut self, every: Duration, kind: &'static str, handler: F) -> Self
    where
        F: Fn(Run) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Progress, Failure>> + Send + 'static,
    {
        self.schedules.push(Schedule { kind, every });
        self.on(kind, handler)
    }

    pub(super) fn kinds(&self) -> Vec<String> {
        self.names().map(str::to_owned).collect()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.by_kind.keys().copied()
    }

    pub(super) fn find(&self, kind: &str) -> Option<(&'static str, Handler)> {
        self.by_kind
            .get_key_value(kind)
            .map(|(kind, handler)| (*kind, Arc::clone(handler)))
    }

    pub(super) fn schedules(&self) -> &[Schedule] {
        &self.schedules
    }
}
