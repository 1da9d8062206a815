//! What apps frame to watch a session (OIDC Session Management 1.0 §3.2): nothing to see, only a script.

use askama::Template;

use super::{Frame, render};

/// The page, and the name of the cookie that its script reads.
#[must_use]
pub fn check_session(frame: &Frame<'_>, cookie: &str) -> String {
    render(&Page { frame: *frame, cookie })
}

#[derive(Template)]
#[template(path = "check_session.html")]
struct Page<'a> {
    frame: Frame<'a>,
    cookie: &'a str,
}
