//! Words without I/O that every module speaks. Must not know any other module.

pub mod complaint;
