//! The configuration file and the environment: whatever stands there, the answer is settings or sentences.
#![no_main]

use std::{cell::RefCell, io::Write, path::PathBuf};

use latchkey::config::{SETTINGS, Settings, Sources};
use libfuzzer_sys::fuzz_target;
use tempfile::NamedTempFile;

thread_local!(static FILE: RefCell<NamedTempFile> = RefCell::new(NamedTempFile::with_suffix(".toml").expect("a file")));

fuzz_target!(|input: (&[u8], Vec<(u8, &str)>)| {
    let (toml, env) = input;
    let file: PathBuf = FILE.with_borrow_mut(|file| {
        file.as_file().set_len(0).expect("an empty file");
        std::fs::OpenOptions::new().write(true).open(file.path()).and_then(|mut f| f.write_all(toml)).expect("a file");
        file.path().to_owned()
    });
    let variables = env.into_iter().map(|(index, value)| {
        let key = SETTINGS[usize::from(index) % SETTINGS.len()].key;
        (format!("LATCHKEY_{}", key.replace('.', "__").to_uppercase()).into(), value.into())
    });
    let sources = Sources { file: Some(file), env: variables.collect(), flags: Vec::new() };
    if let Err(problems) = Settings::load(&sources) {
        assert!(!problems.0.is_empty());
        assert!(problems.to_string().lines().all(|line| !line.is_empty()));
    }
});
