//! The directory in which a demo keeps its state.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::cli::Failure;

/// A demo's directory, held by this process alone.
pub(super) struct Directory {
    path: PathBuf,
    /// Two demos on one database would take each other's addresses away. The lock ends with the process.
    _lock: File,
}

/// What the demo has to know again, and what it says on standard output.
#[derive(Clone, Serialize, Deserialize)]
pub struct Memory {
    /// The issuer, which is the server's address.
    pub issuer: String,
    /// The sample app's address.
    pub app: String,
    /// The resource server's address, which is the `aud` of tokens for it.
    pub resource_server: String,
    /// The passwords, by user name.
    pub users: BTreeMap<String, String>,
    /// The sample app's client id.
    pub client_id: String,
    /// And its secret.
    pub client_secret: String,
}

impl Directory {
    /// Take hold of a directory, making it if it is not there.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let cannot = |cause: io::Error| because(format!("{} cannot be used", path.display()), cause);
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).map_err(cannot)?;
        let path = path.canonicalize().map_err(cannot)?;
        if path.to_str().is_none() {
            let sentence = format!("the path {} is not UTF-8", path.display());
            return Err(Failure::new(sentence).hint("name another directory with --data"));
        }
        let lock = private(OpenOptions::new().write(true).create(true).truncate(false))
            .open(path.join("lock"))
            .map_err(cannot)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(fs::TryLockError::WouldBlock) => {
                Err(Failure::new(format!("a demo is running on {} already", path.display()))
                    .hint("stop that one, or give this one a directory of its own with --data"))
            }
            Err(fs::TryLockError::Error(cause)) => Err(cannot(cause)),
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The database in it.
    pub(super) fn database_url(&self) -> String {
        // The URL's own characters have to be escaped in a path.
        let path = self.path.join(DATABASE).display().to_string().replace('%', "%25").replace('?', "%3f");
        format!("sqlite:{path}")
    }

    /// The key that seals the signing keys.
    pub(super) fn master_key(&self) -> PathBuf {
        self.path.join(MASTER_KEY)
    }

    /// Where the passwords are kept.
    pub(super) fn memory(&self) -> PathBuf {
        self.path.join(MEMORY)
    }

    /// Whether there is a database.
    pub(super) fn has_database(&self) -> bool {
        self.path.join(DATABASE).exists()
    }

    /// Remove what a demo made, and nothing else that may lie here.
    pub(super) fn start_over(&self) -> Result<(), Failure> {
        let database = ["", "-wal", "-shm"].map(|ending| format!("{DATABASE}{ending}"));
        for name in database.iter().map(String::as_str).chain([MASTER_KEY, MEMORY, SETTINGS]) {
            let file = self.path.join(name);
            match fs::remove_file(&file) {
                Ok(()) => {}
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
                Err(cause) => return Err(because(format!("{} cannot be removed", file.display()), cause)),
            }
        }
        Ok(())
    }

    /// Where the settings for the command line are.
    pub(super) fn settings(&self) -> PathBuf {
        self.path.join(SETTINGS)
    }

    /// Write down the settings the server runs with, so that `latchkey --config` finds the demo's database.
    pub(super) fn write_settings(&self, issuer: &str, listen: SocketAddr) -> Result<(), Failure> {
        let text = format!(
            "# The demo writes this file at every start. It is for the command line:\n\
             #   latchkey --config {SETTINGS} user list\n\
             issuer = \"{issuer}\"\n\
             listen = \"{listen}\"\n\
             database_url = \"sqlite:{DATABASE}\"\n\n\
             [keys]\n\
             file = \"{MASTER_KEY}\"\n\n\
             [registration]\n\
             mode = \"open\"\n"
        );
        let file = self.settings();
        fs::write(&file, text).map_err(|cause| because(format!("{} cannot be written", file.display()), cause))
    }

    /// What an earlier start has remembered.
    pub(super) fn recall(&self) -> Result<Option<Memory>, Failure> {
        let file = self.memory();
        let text = match fs::read(&file) {
            Ok(text) => text,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(because(format!("{} cannot be read", file.display()), cause)),
        };
        serde_json::from_slice(&text).map(Some).map_err(|cause| {
            because(format!("{} holds something else than a demo wrote", file.display()), cause)
                .hint("start over with --fresh")
        })
    }

    /// Remember, readable by the owner alone. A crash leaves the old file or the new one, never half of one.
    pub(super) fn remember(&self, memory: &Memory) -> Result<(), Failure> {
        let file = self.memory();
        let write = || -> io::Result<()> {
            let draft = file.with_extension("json.new");
            let mut text = serde_json::to_vec_pretty(memory)?;
            text.push(b'\n');
            let mut open = private(OpenOptions::new().write(true).create(true).truncate(true)).open(&draft)?;
            open.write_all(&text)?;
            open.sync_all()?;
            fs::rename(&draft, &file)
        };
        write().map_err(|cause| because(format!("{} cannot be written", file.display()), cause))
    }
}

/// What could not be done, and why.
fn because(what: impl fmt::Display, cause: impl fmt::Display) -> Failure {
    Failure::new(format!("{what}: {cause}"))
}

/// 0600 for whatever is made.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

const DATABASE: &str = "latchkey.db";
const MASTER_KEY: &str = "master.key";
const MEMORY: &str = "demo.json";
const SETTINGS: &str = "latchkey.toml";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_for_the_owner_alone_and_is_gone_after_starting_over() {
        let place = tempfile::tempdir().expect("a directory");
        let directory = Directory::open(&place.path().join("a % b?")).expect("it can be made");
        assert!(directory.recall().expect("it can be read").is_none());
        let memory = Memory {
            issuer: "http://localhost:8080".to_owned(),
            app: "http://localhost:8081".to_owned(),
            resource_server: "http://localhost:8082".to_owned(),
            users: BTreeMap::from([("alice".to_owned(), "pass".to_owned())]),
            client_id: "fieldnotes".to_owned(),
            client_secret: "secret".to_owned(),
        };
        directory.remember(&memory).expect("it can be written");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
            assert_eq!(mode(&directory.memory()), 0o600);
            assert_eq!(mode(directory.path()), 0o700);
        }
        let again = directory.recall().expect("it can be read").expect("it was remembered");
        assert_eq!(again.users.get("alice").map(String::as_str), Some("pass"));
        fs::write(directory.path().join("mine.txt"), "keep").expect("a file");
        directory.start_over().expect("it can be removed");
        assert!(directory.recall().expect("it can be read").is_none());
        assert!(directory.path().join("mine.txt").exists());
    }

    #[test]
    fn a_directory_serves_one_demo_at_a_time() {
        let place = tempfile::tempdir().expect("a directory");
        let first = Directory::open(place.path()).expect("the first one gets it");
        let second = Directory::open(place.path()).err().expect("the second one does not");
        assert!(second.sentence.contains("already"), "{second}");
        drop(first);
        assert!(Directory::open(place.path()).is_ok());
    }
}
