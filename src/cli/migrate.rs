//! `latchkey migrate`.

use serde_json::json;

use super::{Desk, Failure};

/// Say what came of it: every command that opens the database brings its schema up to date.
///
/// # Errors
/// None of its own.
pub fn run(desk: &Desk) -> Result<(), Failure> {
    desk.show(&json!({ "migrated": true }), || "the database is up to date".to_owned());
    Ok(())
}
