//! The moderators' list: filters, order, pages, and who may find what.
