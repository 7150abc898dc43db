//! What moderation does with comments: lists them, decides, reads their history. Must not know who may do what.
//!
//! Each stands in the store and owns no more than its statements, so it is handed on as it stands.

pub use crate::comments::store::authors::{find_author, find_site_of};
pub use crate::comments::store::decide::{Ask, decide_free, decide_many, decide_whole};
pub use crate::comments::store::erase::delete_comments;
pub use crate::comments::store::history::{HISTORY_LINES_MAX, find_admin_comment, load_history};
pub use crate::comments::store::items::load_queued;
pub use crate::comments::store::mentions::{find_end_of_chunk, load_texts};
pub use crate::comments::store::move_page::{Moved, await_submissions, move_comments};
pub use crate::comments::store::persons::{
    count_of_author, find_latest_author, find_of_author, load_of_author,
};
pub use crate::comments::store::places::find_places;
pub use crate::comments::store::queue::{
    LOOKED_MAX, Search, count_matching, find_free, find_matching, look,
};
pub use crate::comments::store::reports::load_reports;
