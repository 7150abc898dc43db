//! All SQL of what moderation keeps beside comments. Must not know HTTP.

pub(in crate::moderation) mod erase;
