//! Whether a database is ours to touch, and what to do when it cannot be opened.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::Failure;
use crate::{
    config::Settings,
    protocol::with_causes,
    store::{Store, StoreError, instance, sqlite_file},
};

/// The file of an SQLite database; `None` for PostgreSQL.
#[must_use]
pub fn file(database_url: &str) -> Option<PathBuf> {
    sqlite_file(database_url).map(Path::to_owned)
}

/// Refuse an SQLite file that another user owns: files that we would make beside it would lock its server out.
///
/// # Errors
/// When it is somebody else's.
pub fn check_owner(database_url: &str) -> Result<(), Failure> {
    let Some(file) = file(database_url) else { return Ok(()) };
    // A process directory belongs to the user the process acts as. Where there is none (not Linux), nobody is refused.
    let Ok(ours) = std::fs::metadata("/proc/self").map(|own| own.uid()) else { return Ok(()) };
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A file that is not there yet is made in its directory; root would make it where the server may not write.
    let owned = if file.exists() || ours != 0 { file.as_path() } else { directory };
    let Ok(metadata) = std::fs::metadata(owned) else { return Ok(()) };
    let (owner, mode) = (metadata.uid(), metadata.mode());
    let is_shared = metadata.is_dir() && mode & STICKY != 0;
    if owner == ours || is_shared {
        return Ok(());
    }
    Err(Failure::new(format!("{} belongs to another user (uid {owner}, and this is uid {ours})", owned.display()))
        .hint(format!("run the command as that user: sudo -u '#{owner}' latchkey …")))
}

const STICKY: u32 = 0o1000;

/// Whether others on this machine may read or write an SQLite file, in a sentence: password hashes and addresses are in it.
#[must_use]
pub fn exposed(database_url: &str) -> Option<String> {
    let file = file(database_url)?;
    is_open_to_others(&file).then(|| {
        let shown = file.display();
        format!(
            "{shown} can be read by others on this machine, and password hashes are in it: chmod o= {shown} {shown}-*"
        )
    })
}

/// Whether everybody on this machine may read or write a file.
#[must_use]
pub fn is_open_to_others(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|metadata| metadata.mode() & 0o006 != 0)
}

/// Refuse to show a demo's database to the network: its passwords have been printed.
///
/// # Errors
/// When it is one, and the server could be reached from elsewhere.
pub async fn refuse_demo(store: &Store, settings: &Settings) -> Result<(), Failure> {
    let is_demo = instance::find(&mut store.read().await?, DEMO).await?.is_some();
    if is_demo && (!settings.listen.ip().is_loopback() || settings.is_https()) {
        return Err(Failure::new("this is the database of a demo, whose passwords have been printed")
            .hint("serve it on loopback with an http issuer, or make a new database: `database_url`"));
    }
    Ok(())
}

/// The mark of a demo's database.
const DEMO: &str = "demo";

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let hint = error.hint();
        Self { sentence: with_causes(&error), hint: hint.map(str::to_owned) }
    }
}
