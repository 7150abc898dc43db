//! Rejoinder: self-hosted comment moderation. The modules, from low to high; each knows only what stands above it.

/// Words without I/O: ids, clock, random, text hygiene, e-mail, page URL, paging, codes of refusals.
pub mod base;
/// What the operator sets: flags, environment, file; all mistakes at once.
pub mod settings;
/// Postgres: connections under deadlines, migrations, the embedded default.
pub mod database;
/// HTTP that is the same for all: problem documents, extractors, client address, limits, headers.
pub mod web;
/// Moderators, roles, sessions, passwords; extractors that say who calls.
pub mod accounts;
/// Sites, their origins and policy, their pages.
pub mod sites;
/// What readers write: submit, read; the renderer and the avatars.
pub mod comments;
/// The queue, decisions, history.
pub mod moderation;
/// Pages and pictures for readers.
pub mod reader;
/// The only place that knows everybody: start-up, routes, workers, the OpenAPI document.
pub mod app;
/// The command line.
pub mod cli;
