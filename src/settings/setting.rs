//! What one setting is: its names, default, bound and help. Must not know values, nor which settings there are.

/// Whether a value may be seen: in flags, help, logs and `Debug` output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// May stand on a command line and in the configuration file.
    Open,
    /// Never a flag (other users can read process arguments), never printed; also as `…_FILE`.
    Secret,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One text.
    Text,
    /// Several, comma separated; in the file an array as well.
    List,
    /// `on` or `off`, in the file `true` and `false` as well; without a default the flag alone means `on`.
    Switch,
}

/// One setting, as the start, `--help` and the reference page know it.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// The environment variable.
    pub variable: &'static str,
    /// The key in the configuration file; none for the one that names this file.
    pub key: Option<&'static str>,
    /// The long flag without its dashes; none for secrets.
    pub flag: Option<&'static str>,
    /// What stands for the value in help: `ADDRESS`, `FILE`.
    pub placeholder: &'static str,
    /// How the value is written.
    pub shape: Shape,
    /// The value when none is given, in the same form as a given one.
    pub default: Option<&'static str>,
    /// What a value must be; completes the sentence "give …".
    pub bound: &'static str,
    /// One sentence for help and the reference.
    pub help: &'static str,
    /// Whether it is a secret.
    pub visibility: Visibility,
}

impl Setting {
    /// Whether the value must never be shown.
    pub fn is_secret(&self) -> bool {
        self.visibility == Visibility::Secret
    }

    /// The variable that names a file with the value in it; secrets only.
    pub fn file_variable(&self) -> Option<String> {
        self.is_secret().then(|| format!("{}_FILE", self.variable))
    }

    /// The key that names a file with the value in it; secrets only.
    pub fn file_key(&self) -> Option<String> {
        self.key
            .filter(|_| self.is_secret())
            .map(|key| format!("{key}_file"))
    }
}
