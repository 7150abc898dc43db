//! Pages for moderators in the browser. Must not know the pages for readers.

pub mod setup;
