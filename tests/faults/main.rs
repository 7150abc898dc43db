//! What goes wrong in the world, really caused: killed, cut off, full, in the way. Must not know how the code answers it.

#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod embedded;
#[cfg(test)]
mod service;
