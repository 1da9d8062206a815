//! `latchkey backup` and `latchkey restore`.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{Desk, Failure, database, output};
use crate::{
    clock::Clock,
    config::Settings,
    store::{Store, instance, snapshot},
};

/// What `latchkey backup` takes.
#[derive(Debug, clap::Args)]
pub struct BackupArgs {
    /// Where to write the copy; a file that is there already is left alone
    pub file: PathBuf,
}

/// What `latchkey restore` takes.
#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// A copy that `latchkey backup` has written
    pub file: PathBuf,
}

/// Write a copy of the database, while the server goes on.
///
/// # Errors
/// When the file is there already or cannot be written, or the database is not SQLite.
pub async fn run(args: BackupArgs, desk: &Desk) -> Result<(), Failure> {
    if desk.store.is_postgres() {
        return Err(Failure::new("`latchkey backup` copies SQLite databases; this one is PostgreSQL")
            .hint("pg_dump --format=custom --file=latchkey.dump \"$LATCHKEY_DATABASE_URL\""));
    }
    let file = args.file;
    if file.exists() {
        return Err(Failure::new(format!("{} is there already", file.display())).hint("name another file"));
    }
    let partial = beside(&file, "partial");
    let written = write_copy(&desk.store, &partial, &file).await;
    if written.is_err() {
        drop(fs::remove_file(&partial));
    }
    written?;
    let bytes = fs::metadata(&file)?.len();
    desk.show(&json!({ "file": file, "bytes": bytes }), || {
        format!(
            "{} holds the database as it was just now ({bytes} bytes).\n\
             Its private keys are sealed: keep the master key too, in another place.",
            file.display()
        )
    });
    Ok(())
}

async fn write_copy(store: &Store, partial: &Path, file: &Path) -> Result<(), Failure> {
    // Everybody's personal data is in it: for this user alone, from the first byte on.
    let cannot = |error: io::Error| Failure::new(format!("{} cannot be written: {error}", partial.display()));
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(partial).map_err(cannot)?;
    snapshot::write(&mut store.read().await?, partial).await?;
    File::open(partial).and_then(|copy| copy.sync_all()).map_err(cannot)?;
    // A link, not a rename: it never replaces what somebody has put there meanwhile.
    fs::hard_link(partial, file).map_err(cannot)?;
    fs::remove_file(partial).map_err(cannot)?;
    sync_directory(file).map_err(cannot)
}

/// Replace the database by a copy. What was there is kept beside it.
///
/// # Errors
/// When a server is running, the copy is none, or the files cannot be moved.
pub async fn restore(args: RestoreArgs, settings: &Settings, json: bool) -> Result<(), Failure> {
    let url = &settings.database_url;
    let Some(target) = database::file(url) else {
        return Err(Failure::new("`latchkey restore` brings SQLite databases back; this one is PostgreSQL").hint(
            "stop every server, run pg_restore, then end what the copy brought back to life: latchkey key rotate --emergency --all",
        ));
    };
    database::check_owner(url)?;
    if !target.exists() {
        // An empty one, so that what follows is the same in both cases.
        Store::open(url).await?.close().await;
    }
    if !snapshot::is_alone(&target).await? {
        return Err(Failure::new(format!("{} is in use", target.display()))
            .hint("stop every server and command that works on it, then try again"));
    }
    let incoming = beside(&target, "restoring");
    drop(fs::remove_file(&incoming));
    let prepared = prepare(&args.file, &incoming, url).await;
    if prepared.is_err() {
        drop(fs::remove_file(&incoming));
    }
    prepared?;
    let kept = beside(&target, &format!("before-restore-{}", Clock::System.now().0));
    // A second name first, so that at no moment there is no database: a supervisor that starts the server again would make
    // an empty one. Where a file cannot have two names, it is copied.
    fs::hard_link(&target, &kept).or_else(|_| fs::copy(&target, &kept).map(drop))?;
    fs::rename(&incoming, &target)?;
    sync_directory(&target)?;
    let shown = json!({ "restored": args.file, "database": target, "kept": kept });
    output::print(&if json { output::json(&shown) } else { words(&target, &kept) });
    Ok(())
}

/// A copy of the copy, of today's schema, in which nothing lives that was ended since.
async fn prepare(copy: &Path, incoming: &Path, current: &str) -> Result<(), Failure> {
    let none = |why: String| Failure::new(format!("{} is no backup: {why}", copy.display()));
    let bytes = fs::read(copy).map_err(|error| none(error.to_string()))?;
    if !bytes.starts_with(b"SQLite format 3\0") {
        return Err(none("it is no SQLite database".to_owned()));
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(incoming)?;
    io::Write::write_all(&mut file, &bytes)?;
    file.sync_all()?;
    let now = Store::connect(current).await?;
    let epoch = instance::issuer_epoch(&mut now.read().await?).await;
    now.close().await;
    let store = Store::connect(&format!("sqlite:{}", incoming.display())).await?;
    let ended = async {
        if instance::issuer_epoch(&mut store.read().await?).await.is_err() {
            return Err(none("it holds none of the tables of latchkey".to_owned()));
        }
        store.migrate().await?;
        let mut tx = store.write().await?;
        // What replaces a database that cannot be read may have any epoch.
        snapshot::end_everything(&mut tx, epoch.unwrap_or_default()).await?;
        Ok(tx.commit().await?)
    };
    let ended = ended.await;
    store.close().await;
    ended?;
    let is_whole = snapshot::is_alone(incoming).await?;
    if is_whole { Ok(()) } else { Err(Failure::new(format!("{} is in use", incoming.display()))) }
}

fn words(target: &Path, kept: &Path) -> String {
    format!(
        "The backup is in place as {}; the database it replaced is kept as {}.\n\
         Everybody has to sign in again: all codes, sessions and refresh tokens have ended.\n\
         Accounts deleted and keys dropped since the backup was made are back: see `latchkey user list` and `latchkey key list`.",
        target.display(),
        kept.display()
    )
}

fn beside(file: &Path, what: &str) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{what}"));
    file.with_file_name(name)
}

/// A name is on disk when its directory is.
fn sync_directory(file: &Path) -> io::Result<()> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}
