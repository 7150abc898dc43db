//! What readers write: submitting, reading; the renderer and the avatars.

pub mod avatar;
pub mod model;
pub mod render;
