//! Packs the server programs of the feature `bundled-postgres` into one archive for `src/database/embedded/bundle.rs`.
//!
//! The artifact crates tell where their files are in a manifest each. Where the target has no such crates, or the feature
//! is off, nothing is packed and `cfg(bundled_postgres)` isn't set.
//!
//! The archive is gzip over, for each file: length of the name (u32, little endian), name, 1 when executable else 0, length
//! of the file (u64, little endian), the file.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

const RUNTIME: &str = "DEP_OLIPHAUNT_ARTIFACT_LIBOLIPHAUNT_NATIVE_LINUX_X64_GNU_MANIFEST";
const EXTENSIONS: &str = "DEP_OLIPHAUNT_ARTIFACT_EXTENSION_CONTRIB_PG18_LINUX_X64_GNU_MANIFEST";
/// The extensions that migrations may create; each is a few files.
const EXTENSIONS_WANTED: [&str; 1] = ["pg_trgm"];
/// Clients and tools that a server never loads.
const NOT_NEEDED: [&str; 4] = [
    "bin/pg_ctl",
    "lib/libecpg",
    "lib/libpgtypes",
    "lib/modules/",
];

struct Packed {
    name: String,
    source: PathBuf,
    sha256: String,
    is_executable: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    tell("rustc-check-cfg=cfg(bundled_postgres)");
    tell("rerun-if-changed=build.rs");
    let (Some(runtime), Some(extensions)) = (find(RUNTIME), find(EXTENSIONS)) else {
        return Ok(());
    };
    let mut files = runtime_files(&manifest(&runtime)?)?;
    files.extend(extension_files(&manifest(&extensions)?)?);
    files.retain(|file| {
        !NOT_NEEDED
            .iter()
            .any(|prefix| file.name.starts_with(prefix))
    });
    let archive = pack(&files)?;
    let out = PathBuf::from(find("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    fs::write(out.join("postgres.bundle"), &archive)?;
    tell("rustc-cfg=bundled_postgres");
    // Cargo hands it to what it runs, too: a name that begins like our settings would be taken for a wrong one.
    tell(&format!(
        "rustc-env=BUNDLED_POSTGRES_SHA256={}",
        sha256_hex(&archive)
    ));
    Ok(())
}

fn manifest(path: &str) -> Result<toml::Table, Box<dyn Error>> {
    tell(&format!("rerun-if-changed={path}"));
    Ok(fs::read_to_string(path)?.parse()?)
}

/// Everything below `runtime/`, without that.
fn runtime_files(manifest: &toml::Table) -> Result<Vec<Packed>, Box<dyn Error>> {
    let mut files = listed(manifest)?;
    files.retain_mut(|file| match file.name.strip_prefix("runtime/") {
        Some(name) => {
            file.name = name.to_owned();
            true
        }
        None => false,
    });
    Ok(files)
}

fn extension_files(manifest: &toml::Table) -> Result<Vec<Packed>, Box<dyn Error>> {
    let mut files = Vec::new();
    let extensions = manifest.get("extensions").and_then(toml::Value::as_array);
    for extension in extensions.ok_or("the manifest lists no extensions")? {
        let extension = extension.as_table().ok_or("an extension is no table")?;
        let name = extension.get("extension").and_then(toml::Value::as_str);
        if name.is_some_and(|name| EXTENSIONS_WANTED.contains(&name)) {
            files.extend(listed(extension)?);
        }
    }
    Ok(files)
}

fn listed(table: &toml::Table) -> Result<Vec<Packed>, Box<dyn Error>> {
    let files = table.get("files").and_then(toml::Value::as_array);
    files
        .ok_or("the manifest lists no files")?
        .iter()
        .map(|file| {
            let text = |key: &str| {
                file.get(key)
                    .and_then(toml::Value::as_str)
                    .ok_or("a file lacks a field")
            };
            let name = text("relative")?.to_owned();
            // The manifest marks programs only for some targets.
            let is_executable = name.contains("bin/")
                || file.get("executable").and_then(toml::Value::as_bool) == Some(true);
            let (source, sha256) = (text("source")?.into(), text("sha256")?.to_owned());
            Ok(Packed {
                name,
                source,
                sha256,
                is_executable,
            })
        })
        .collect()
}

fn pack(files: &[Packed]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut archive = GzEncoder::new(Vec::new(), Compression::default());
    for file in files {
        let content = read_checked(&file.source, &file.sha256)?;
        archive.write_all(&u32::try_from(file.name.len())?.to_le_bytes())?;
        archive.write_all(file.name.as_bytes())?;
        archive.write_all(&[u8::from(file.is_executable)])?;
        archive.write_all(&u64::try_from(content.len())?.to_le_bytes())?;
        archive.write_all(&content)?;
    }
    Ok(archive.finish()?)
}

fn read_checked(source: &Path, sha256: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let content = fs::read(source)?;
    if sha256_hex(&content) == sha256 {
        Ok(content)
    } else {
        Err(format!("{} isn't what its manifest says", source.display()).into())
    }
}

fn sha256_hex(bytes: &[u8]) -> String {
    let digits: Vec<_> = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    digits.concat()
}

#[expect(
    clippy::disallowed_methods,
    reason = "cargo speaks to build scripts in the environment"
)]
fn find(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn tell(instruction: &str) {
    println!("cargo::{instruction}");
}
