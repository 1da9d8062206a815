//! How the command line speaks: tables and sentences for people, JSON for programs, and one sentence with a hint when
//! something is refused.

use std::fmt;

use serde::Serialize;

use crate::{
    keys::KeyError,
    protocol::{Error, Lifetime, Refusal, Timestamp, text, with_causes},
    store::StoreError,
};

/// Why a command was refused or failed: exit code 1.
#[derive(Debug)]
pub struct Failure {
    /// What is the matter, in one sentence.
    pub sentence: String,
    /// What can be done about it.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure in one sentence.
    #[must_use]
    pub fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), hint: None }
    }

    /// The same failure, with what can be done about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", printable(&self.sentence))?;
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {}", printable(hint))?;
        }
        Ok(())
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self { sentence: refusal.description.into_owned(), hint: refusal.hint }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        // Where in the source it arose helps with a defect, not with a database.
        let of_database = error
            .cause::<StoreError>()
            .map(|cause| Self { sentence: with_causes(cause), hint: cause.hint().map(str::to_owned) });
        match (error, of_database) {
            (Error::Refused(refusal), _) => refusal.into(),
            (Error::Failed(_), Some(failure)) => failure,
            (Error::Failed(fault), None) => Self::new(fault.to_string()),
        }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self { sentence: with_causes(&error), hint: error.hint().map(str::to_owned) }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(error.to_string())
    }
}

/// Print a line for people or programs. A reader that has gone away (`| head`) is no error.
pub fn print(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()));
}

/// A value as `--json` prints it.
#[must_use]
pub fn json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
}

/// Aligned columns under headings; no rows, no table but a word that says so.
#[must_use]
pub fn table(headers: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return "none".to_owned();
    }
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| printable(cell).replace('\n', "\\n")).collect()).collect();
    let widths: Vec<usize> = headers
        .iter()
        .enumerate()
        .map(|(column, header)| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            cells.chain([header.chars().count()]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: &mut dyn Iterator<Item = String>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&mut headers.iter().map(|header| header.to_uppercase()))];
    lines.extend(rows.iter().map(|row| line(&mut row.iter().cloned())));
    lines.join("\n")
}

/// One thing for people: a line for each of its facts, aligned; facts that are empty are left out.
#[must_use]
pub fn record(facts: &[(&str, String)]) -> String {
    let facts: Vec<_> = facts.iter().filter(|(_, value)| !value.is_empty()).collect();
    let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    // Further lines of a value stand under its first: none can pass for another fact.
    let under = format!("\n{:width$}  ", "");
    let line = |(name, value): &&(&str, String)| format!("{name:<width$}  {}", printable(value).replace('\n', &under));
    facts.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Text that came from somebody else, safe to print on a terminal: control characters are shown, not obeyed.
#[must_use]
pub fn printable(text: &str) -> String {
    let is_safe = |c: char| c == '\n' || !text::is_active(c);
    text.chars().flat_map(|c| if is_safe(c) { vec![c] } else { c.escape_unicode().collect() }).collect()
}

/// A point in time for people: the local date and time, and how long ago or in how long.
#[must_use]
pub fn when(at: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", date(at), relative(at, now))
}

/// How long ago, or in how long.
#[must_use]
pub fn relative(at: Timestamp, now: Timestamp) -> String {
    let Lifetime(seconds) = now - at;
    match seconds {
        0 => "now".to_owned(),
        1.. => format!("{} ago", span(seconds.unsigned_abs())),
        _ => format!("in {}", span(seconds.unsigned_abs())),
    }
}

fn span(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3_600 => (seconds / 60, "minute"),
        3_600..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

fn date(at: Timestamp) -> String {
    chrono::DateTime::from_timestamp(at.0, 0).map_or_else(
        || at.0.to_string(),
        |utc| utc.with_timezone(&chrono::Local).format("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_controls_are_shown() {
        let rows = [vec!["a".to_owned(), "x\u{1b}[31m".to_owned()], vec!["longer".to_owned(), "é".to_owned()]];
        assert_eq!(table(&["id", "name"], &rows), "ID      NAME\na       x\\u{1b}[31m\nlonger  é");
        assert_eq!(table(&["id"], &[]), "none");
    }

    #[test]
    fn no_cell_and_no_fact_can_pass_for_another() {
        let rows = [vec!["mallory".to_owned(), "x\nalice    yes".to_owned()]];
        assert_eq!(table(&["id", "name"], &rows).lines().count(), 2);
        let facts = [("name", "Mallory\nenabled  yes".to_owned()), ("enabled", "no".to_owned())];
        assert_eq!(record(&facts), "name     Mallory\n         enabled  yes\nenabled  no");
    }

    #[test]
    fn a_record_leaves_out_what_is_not_known() {
        let facts = [("name", "Alice".to_owned()), ("e-mail", String::new()), ("sub", "usr_1".to_owned())];
        assert_eq!(record(&facts), "name  Alice\nsub   usr_1");
    }

    #[test]
    fn times_are_told_in_words() {
        let now = Timestamp(1_000_000);
        assert_eq!(relative(Timestamp(999_999), now), "1 second ago");
        assert_eq!(relative(Timestamp(1_000_000 + 7_200), now), "in 2 hours");
        assert_eq!(relative(Timestamp(1_000_000 - 864_000), now), "10 days ago");
    }
}
