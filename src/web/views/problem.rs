//! Something went wrong: what happened, whether anything was lost, what to do next.

use askama::Template;
use axum::http::StatusCode;

use super::{
    BackLink, Frame, explain,
    frame::{Marked, marked},
    render,
};
use crate::protocol::ErrorCode;

/// What the page of a problem shows.
#[derive(Clone, Debug)]
pub struct ProblemView {
    /// What kind of problem.
    pub kind: ProblemKind,
    /// A page of ours on which the same request goes on.
    pub go_on: Option<String>,
    /// The way back to the app, where that is safe.
    pub back: Option<BackLink>,
    /// What the developer of the app needs to know.
    pub developer: Option<Developer>,
}

/// For the developer of the app.
#[derive(Clone, Debug)]
pub struct Developer {
    /// The error.
    pub error: ErrorCode,
    /// What came and what was expected.
    pub description: String,
}

/// The kinds of problems that people see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The app asked in a way that cannot be answered, and not even be told to it.
    Authorization,
    /// The app's wish to sign out cannot be followed.
    SignOut,
    /// The page works for an app's request, and none is named.
    NothingAsked,
    /// The browser keeps no cookies.
    NoCookies,
    /// The request waited too long and is gone.
    RequestGone,
    /// The form is too old, or was not sent by a page of ours.
    FormRefused,
    /// There is no such page.
    NotFound,
    /// What the browser sent cannot be read.
    Unreadable,
    /// Too busy at the moment.
    Busy,
    /// We are at fault.
    Failed,
}

/// "Something went wrong", in the words of its kind.
#[must_use]
pub fn problem(frame: &Frame<'_>, view: &ProblemView) -> String {
    let [title, what, lost, mut next] = view.kind.messages().map(|id| frame.with(id, "brand", frame.brand.name()));
    if view.go_on.is_some() && view.kind == ProblemKind::RequestGone {
        next = frame.text("next-go-on");
    }
    let developer = view.developer.as_ref().map(|own| {
        let explanation = explain(own.error);
        DeveloperPart {
            error: own.error.as_str(),
            description: marked(&own.description),
            change: explanation.cures.iter().copied().map(marked).collect(),
        }
    });
    render(&Page { frame: *frame, view, title, what, lost, next, developer })
}

impl ProblemView {
    /// Where there is no app to go back to, there is the account.
    fn leads_home(&self) -> bool {
        match self.kind {
            ProblemKind::SignOut => true,
            ProblemKind::Authorization => false,
            _ => self.go_on.is_none() && self.back.is_none(),
        }
    }
}

impl ProblemKind {
    /// All of them, for tests.
    pub const ALL: &[Self] = &[
        Self::Authorization,
        Self::SignOut,
        Self::NothingAsked,
        Self::NoCookies,
        Self::RequestGone,
        Self::FormRefused,
        Self::NotFound,
        Self::Unreadable,
        Self::Busy,
        Self::Failed,
    ];

    /// The status to answer with.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Authorization | Self::SignOut | Self::NothingAsked | Self::NoCookies | Self::Unreadable => {
                StatusCode::BAD_REQUEST
            }
            Self::RequestGone => StatusCode::GONE,
            Self::FormRefused => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The messages that say: the title, what happened, whether anything was lost, and what to do next.
    const fn messages(self) -> [&'static str; 4] {
        match self {
            Self::Authorization => {
                ["authorization-error", "authorization-error-what", "lost-nothing-shared", "next-ask-the-app"]
            }
            Self::SignOut => ["sign-out-error", "sign-out-error-what", "lost-still-signed-in", "next-sign-out-here"],
            Self::NothingAsked => ["nothing-asked", "nothing-asked-what", "lost-nothing", "next-begin-in-the-app"],
            Self::NoCookies => ["no-cookies", "no-cookies-what", "lost-nothing-shared", "next-allow-cookies"],
            Self::RequestGone => ["request-gone", "request-gone-what", "lost-nothing-shared", "next-begin-in-the-app"],
            Self::FormRefused => ["form-refused", "form-refused-what", "lost-nothing-changed", "next-open-again"],
            Self::NotFound => ["not-found", "not-found-what", "lost-nothing", "next-check-address"],
            Self::Unreadable => ["unreadable", "unreadable-what", "lost-nothing-changed", "next-begin-in-the-app"],
            Self::Busy => ["busy", "busy-what", "lost-nothing-changed", "next-wait"],
            Self::Failed => ["failed", "failed-what", "lost-last-step", "next-try-later"],
        }
    }
}

struct DeveloperPart<'a> {
    error: &'static str,
    description: Marked<'a>,
    change: Vec<Marked<'static>>,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a ProblemView,
    title: String,
    what: String,
    lost: String,
    next: String,
    developer: Option<DeveloperPart<'a>>,
}
