//! What readers write: submitting, reading; the renderer and the avatars.

pub mod avatar;
pub mod decisions;
pub mod model;
pub mod render;
mod store;

// What moderation does with comments. Statements stay in `store`, which no other module knows.
pub use store::decide::{decide_many, decide_one};
pub use store::history::{HISTORY_LINES_MAX, find_admin_comment, load_history};
pub use store::queue::{Order, QueueFilter, list_admin_comments, site_exists};
