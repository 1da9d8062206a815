//! A database that cannot be written: that is said before anything is served, not at the first sign-in.

use std::{
    fs::{self, Permissions},
    io::{self, BufRead, BufReader},
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    process::{Command, Stdio},
};

use crate::program::Place;

#[test]
fn a_place_where_no_database_can_be_is_named() {
    let place = Place::new().env("LATCHKEY_DATABASE_URL", "sqlite:/proc/latchkey.db");
    let told = place.run(SERVE).refused();
    assert!(told.contains("`database_url` names /proc/latchkey.db, which cannot be opened"), "{told}");
    assert!(
        told.contains("hint: does the directory of `database_url` exist, and may this user write there?"),
        "{told}"
    );
}

#[test]
fn a_file_and_a_directory_that_may_only_be_read_are_named() {
    let place = Place::new();
    place.serve(&[]).stop();
    let (directory, file) = (place.path(""), place.path("latchkey.db"));
    if is_root() {
        for path in [&directory, &file, &place.path("keys"), &place.path("keys/master.key")] {
            chown(path, Some(NOBODY), Some(NOBODY)).expect("root gives files away");
        }
    }
    for (read_only, mode, expected) in [
        (&file, 0o444, "hint: may this user write the file, and in its directory?"),
        (&directory, 0o555, "hint: may this user write the file, and in its directory?"),
    ] {
        let before = fs::metadata(read_only).expect("it is there").permissions();
        fs::set_permissions(read_only, Permissions::from_mode(mode)).expect("it is ours");
        let told = match start_as_somebody(&place) {
            Ok(told) => told,
            Err(why) => return eprintln!("left out: another user than root cannot start the program: {why}"),
        };
        let examined = as_somebody(&place, &["doctor"]).output().expect("it started before");
        fs::set_permissions(read_only, before).expect("it is ours");
        let found = String::from_utf8_lossy(&examined.stdout);
        assert!(found.contains("✗ database") && examined.status.code() == Some(1), "{found}");
        assert!(
            told.contains("`database_url` names latchkey.db, which cannot be opened to be read and written"),
            "{told}"
        );
        assert!(told.contains(expected), "{told}");
    }
}

fn as_somebody(place: &Place, args: &[&str]) -> Command {
    let mut command = place.command(args);
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// What a server says that must not start. Root may write everywhere, so that it has to be another user.
fn start_as_somebody(place: &Place) -> io::Result<String> {
    let mut child = as_somebody(place, SERVE).stderr(Stdio::piped()).spawn()?;
    let mut told = String::new();
    for line in BufReader::new(child.stderr.take().expect("a pipe")).lines() {
        told = format!("{told}{}\n", line.expect("UTF-8"));
        if told.contains("\"message\":\"serving\"") {
            child.kill()?;
            break;
        }
    }
    assert_eq!(child.wait()?.code(), Some(1), "{told}");
    Ok(told)
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

const NOBODY: u32 = 65_534;
const SERVE: &[&str] = &["serve", "--listen", "127.0.0.1:0"];
