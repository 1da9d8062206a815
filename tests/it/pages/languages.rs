//! The catalogues: every language says everything, and nothing for nothing.

use std::{collections::BTreeMap, fs, path::Path};

use latchkey::web::locale::Locale;

/// The messages of a catalogue, each with the variables that it uses.
fn messages(catalogue: &str) -> BTreeMap<String, Vec<String>> {
    let mut messages: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in catalogue.lines().filter(|line| !line.starts_with('#')) {
        if let Some((id, _)) = line.split_once(" =").filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase())) {
            assert!(!messages.contains_key(id), "{id} is there twice");
            current = id.to_owned();
        }
        let variables = messages.entry(current.clone()).or_default();
        for part in line.split('$').skip(1) {
            variables.push(part.chars().take_while(char::is_ascii_alphanumeric).collect());
        }
        variables.sort();
        variables.dedup();
    }
    messages.remove("");
    messages
}

#[test]
fn every_language_says_everything() {
    let english = messages(Locale::En.catalogue());
    assert!(english.len() > 150);
    for locale in Locale::ALL {
        if let Err((_, errors)) = fluent_bundle::FluentResource::try_new(locale.catalogue().to_owned()) {
            panic!("{locale:?}: {errors:?}");
        }
        let own = messages(locale.catalogue());
        for (id, variables) in &english {
            let Some(own) = own.get(id) else { panic!("{locale:?} has no {id}") };
            // A count that a language writes as a word needs no figure, but some variant of the message has it.
            assert_eq!(own, variables, "{locale:?} {id}");
            let args = variables.iter().map(|name| match name.as_str() {
                "count" => ("count", 3.into()),
                name => (VARIABLES.iter().copied().find(|own| *own == name).expect("a known variable"), "x".into()),
            });
            let text = locale.with(id, args);
            assert!(
                !text.contains('{') && !text.is_empty() && (text != *id || !id.contains('-')),
                "{locale:?} {id}: {text}"
            );
        }
        let more: Vec<_> = own.keys().filter(|id| !english.contains_key(*id)).collect();
        assert!(more.is_empty(), "{locale:?} has {more:?}, which English has not");
    }
}

const VARIABLES: &[&str] = &[
    "id", "org", "role", "name", "host", "scheme", "brand", "app", "title", "scope", "claim", "things", "api", "first",
    "value", "ago", "browser", "system", "orgs", "day", "month", "year",
];

#[test]
fn no_language_was_left_in_english() {
    let same = ["pair", "membership", "list-comma"];
    for locale in Locale::ALL.iter().filter(|own| **own != Locale::En) {
        let own: Vec<String> = messages(locale.catalogue()).into_keys().collect();
        let untranslated = own
            .iter()
            .filter(|id| !same.contains(&id.as_str()) && locale.text(id) == Locale::En.text(id))
            .collect::<Vec<_>>();
        // Words that two languages share, such as "Name", are few.
        assert!(untranslated.len() < 12, "{locale:?}: {untranslated:?}");
    }
}

#[test]
fn every_message_is_used_and_every_used_message_exists() {
    let mut sources = String::new();
    for folder in ["templates", "src/web", "src/web/views"] {
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "html" || ending == "rs") {
                sources.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    let english = messages(Locale::En.catalogue());
    for id in english.keys() {
        assert!(sources.contains(&format!("\"{id}\"")), "{id} is said nowhere");
    }
    for call in [".text(\"", ".with(\"", ".count(\"", ".title(\""] {
        for rest in sources.split(call).skip(1) {
            let id = rest.split('"').next().unwrap();
            assert!(english.contains_key(id), "{id} is said, but no catalogue has it");
        }
    }
}
