//! Packs the server programs of the feature `bundled-postgres` for `src/database/embedded/bundle.rs`.
fn main() {
    println!("cargo::rustc-check-cfg=cfg(bundled_postgres)");
}
