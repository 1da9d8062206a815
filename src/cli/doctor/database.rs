//! What `latchkey doctor` finds about the database.

use std::path::Path;

use super::{Finding, bad, good, of_failure, warn};
use crate::{
    cli::database::{check_owner, exposed, file},
    config::Settings,
    store::{Store, StoreError},
};

const CHECK: &str = "database";

/// Look at it; it is open afterwards if what else has to be looked at can be.
pub(super) async fn examine(settings: &Settings, findings: &mut Vec<Finding>) -> Option<Store> {
    let url = &settings.database_url;
    if let Err(failure) = check_owner(url) {
        findings.push(of_failure(CHECK, failure));
        return None;
    }
    if let Some(file) = file(url) {
        let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        findings.extend(examine_directory(directory));
        if !file.exists() {
            if directory.is_dir() {
                let told = format!("{} is not there yet; the first command that needs it makes it", file.display());
                findings.push(warn(CHECK, told));
            }
            return None;
        }
        findings.extend(exposed(url).map(|told| bad(CHECK, told)));
    }
    match look(url).await {
        Ok((store, Some(damage), _)) => {
            store.close().await;
            findings.push(
                bad(CHECK, format!("the file is damaged: {damage}"))
                    .hint("stop the server, keep the file, and bring a backup back: latchkey restore"),
            );
            None
        }
        Ok((store, None, 0)) => {
            findings.push(good(CHECK, "can be read and written, and its schema is up to date".to_owned()));
            Some(store)
        }
        Ok((store, None, pending)) => {
            findings.push(
                warn(CHECK, format!("{pending} migrations are missing"))
                    .hint("`latchkey migrate`, or the next start, applies them; make a backup before"),
            );
            store.close().await;
            None
        }
        Err(error) => {
            findings.push(of_failure(CHECK, error.into()));
            None
        }
    }
}

async fn look(url: &str) -> Result<(Store, Option<String>, usize), StoreError> {
    let store = Store::connect(url).await?;
    let damage = store.damage().await?;
    if damage.is_some() {
        return Ok((store, damage, 0));
    }
    let pending = store.pending_migrations().await?;
    if pending == 0 {
        store.check_writable(url).await?;
    }
    Ok((store, None, pending))
}

/// SQLite makes files beside its own, and needs room for them.
fn examine_directory(directory: &Path) -> Option<Finding> {
    if !directory.is_dir() {
        return Some(
            bad(CHECK, format!("the directory {} does not exist", directory.display()))
                .hint("make it, or name another one: `database_url`"),
        );
    }
    if rustix::fs::access(directory, rustix::fs::Access::WRITE_OK).is_err() {
        return Some(
            bad(CHECK, format!("this user may not write in the directory {}", directory.display()))
                .hint("SQLite keeps files beside its own: chown or chmod the directory"),
        );
    }
    let space = rustix::fs::statvfs(directory).ok()?;
    let (free, whole) = (space.f_bavail.saturating_mul(space.f_frsize), space.f_blocks.saturating_mul(space.f_frsize));
    disk(directory, free, whole)
}

/// What there is to say of the room that is left.
fn disk(directory: &Path, free: u64, whole: u64) -> Option<Finding> {
    let told = format!("{} MiB of {} MiB are left on the disk of {}", free >> 20, whole >> 20, directory.display());
    let hint = "make room before it is full: what has to be written is refused then, sign-ins among it";
    match free {
        0..LEAST => Some(bad("disk", told).hint(hint)),
        _ if free < LITTLE && free < whole / 20 => Some(warn("disk", told).hint(hint)),
        _ => None,
    }
}

const LEAST: u64 = 16 << 20;
const LITTLE: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    use super::{super::Mark, *};

    #[test]
    fn a_disk_that_is_nearly_full_is_said_and_a_small_one_is_none() {
        let mark = |free: u64, whole: u64| disk(Path::new("."), free << 20, whole << 20).map(|finding| finding.mark);
        assert_eq!(mark(10, 100_000), Some(Mark::Bad));
        assert_eq!(mark(500, 100_000), Some(Mark::Warning));
        assert_eq!(mark(50_000, 100_000), None);
        assert_eq!(mark(300, 1_000), None);
    }
}
