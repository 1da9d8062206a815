//! What all pages have in common.

use crate::{
    protocol::Timestamp,
    web::{
        assets::{self, Brand},
        locale::{Locale, Value},
    },
};

/// What all pages have in common.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The reader's language.
    pub locale: Locale,
    /// Whose pages they are.
    pub brand: &'a Brand,
    /// The issuer's path, without a slash at the end; empty when it has none.
    pub base: &'a str,
    /// What the log knows this page by.
    pub request_id: &'a str,
}

impl Frame<'_> {
    pub(super) fn text(&self, id: &str) -> String {
        self.locale.text(id)
    }

    pub(super) fn with(&self, id: &str, name: &'static str, value: &str) -> String {
        self.locale.with(id, [(name, Value::from(value))])
    }

    pub(super) fn count(&self, id: &str, count: i64) -> String {
        self.locale.with(id, [("count", Value::from(count))])
    }

    /// A page's title, which says at once whether something went wrong.
    pub(super) fn title(&self, id: &str, is_error: bool) -> String {
        let title = self.text(id);
        if is_error { self.with("error-title", "title", &title) } else { title }
    }

    pub(super) fn asset(&self, file: &str) -> String {
        format!("{}/assets/{file}", self.base)
    }

    pub(super) fn icon(&self) -> String {
        self.asset(assets::icon())
    }

    pub(super) fn form_script(&self) -> String {
        self.asset(assets::form_script())
    }

    pub(super) fn password_script(&self) -> String {
        self.asset(assets::password_script())
    }

    pub(super) fn form_post_script(&self) -> String {
        self.asset(assets::form_post_script())
    }

    pub(super) fn signing_out_script(&self) -> String {
        self.asset(assets::signing_out_script())
    }

    pub(super) fn check_session_script(&self) -> String {
        self.asset(assets::check_session_script())
    }

    /// How long ago, in the roundest words that are true.
    pub(super) fn ago(&self, then: Timestamp, now: Timestamp) -> String {
        let seconds = (now - then).0.max(0);
        match seconds {
            ..60 => self.text("ago-now"),
            60..3_600 => self.count("ago-minutes", seconds / 60),
            3_600..86_400 => self.count("ago-hours", seconds / 3_600),
            _ => self.count("ago-days", seconds / 86_400),
        }
    }

    /// The day of a time, as the reader's language writes it.
    pub(super) fn date(&self, seconds: i64) -> Option<String> {
        let date = time::OffsetDateTime::from_unix_timestamp(seconds).ok()?.date();
        Some(self.day(date.year(), u8::from(date.month()), date.day()))
    }

    /// A date of birth (OIDC Core §5.1, `birthdate`): `YYYY-MM-DD`, or `0000-MM-DD` where the year is nobody's business.
    /// `None` for a year alone, which every language writes alike, and for what is no date.
    pub(super) fn birthdate(&self, text: &str) -> Option<String> {
        let (year, rest) = text.split_once('-')?;
        let (month, day) = rest.split_once('-')?;
        let (month, day) = (month.parse().ok()?, day.parse().ok()?);
        ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some(self.day(year.parse().ok()?, month, day))
    }

    fn day(&self, year: i32, month: u8, day: u8) -> String {
        let month = self.count("month", month.into());
        let args = [("day", Value::from(day)), ("month", month.into())];
        match year {
            0 => self.locale.with("date-of-year", args),
            year => self.locale.with("date", args.into_iter().chain([("year", Value::from(year))])),
        }
    }

    /// When to try again; rounded up, so that who waits so long does not wait in vain.
    pub(super) fn wait(&self, seconds: i64) -> String {
        match seconds.max(1) {
            seconds @ ..60 => self.count("wait-seconds", seconds),
            seconds @ 60..3_600 => self.count("wait-minutes", (seconds + 59) / 60),
            seconds => self.count("wait-hours", (seconds + 3_599) / 3_600),
        }
    }
}

/// A text in which some parts are code: each part, and whether it is.
pub(super) type Marked<'a> = Vec<(bool, &'a str)>;

/// The parts of a text with code between backticks, as the descriptions of refusals are written.
pub(super) fn marked(text: &str) -> Marked<'_> {
    text.split('`').enumerate().map(|(at, part)| (at % 2 == 1, part)).collect()
}

/// A membership as it is told: "Acme: editor".
pub(super) fn membership(frame: &Frame<'_>, org: &str, role: &str) -> String {
    frame.locale.with("membership", [("org", Value::from(org)), ("role", Value::from(role))])
}
