//! Finds a setting's value in flags, environment and file, in this order, and notes every mistake.
//! Must not know which settings there are beyond the catalogue it is given.

use std::{borrow::Cow, collections::BTreeMap, ffi::OsString, path::Path};

use secrecy::SecretString;

use super::{
    file::{FileEntry, FileValue, parse_file},
    mistake::{Mistake, Place},
    nearest::find_nearest,
    setting::{Setting, Shape},
    source::{Flags, ReadFile, Sources},
};

/// Entries of one list: each request walks some of them.
pub const LIST_ENTRIES_MAX: usize = 100;

/// What a parser says of a value: what is wrong, without the value.
pub(super) type Problem = Cow<'static, str>;

/// The three layers, and the mistakes found so far.
pub(super) struct Layers {
    flags: Flags,
    environment: BTreeMap<String, OsString>,
    file_name: String,
    file: BTreeMap<String, FileEntry>,
    form: FileForm,
    read: ReadFile,
    pub(super) mistakes: Vec<Mistake>,
}

/// What the file turned out to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FileForm {
    Toml,
    /// What looks like a key may be a value there, a secret even, behind a quote that nobody closed.
    Broken,
}

/// A value as it was given.
struct Given {
    name: String,
    place: Place,
    value: FileValue,
}

impl Layers {
    /// Reads the configuration file that `config` names, if any.
    pub(super) fn new(sources: Sources, config: &'static Setting) -> Self {
        let Sources {
            flags,
            environment,
            read,
        } = sources;
        let mut layers = Self {
            flags,
            environment,
            file_name: String::new(),
            file: BTreeMap::new(),
            form: FileForm::Toml,
            read,
            mistakes: Vec::new(),
        };
        if let Some(given) = layers.find(config)
            && let FileValue::One(file_name) = given.value
        {
            match (layers.read)(Path::new(&file_name)) {
                Ok(text) => {
                    let (file, mistakes) = parse_file(&file_name, &text);
                    layers.file = file;
                    if !mistakes.is_empty() {
                        layers.form = FileForm::Broken;
                    }
                    layers.mistakes.extend(mistakes);
                }
                Err(error) => layers.mistakes.push(Mistake::new(
                    given.name,
                    given.place,
                    format!("the file can't be read ({error})"),
                    "name a TOML file that this user may read",
                )),
            }
            layers.file_name = file_name;
        }
        layers
    }

    /// Notes every name of ours that no setting has; those of a file only where it is TOML.
    pub(super) fn note_unknown(&mut self, catalogue: &[&'static Setting]) {
        let variables: Vec<String> = catalogue
            .iter()
            .flat_map(|setting| [Some(setting.variable.to_owned()), setting.file_variable()])
            .flatten()
            .collect();
        let keys: Vec<String> = catalogue
            .iter()
            .flat_map(|setting| [setting.key.map(str::to_owned), setting.file_key()])
            .flatten()
            .collect();

        for (variable, value) in &self.environment {
            if variable.starts_with("REJOINDER_")
                && !variables.contains(variable)
                && !is_service_link(variable, &value.to_string_lossy())
            {
                self.mistakes
                    .push(unknown(variable, Place::Environment, &variables));
            }
        }
        for (key, entry) in &self.file {
            if self.form == FileForm::Toml && !keys.contains(key) {
                let place = Place::File {
                    file: self.file_name.clone(),
                    line: Some(entry.line),
                };
                self.mistakes.push(unknown(key, place, &keys));
            }
        }
    }

    /// The value of a setting, or its default; none too when it is wrong, which is noted.
    pub(super) fn value<T>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<T, Problem>,
    ) -> Option<T> {
        let given = self.find(setting).or_else(|| default(setting))?;
        let FileValue::One(text) = &given.value else {
            return self.note(setting, &given, "is not a single value".into());
        };
        match parse(text.trim()) {
            Ok(value) => Some(value),
            Err(problem) => self.note(setting, &given, problem),
        }
    }

    /// The entries of a list; those that are wrong are noted, each by its number.
    pub(super) fn list<T>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<T, Problem>,
    ) -> Vec<T> {
        debug_assert_eq!(setting.shape, Shape::List);
        let Some(given) = self.find(setting).or_else(|| default(setting)) else {
            return Vec::new();
        };
        let entries: Vec<String> = match &given.value {
            FileValue::One(text) => text.split(',').map(str::to_owned).collect(),
            FileValue::Many(entries) => entries.clone(),
            FileValue::Unfit => {
                self.note::<T>(setting, &given, "is not a list".into());
                return Vec::new();
            }
        };
        if entries.len() > LIST_ENTRIES_MAX {
            let problem = format!("has more than {LIST_ENTRIES_MAX} entries");
            self.note::<T>(setting, &given, problem.into());
            return Vec::new();
        }
        let mut values = Vec::with_capacity(entries.len());
        for (number, entry) in (1_usize..).zip(&entries) {
            match parse(entry.trim()) {
                Ok(value) => values.push(value),
                Err(problem) if entries.len() == 1 => {
                    self.push(setting, &given.name, &given.place, problem);
                }
                Err(problem) => {
                    let problem = format!("entry {number} {problem}").into();
                    self.push(setting, &given.name, &given.place, problem);
                }
            }
        }
        values
    }

    /// A secret, given itself or as the name of a file that holds it.
    pub(super) fn secret(
        &mut self,
        setting: &'static Setting,
        check: impl Fn(&str) -> Result<(), Problem>,
    ) -> Option<SecretString> {
        let (direct, in_file) = self.find_secret(setting)?;
        let (given, secret) = match (direct, in_file) {
            (Some(given), Some(_)) => {
                let problem = "is given twice, itself and as a file";
                self.mistakes.push(Mistake::new(
                    given.name,
                    given.place,
                    problem,
                    "keep one of the two",
                ));
                return None;
            }
            (Some(given), None) => match &given.value {
                FileValue::One(text) => {
                    let text = text.clone();
                    (given, text)
                }
                _ => return self.note(setting, &given, "is not a text".into()),
            },
            (None, Some(given)) => self.read_secret(given)?,
            (None, None) => return None,
        };
        match check(&secret) {
            Ok(()) => Some(SecretString::from(secret)),
            Err(problem) => self.note(setting, &given, problem),
        }
    }

    /// Notes a mistake about two settings together.
    pub(super) fn note_conflict(&mut self, setting: &'static Setting, problem: &'static str) {
        if let Some(given) = self.find(setting) {
            self.note::<()>(setting, &given, problem.into());
        }
    }

    /// A variable that is nobody's setting but a convention of all programs, such as `NO_COLOR`.
    pub(super) fn has_convention(&self, variable: &str) -> bool {
        self.environment
            .get(variable)
            .is_some_and(|value| !value.is_empty())
    }

    fn find(&mut self, setting: &'static Setting) -> Option<Given> {
        if let Some(value) = self.flags.find(setting) {
            return Some(Given {
                name: format!("--{}", setting.flag.unwrap_or_default()),
                place: Place::Flag,
                value: FileValue::One(value.to_owned()),
            });
        }
        self.find_variable(setting.variable)
            .or_else(|| self.find_key(setting.key?))
    }

    /// The secret itself and the name of its file, both from the upper of the layers that has either.
    fn find_secret(&mut self, setting: &'static Setting) -> Option<(Option<Given>, Option<Given>)> {
        let direct = self.find_variable(setting.variable);
        let in_file = self.find_variable(&setting.file_variable()?);
        if direct.is_some() || in_file.is_some() {
            return Some((direct, in_file));
        }
        Some((
            self.find_key(setting.key?),
            self.find_key(&setting.file_key()?),
        ))
    }

    /// An empty variable counts as none: that is what `${NAME:-}` of compose files makes.
    fn find_variable(&mut self, variable: &str) -> Option<Given> {
        let value = self
            .environment
            .get(variable)
            .filter(|value| !value.is_empty())?;
        let value = value.to_str().map(str::to_owned);
        let (name, place) = (variable.to_owned(), Place::Environment);
        let Some(value) = value else {
            let mistake = Mistake::new(name, place, "is not UTF-8", "give it in UTF-8");
            if !self.mistakes.contains(&mistake) {
                self.mistakes.push(mistake);
            }
            return None;
        };
        Some(Given {
            name,
            place,
            value: FileValue::One(value),
        })
    }

    fn find_key(&self, key: &str) -> Option<Given> {
        let entry = self.file.get(key)?;
        let value = match &entry.value {
            FileValue::One(text) => FileValue::One(text.clone()),
            FileValue::Many(texts) => FileValue::Many(texts.clone()),
            FileValue::Unfit => FileValue::Unfit,
        };
        let place = Place::File {
            file: self.file_name.clone(),
            line: Some(entry.line),
        };
        Some(Given {
            name: key.to_owned(),
            place,
            value,
        })
    }

    fn read_secret(&mut self, given: Given) -> Option<(Given, String)> {
        let text = match &given.value {
            FileValue::One(path) => {
                (self.read)(Path::new(path)).map_err(|error| format!("can't be read ({error})"))
            }
            _ => Err("is not a file name".to_owned()),
        };
        match text {
            // Editors and `echo` end a file with a line break that is not part of the secret.
            Ok(text) => Some((given, text.trim_end_matches(['\r', '\n']).to_owned())),
            Err(problem) => {
                let remedy = "name a file that this user may read";
                self.mistakes
                    .push(Mistake::new(given.name, given.place, problem, remedy));
                None
            }
        }
    }

    fn note<T>(&mut self, setting: &Setting, given: &Given, problem: Problem) -> Option<T> {
        self.push(setting, &given.name, &given.place, problem);
        None
    }

    fn push(&mut self, setting: &Setting, name: &str, place: &Place, problem: Problem) {
        let remedy = format!("give {}", setting.bound);
        self.mistakes
            .push(Mistake::new(name, place.clone(), problem, remedy));
    }
}

fn default(setting: &'static Setting) -> Option<Given> {
    Some(Given {
        name: setting.variable.to_owned(),
        place: Place::Default,
        value: FileValue::One(setting.default?.to_owned()),
    })
}

fn unknown(name: &str, place: Place, known: &[String]) -> Mistake {
    let remedy = find_nearest(name, known.iter().map(String::as_str)).map_or_else(
        || "remove it, or see `rejoinder --help` for those there are".to_owned(),
        |nearest| format!("did you mean {nearest}?"),
    );
    Mistake::new(name, place, "is not a setting", remedy)
}

/// Kubernetes and Docker put addresses of services into the environment of every container: with a service named
/// `rejoinder` these begin like our settings, and nobody meant them for us.
fn is_service_link(variable: &str, value: &str) -> bool {
    let is_address = ["tcp://", "udp://", "sctp://"]
        .iter()
        .any(|scheme| value.starts_with(scheme));
    let of_port = variable.rsplit_once("_PORT_").is_some_and(|(_, rest)| {
        let mut parts = rest.split('_');
        parts.next().is_some_and(|port| port.parse::<u16>().is_ok())
            && parts
                .next()
                .is_some_and(|kind| matches!(kind, "TCP" | "UDP" | "SCTP"))
    });
    variable.ends_with("_SERVICE_HOST")
        || variable.ends_with("_SERVICE_PORT")
        || variable.contains("_SERVICE_PORT_")
        || (variable.ends_with("_PORT") && is_address)
        || of_port
}
