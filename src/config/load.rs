//! Reading the settings: the file, then the environment, then the flags; whatever is wrong is named to the letter.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    SETTINGS, Setting, Settings,
    kind::Raw,
    rules::{self, Broken},
};

/// Where settings are read from.
#[derive(Debug, Default)]
pub struct Sources {
    /// The configuration file, if there is one.
    pub file: Option<PathBuf>,
    /// The environment. Only names that begin with `LATCHKEY_` count.
    pub env: Vec<(OsString, OsString)>,
    /// Flags of the command line: the setting's key, and the value.
    pub flags: Vec<(&'static str, String)>,
}

impl Sources {
    /// Those of this process: `--config FILE`, else `LATCHKEY_CONFIG`, else `./latchkey.toml` if it exists.
    #[must_use]
    pub fn of_process(config: Option<PathBuf>, flags: Vec<(&'static str, String)>) -> Self {
        let named = config.or_else(|| env::var_os(CONFIG).filter(|file| !file.is_empty()).map(PathBuf::from));
        let file = named.or_else(|| Some(PathBuf::from(USUAL_FILE)).filter(|file| file.exists()));
        Self { file, env: env::vars_os().collect(), flags }
    }
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A line of the configuration file.
    File {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A variable of the environment.
    Env(String),
    /// A file that a variable of the environment names.
    EnvFile(String, PathBuf),
    /// A flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line } => write!(f, "{}, line {line}", file.display()),
            Self::Env(name) => f.write_str(name),
            Self::EnvFile(name, _) => write!(f, "the file in {name}"),
            Self::Flag(key) => write!(f, "--{}", key.replace('_', "-")),
        }
    }
}

/// Where each value came from, by key; what is not in it is a default.
#[derive(Clone, Debug, Default)]
pub struct Origins(BTreeMap<&'static str, Origin>);

impl Origins {
    /// Where the value of that key came from.
    #[must_use]
    pub fn of(&self, key: &str) -> Origin {
        self.0.get(key).cloned().unwrap_or(Origin::Default)
    }
}

/// Something that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file and line, the variable or the flag; nothing for a default.
    pub place: Option<String>,
    /// What is wrong, in one sentence.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// All that is wrong with the configuration.
#[derive(Clone, Debug)]
pub struct Problems(pub Vec<Problem>);

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl Settings {
    /// Read the settings, and where each came from.
    ///
    /// # Errors
    /// Everything that is wrong: unknown keys, malformed values, rules that are broken.
    pub fn load(sources: &Sources) -> Result<(Self, Origins), Problems> {
        let mut loading = Loading::default();
        if let Some(file) = &sources.file {
            loading.file(file);
        }
        loading.env(&sources.env);
        for (key, value) in &sources.flags {
            let origin = Origin::Flag(key);
            loading.set(key, &Raw::Text(value.clone()), value, Path::new(""), origin);
        }
        loading.finish()
    }
}

#[derive(Default)]
struct Loading {
    settings: Settings,
    origins: Origins,
    problems: Vec<Problem>,
}

impl Loading {
    fn file(&mut self, file: &Path) {
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => return self.problem(Some(file.display().to_string()), reading(&error)),
        };
        let table = match DeTable::parse(&text) {
            Ok(table) => table,
            Err(error) => {
                let line = error.span().map_or(1, |span| line_at(&text, span.start));
                return self
                    .problem(Some(place(file, line)), format!("is not TOML: {}", error.message().replace('\n', ", ")));
            }
        };
        let base = file.parent().unwrap_or(Path::new(""));
        self.table(table.get_ref(), "", &Document { file, text: &text, base });
    }

    fn table(&mut self, table: &DeTable<'_>, prefix: &str, document: &Document<'_>) {
        for (name, value) in table {
            let line = line_at(document.text, name.span().start);
            let key =
                if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
            let is_section = SETTINGS.iter().any(|setting| setting.key.starts_with(&format!("{key}.")));
            match value.get_ref() {
                DeValue::Table(inner) if is_section || !inner.is_empty() && find(&key).is_none() => {
                    self.table(inner, &key, document);
                }
                _ if is_section => {
                    let what = format!("`{key}` is a section, not a value; write `[{key}]` on a line of its own");
                    self.problem(Some(place(document.file, line)), what);
                }
                _ => {
                    let origin = Origin::File { file: document.file.to_owned(), line };
                    self.set(&key, &raw(value, document), document.slice(value), document.base, origin);
                }
            }
        }
    }

    fn env(&mut self, env: &[(OsString, OsString)]) {
        let mut variables: Vec<_> = env.iter().filter_map(|(name, value)| Some((name.to_str()?, value))).collect();
        variables.sort();
        for (name, value) in variables {
            if !name.starts_with(PREFIX) || name == CONFIG {
                continue;
            }
            if let Some(setting) = SETTINGS.iter().find(|setting| setting.env() == name) {
                match value.to_str() {
                    Some(text) => {
                        self.set(
                            setting.key,
                            &Raw::Text(text.to_owned()),
                            text,
                            Path::new(""),
                            Origin::Env(name.to_owned()),
                        );
                    }
                    None => self.problem(Some(name.to_owned()), "is not UTF-8".to_owned()),
                }
            } else if let Some(setting) =
                SETTINGS.iter().find(|setting| name.strip_suffix("_FILE") == Some(setting.env().as_str()))
            {
                self.env_file(setting, name, Path::new(value));
            } else {
                let nearest = nearest(name, SETTINGS.iter().map(Setting::env));
                self.problem(Some(name.to_owned()), format!("no setting has this name; did you mean `{nearest}`?"));
            }
        }
    }

    fn env_file(&mut self, setting: &'static Setting, name: &str, file: &Path) {
        if let Origin::Env(other) = self.origins.of(setting.key) {
            return self.problem(Some(name.to_owned()), format!("`{other}` is set too; leave one of the two out"));
        }
        match fs::read_to_string(file) {
            Ok(text) => {
                let text = text.trim_end_matches(['\r', '\n']);
                let origin = Origin::EnvFile(name.to_owned(), file.to_owned());
                self.set(setting.key, &Raw::Text(text.to_owned()), text, Path::new(""), origin);
            }
            Err(error) => self.problem(Some(name.to_owned()), format!("`{}` {}", file.display(), reading(&error))),
        }
    }

    fn set(&mut self, key: &str, raw: &Raw, written: &str, base: &Path, origin: Origin) {
        let Some(setting) = find(key) else {
            let nearest = nearest(key, SETTINGS.iter().map(|setting| setting.key.to_owned()));
            // A misspelt secret is one all the same.
            let is_secret = find(&nearest).is_some_and(|setting| setting.is_secret);
            let value = if is_secret { String::new() } else { format!(" (set to {})", shortened(written)) };
            let what = format!("`{key}`{value} is no setting; did you mean `{nearest}`?");
            return self.problem(Some(origin.to_string()), what);
        };
        if (setting.read)(&mut self.settings, raw, base) {
            self.origins.0.insert(setting.key, origin);
        } else {
            let value = if setting.is_secret { "not what it should be".to_owned() } else { shortened(written) };
            self.problem(Some(origin.to_string()), format!("`{key}` is {value}; expected {}", setting.expected));
        }
    }

    fn problem(&mut self, place: Option<String>, what: String) {
        self.problems.push(Problem { place, what });
    }

    fn finish(mut self) -> Result<(Settings, Origins), Problems> {
        // Rules join values; while one of them is wrong by itself, they would only confuse.
        if self.problems.is_empty() {
            for Broken { key, why } in rules::broken(&self.settings) {
                let origin = self.origins.of(key);
                let place = (origin != Origin::Default).then(|| origin.to_string());
                let value = find(key).and_then(|setting| setting.shown(&self.settings)).unwrap_or_default();
                let value = if value.is_empty() { value } else { format!(" ({value})") };
                self.problem(place, format!("`{key}`{value} {why}"));
            }
        }
        if self.problems.is_empty() { Ok((self.settings, self.origins)) } else { Err(Problems(self.problems)) }
    }
}

struct Document<'a> {
    file: &'a Path,
    text: &'a str,
    base: &'a Path,
}

impl Document<'_> {
    fn slice(&self, value: &Spanned<DeValue<'_>>) -> &str {
        self.text.get(value.span()).unwrap_or_default()
    }
}

fn raw(value: &Spanned<DeValue<'_>>, document: &Document<'_>) -> Raw {
    let other = || Raw::Other(document.slice(value).to_owned());
    match value.get_ref() {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Boolean(on) => Raw::Switch(*on),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or_else(|_| other(), Raw::Number)
        }
        DeValue::Array(items) => items
            .iter()
            .map(|item| item.get_ref().as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .map_or_else(other, Raw::List),
        _ => other(),
    }
}

fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// The known name that is most like a wrong one. A key that merely lacks its section is nearest of all.
fn nearest(wrong: &str, known: impl Iterator<Item = String>) -> String {
    let distance = |name: &String| {
        let lacks_section = name.rsplit('.').next() == Some(wrong);
        if lacks_section { 0 } else { strsim::damerau_levenshtein(wrong, name) }
    };
    known.min_by_key(distance).unwrap_or_default()
}

fn place(file: &Path, line: usize) -> String {
    Origin::File { file: file.to_owned(), line }.to_string()
}

fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|b| *b == b'\n').count().saturating_add(1)
}

/// A value in an error: one line, not the whole of it, and no password that stands in a URL, however misspelt.
fn shortened(value: &str) -> String {
    let value = match (value.split_once(':'), value.rsplit_once('@')) {
        (Some((scheme, rest)), Some((_, place))) if rest.contains('@') => {
            let slashes = if rest.starts_with("//") { "//" } else { "" };
            format!("{scheme}:{slashes}***@{place}")
        }
        _ => value.to_owned(),
    };
    let lower = value.to_ascii_lowercase();
    let value = match lower.find("password=").or_else(|| lower.find("passwd=")) {
        Some(at) => format!("{}***", value.get(..at).unwrap_or_default()),
        None => value,
    };
    let mut line: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).take(80).collect();
    if value.chars().count() > 80 {
        line.push('…');
    }
    format!("`{}`", line.trim_matches('"'))
}

fn reading(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be read by this user".to_owned(),
        io::ErrorKind::InvalidData => "is not UTF-8 text".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}

const PREFIX: &str = "LATCHKEY_";
const CONFIG: &str = "LATCHKEY_CONFIG";
const USUAL_FILE: &str = "latchkey.toml";
