//! The only place that knows every module: it puts them together. Must not hold a rule of the trade.

pub mod logs;
