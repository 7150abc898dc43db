//! Pages, pictures and feeds for readers: avatars, the pages of problems, the front page. Must not know the desk.

mod atom;
pub mod avatars;
pub mod feeds;
pub mod pages;
