//! Rejoinder: self-hosted comment moderation. The modules, from low to high; each knows only what stands above it.

/// Moderators, roles, sessions, passwords; extractors that say who calls.
pub mod accounts;
/// The only place that knows everybody: start-up, routes, workers, the OpenAPI document.
pub mod app;
/// The append-only log of administrative acts.
pub mod audit;
/// Words without I/O: ids, clock, random, text hygiene, e-mail, page URL, paging, codes of refusals.
pub mod base;
/// The command line.
pub mod cli;
/// What readers write: submit, read; the renderer and the avatars.
pub mod comments;
/// Postgres: connections under deadlines, migrations, the embedded default.
pub mod database;
/// Believable comments for trying out.
pub mod demo;
/// Pages for moderators in the browser.
pub mod desk;
/// Work beside requests: the queue in Postgres.
pub mod jobs;
/// The queue, decisions, history.
pub mod moderation;
/// Pages, pictures and feeds for readers.
pub mod reader;
/// What the operator sets: flags, environment, file; all mistakes at once.
pub mod settings;
/// Sites, their origins and policy, their pages.
pub mod sites;
/// The export of a site.
pub mod transfer;
/// HTTP that is the same for all: problem documents, extractors, client address, limits, headers.
pub mod web;
