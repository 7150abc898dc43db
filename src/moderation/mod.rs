//! The moderators' work: the queue, decisions, history.
