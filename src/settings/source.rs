//! Where settings come from: flags, environment, files. The only place that reads the process's environment;
//! must not know which settings there are.

use std::{collections::BTreeMap, ffi::OsString, io, path::Path};

use super::setting::Setting;

/// The values of flags, by setting.
#[derive(Default)]
pub struct Flags(BTreeMap<&'static str, String>);

impl Flags {
    /// Takes what stood behind a setting's flag.
    pub fn set(&mut self, setting: &'static Setting, value: impl Into<String>) {
        self.0.insert(setting.variable, value.into());
    }

    /// The value of a setting's flag, as it was typed; none where it was not given.
    pub fn find(&self, setting: &Setting) -> Option<&str> {
        self.0.get(setting.variable).map(String::as_str)
    }
}

/// Reads a file as text: the configuration file, or one with a secret in it.
pub type ReadFile = Box<dyn Fn(&Path) -> io::Result<String>>;

/// All that settings are made of. Has no `Debug`: it holds secrets.
pub struct Sources {
    /// The command line.
    pub flags: Flags,
    /// The environment. Variables that are not ours may be in it.
    pub environment: BTreeMap<String, OsString>,
    /// How files are read, so that a test needs none.
    pub read: ReadFile,
}

impl Sources {
    /// The flags given, the environment and files of this process.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the environment is read"
    )]
    pub fn of_process(flags: Flags) -> Self {
        // A variable whose name is not Unicode can't be one of ours.
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .collect();
        Self {
            flags,
            environment,
            read: Box::new(read_bounded),
        }
    }
}

/// More is not a configuration file: stops at a device or a log file named by mistake.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

fn read_bounded(path: &Path) -> io::Result<String> {
    use io::Read as _;

    let mut text = String::new();
    let read = std::fs::File::open(path)?
        .take(FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)?;
    if u64::try_from(read).is_ok_and(|read| read > FILE_BYTES_MAX) {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "is larger than 1 MiB",
        ));
    }
    Ok(text)
}
