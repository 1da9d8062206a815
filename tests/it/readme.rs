//! README says what is: its tables are made from the code, its programs are files that are run, its links lead somewhere.

use std::{fmt::Write as _, fs, path::Path};

use clap::CommandFactory;
use latchkey::{
    cli::Cli,
    config::{SETTINGS, Settings, Sources},
};
use serde_json::Value;

/// A part of README that is made: between `<!-- made from X -->` and `<!-- end -->`.
const BEGIN: &str = "<!-- made from ";
const END: &str = "<!-- end -->";

#[test]
fn what_is_made_from_the_code_is_as_the_code_is() {
    let mut readme = fs::read_to_string("README.md").expect("README.md is readable");
    let made = made_again(&readme);
    if std::env::var_os("LATCHKEY_UPDATE_README").is_some() {
        fs::write("README.md", &made).expect("README.md is writable");
        readme.clone_from(&made);
    }
    for (line, (is, should)) in readme.lines().zip(made.lines()).enumerate() {
        assert_eq!(is, should, "README.md:{}; LATCHKEY_UPDATE_README=1 in front of this test mends it", line + 1);
    }
    assert_eq!(readme.len(), made.len(), "README.md has too much or too little at its end");
    for part in ["settings", "commands", "clients", "tests/interop/"] {
        assert!(readme.contains(&format!("{BEGIN}{part}")), "README.md lost its part made from {part}");
    }
}

#[test]
fn its_links_lead_somewhere() {
    let readme = fs::read_to_string("README.md").expect("README.md is readable");
    let links = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let named = readme.split('`').skip(1).step_by(2).filter(|text| {
        ["src/", "tests/", "benches/", "templates/", "migrations/", "conformance/"]
            .iter()
            .any(|top| text.starts_with(top) && !text.contains(['*', ' ', '…']))
    });
    let mut count = 0;
    for target in links.chain(named).filter(|target| !target.starts_with("http") && !target.starts_with('#')) {
        let path = target.split('#').next().unwrap_or(target);
        assert!(Path::new(path).exists(), "README.md points to {path}, which is not there");
        count += 1;
    }
    assert!(count > 10, "README.md walks through the code");
}

#[test]
fn its_configurations_are_accepted() {
    let readme = fs::read_to_string("README.md").expect("README.md is readable");
    let examples: Vec<&str> = readme.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() >= 2, "README.md shows TLS, and a proxy");
    let folder = tempfile::tempdir().expect("a temporary directory");
    for (number, example) in examples.into_iter().enumerate() {
        let file = folder.path().join(format!("{number}.toml"));
        fs::write(&file, example).expect("a temporary file");
        let loaded = Settings::load(&Sources { file: Some(file), env: Vec::new(), flags: Vec::new() });
        assert!(loaded.is_ok(), "{example}\n{}", loaded.err().map(|problems| problems.to_string()).unwrap_or_default());
    }
}

#[test]
fn a_program_says_first_what_it_needs() {
    let tried: Value = serde_json::from_str(&interop("clients.json")).expect("clients.json is JSON");
    let files = ["apps", "apis"].iter().flat_map(|list| tried[list].as_array().expect("a list of libraries"));
    let mut count = 0;
    for file in files.map(|library| library["file"].as_str().expect("a file")) {
        let text = interop(file);
        let (first, program) = text.split_once('\n').expect("a program has lines");
        for needed in imports(file, program) {
            let said = first.replace('_', "-").contains(&needed.replace('_', "-"));
            assert!(said, "{file} needs {needed}, and its first line does not say so: {first}");
            count += 1;
        }
    }
    assert!(count > 10, "the programs import something");
}

/// The packages that a program imports; those of Go and Java are named by go.mod and pom.xml.
fn imports<'a>(file: &str, program: &'a str) -> Vec<&'a str> {
    let own = |name: &&str| !name.starts_with("node:") && !["os", "secrets", "std", "str"].contains(name);
    let root = |path: &'a str| path.split([' ', '.', ':', ';', '!']).next().unwrap_or_default();
    let after = |word: &'static str| program.lines().filter_map(move |line| line.strip_prefix(word));
    match Path::new(file).extension().and_then(|ending| ending.to_str()) {
        Some("mjs") => {
            let from = program.lines().filter_map(|line| line.split_once(" from '"));
            from.map(|(_, name)| name.trim_end_matches('\'')).filter(own).collect()
        }
        Some("py") => after("import ").chain(after("from ")).map(root).filter(own).collect(),
        Some("rs") => {
            // What a `use` brings in is a root elsewhere, and none of another package.
            let (uses, rest): (Vec<_>, Vec<_>) =
                program.split_inclusive(';').partition(|part| part.trim_start().starts_with("use "));
            let is_word = |next: char| next.is_alphanumeric() || next == '_';
            let used: Vec<&str> = uses.iter().flat_map(|part| part.split(|next| !is_word(next))).collect();
            let paths = rest.iter().flat_map(|part| part.split(|next| !is_word(next) && next != ':'));
            let roots = paths.filter_map(|path| path.split_once("::")).map(|(root, _)| root);
            let here = roots.filter(|root| root.starts_with(char::is_lowercase) && !used.contains(root));
            after("use ").map(root).chain(here).filter(own).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn it_tells_of_every_metric_and_every_event() {
    let readme = fs::read_to_string("README.md").expect("README.md is readable");
    let metrics = latchkey::telemetry::Metrics::new().text().expect("metrics");
    for help in metrics.lines().filter_map(|line| line.strip_prefix("# HELP ")) {
        let (name, said) = help.split_once(' ').expect("a name and what it is");
        assert!(readme.contains(&format!("`{name}")) && !said.is_empty(), "README.md does not tell of {name}");
    }
    let mut events = Vec::new();
    let mut folders = vec![Path::new("src").to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let text = fs::read_to_string(&entry).expect("a file of text");
            let named = text.split("event = \"").skip(1).filter_map(|rest| rest.split('"').next());
            events.extend(named.filter(|name| *name != "…").map(str::to_owned));
        }
    }
    assert!(events.len() > 10, "{events:?}");
    for event in events {
        assert!(readme.contains(&format!("`{event}`")), "README.md does not tell of the event {event}");
    }
}

fn made_again(readme: &str) -> String {
    let mut made = String::new();
    let mut lines = readme.split_inclusive('\n');
    while let Some(line) = lines.next() {
        made.push_str(line);
        let Some(source) = line.strip_prefix(BEGIN).and_then(|rest| rest.trim_end().strip_suffix(" -->")) else {
            continue;
        };
        made.push_str(&match source {
            "settings" => settings(),
            "commands" => commands(),
            "clients" => clients(),
            file => program(file),
        });
        made.push_str(END);
        made.push('\n');
        lines.find(|line| line.trim_end() == END).expect("what is made ends with <!-- end -->");
    }
    made
}

fn settings() -> String {
    let mut table = "| setting | default | meaning |\n|---|---|---|\n".to_owned();
    for setting in SETTINGS {
        let default = match (setting.default(), setting.unset) {
            (Some(value), _) => format!("`{}`", value.trim_matches('"')),
            (None, Some(words)) => words.to_owned(),
            (None, None) => "–".to_owned(),
        };
        writeln!(table, "| `{}` | {default} | {} |", setting.key, setting.doc.replace('|', "\\|")).expect("a String");
    }
    table
}

fn commands() -> String {
    let mut table = "| command | | for |\n|---|---|---|\n".to_owned();
    for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
        let verbs: Vec<String> = command.get_subcommands().map(|verb| format!("`{}`", verb.get_name())).collect();
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        writeln!(table, "| `latchkey {}` | {} | {about} |", command.get_name(), verbs.join(" ")).expect("a String");
    }
    table
}

/// The libraries that the interop tests run, each of the version to which it is pinned.
fn clients() -> String {
    let tried: Value = serde_json::from_str(&interop("clients.json")).expect("clients.json is JSON");
    let mut table = "| library | in | tried by | |\n|---|---|---|---|\n".to_owned();
    for (list, what) in [("apps", "signs in"), ("apis", "checks tokens")] {
        for library in tried[list].as_array().expect("a list of libraries") {
            let of = |name: &str| library[name].as_str().unwrap_or_else(|| panic!("`{name}` of {library}"));
            let (name, file) = (of("library"), of("file"));
            let version = pinned(name, of("pinned"), &interop(of("pinned")));
            let does = library["does"].as_array().map_or(&[][..], Vec::as_slice);
            let does: Vec<&str> = [what].into_iter().chain(does.iter().filter_map(Value::as_str)).collect();
            let row = [
                format!("[{name}]({}) {version}", of("page")),
                of("language").to_owned(),
                format!("[{file}](tests/interop/{file})"),
                does.join(", "),
            ];
            writeln!(table, "| {} |", row.join(" | ")).expect("a String");
        }
    }
    table
}

fn interop(file: &str) -> String {
    let path = Path::new("tests/interop").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The version of a library that a lock file, or a list of exact versions, names.
fn pinned(library: &str, file: &str, text: &str) -> String {
    let before = match file.rsplit('/').next() {
        Some("package.json") => format!("\"{library}\": \""),
        Some("requirements.txt") => format!("\n{library}=="),
        Some("go.mod") => format!("{library} v"),
        Some("pom.xml") => format!("<artifactId>{library}</artifactId>\n      <version>"),
        Some("Cargo.lock") => format!("name = \"{library}\"\nversion = \""),
        _ => panic!("{file} pins nothing"),
    };
    let lines = format!("\n{text}");
    let (_, version) = lines.split_once(&before).unwrap_or_else(|| panic!("{file} does not pin {library}"));
    version.chars().take_while(|next| next.is_ascii_digit() || *next == '.').collect()
}

/// A file that the interop tests run, as it stands.
fn program(file: &str) -> String {
    let language = match Path::new(file).extension().and_then(|ending| ending.to_str()) {
        Some("mjs") => "js",
        Some("py") => "python",
        Some("rs") => "rust",
        _ => "sh",
    };
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    format!("```{language}\n{text}```\n")
}
