//! All SQL that writes comments and their history, and its reads. Must not know policy or HTTP.

pub(in crate::comments) mod read;
pub(in crate::comments) mod submit;
