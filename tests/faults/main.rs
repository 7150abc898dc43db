//! What goes wrong in the world, really caused: killed, cut off, full, in the way. Must not know how the code answers it.

#[cfg(test)]
mod embedded;
