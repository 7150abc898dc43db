//! All SQL that writes comments and their history, and its reads. Must not know policy or HTTP.

mod admin_row;
pub(in crate::comments) mod authors;
pub(in crate::comments) mod counts;
pub(in crate::comments) mod decide;
pub(in crate::comments) mod edit;
pub(in crate::comments) mod edit_own;
pub(in crate::comments) mod erase;
pub(in crate::comments) mod facts;
pub(in crate::comments) mod feed;
pub(in crate::comments) mod history;
pub(in crate::comments) mod items;
pub(in crate::comments) mod list;
pub(in crate::comments) mod locks;
pub(in crate::comments) mod mentions;
pub(in crate::comments) mod move_page;
pub(in crate::comments) mod past;
pub(in crate::comments) mod persons;
pub(in crate::comments) mod places;
pub(in crate::comments) mod queue;
pub(in crate::comments) mod read;
pub(in crate::comments) mod reply;
pub(in crate::comments) mod reports;
pub(in crate::comments) mod retention;
pub(in crate::comments) mod submit;
pub(in crate::comments) mod votes;
