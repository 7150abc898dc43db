//! Words without I/O that every module speaks. Must not know any other module.

pub mod change;
pub mod clock;
pub mod codes;
pub mod complaint;
pub mod email;
pub mod fingerprint;
pub mod ids;
pub mod mentions;
pub mod page_url;
pub mod paging;
pub mod random;
pub mod secret;
pub mod text;
pub mod trace;
