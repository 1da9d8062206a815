//! The sign-in page.

use askama::Template;

use super::{ClientView, Frame, render};

/// What the sign-in page shows.
#[derive(Clone, Debug)]
pub struct LoginView<'a> {
    /// Where the form goes.
    pub action: &'a str,
    /// The token that only our own pages have.
    pub csrf: &'a str,
    /// The app that asks; `None` for who comes by themselves.
    pub client: Option<ClientView>,
    /// What was typed before, or the app's `login_hint`.
    pub username: &'a str,
    /// What went wrong.
    pub problem: Option<LoginProblem>,
    /// Whether there is an app to be told no.
    pub can_cancel: bool,
}

/// Why nobody is signed in yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginProblem {
    /// The name or the password is wrong; which of them, nobody is told.
    Wrong,
    /// Too many tries; the next one counts after this time.
    Throttled {
        /// The seconds until then.
        seconds: i64,
    },
    /// The page was too old: the same request goes on.
    Expired,
    /// Whoever sent a form of the account was not signed in any more; nothing was done.
    Unsaved,
    /// The browser has sent no cookie, so nobody can tell that it was shown this page.
    NoCookie,
    /// Too many people at once.
    Busy,
    /// Somebody else is signed in than the app expects. Nobody has done anything wrong.
    OtherAccount,
}

/// The sign-in page.
#[must_use]
pub fn login(frame: &Frame<'_>, view: &LoginView<'_>) -> String {
    let problem = view.problem.map(|problem| problem.words(frame));
    let is_error = view.problem.is_some_and(|problem| problem != LoginProblem::OtherAccount);
    let is_wrong = view.problem == Some(LoginProblem::Wrong);
    render(&Page { frame: *frame, view, title: frame.title("sign-in", is_error), problem, is_error, is_wrong })
}

impl LoginProblem {
    fn words(self, frame: &Frame<'_>) -> String {
        match self {
            Self::Wrong => frame.text("login-wrong"),
            Self::Throttled { seconds } => format!("{} {}", frame.text("login-throttled"), frame.wait(seconds)),
            Self::Expired => frame.text("form-expired"),
            Self::Unsaved => frame.text("login-unsaved"),
            Self::NoCookie => frame.text("login-no-cookie"),
            Self::Busy => frame.text("login-busy"),
            Self::OtherAccount => frame.text("login-other-account"),
        }
    }
}

#[derive(Template)]
#[template(path = "login.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a LoginView<'a>,
    title: String,
    problem: Option<String>,
    is_error: bool,
    is_wrong: bool,
}
