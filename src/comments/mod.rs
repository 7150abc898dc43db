//! Comments: what readers write, from the words of a draft to the HTML that is shown.

pub mod avatar;
pub mod render;
