//! The words of pages, for whoever looks something up in them all. Must not know what is looked for.

pub use crate::sites::store::titles::{PageWords, list_words, replace_title};
