//! Pages and pictures for readers: avatars, the pages of problems, the front page. Must not know the desk.

pub mod avatars;
pub mod pages;
