//! Signing out: the question, and what was done.

use askama::Template;

use super::{BackLink, ClientView, Frame, Person, render};

/// What the question shows. Its buttons are `action=sign_out` and `action=cancel`.
#[derive(Clone, Debug)]
pub struct SignOutView<'a> {
    /// Where the form goes.
    pub action: &'a str,
    /// The token that only our own pages have.
    pub csrf: &'a str,
    /// The app that asks for it, if it is known.
    pub client: Option<ClientView>,
    /// Who is signed in.
    pub person: Option<Person>,
    /// What the form carries along.
    pub hidden: &'a [(&'a str, &'a str)],
}

/// What is shown to who is signed out.
#[derive(Clone, Debug)]
pub struct SignedOutView {
    /// The way back to the app, if there is one.
    pub back: Option<BackLink>,
}

/// What is shown while apps are told that their user has signed out.
#[derive(Clone, Copy, Debug)]
pub struct SigningOutView<'a> {
    /// What each of them wants to be loaded.
    pub frames: &'a [String],
    /// Where it goes on.
    pub next: &'a str,
}

/// "Sign out?"
#[must_use]
pub fn sign_out(frame: &Frame<'_>, view: &SignOutView<'_>) -> String {
    render(&Question { frame: *frame, view })
}

/// "You are signed out"
#[must_use]
pub fn signed_out(frame: &Frame<'_>, view: &SignedOutView) -> String {
    render(&Done { frame: *frame, view })
}

/// "Signing you out", which goes on by itself. Its policy has to let it load the frames
/// ([`crate::web::headers::PagePolicy`]).
#[must_use]
pub fn signing_out(frame: &Frame<'_>, view: &SigningOutView<'_>) -> String {
    render(&Underway { frame: *frame, view })
}

#[derive(Template)]
#[template(path = "sign_out.html")]
struct Question<'a> {
    frame: Frame<'a>,
    view: &'a SignOutView<'a>,
}

#[derive(Template)]
#[template(path = "signing_out.html")]
struct Underway<'a> {
    frame: Frame<'a>,
    view: &'a SigningOutView<'a>,
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct Done<'a> {
    frame: Frame<'a>,
    view: &'a SignedOutView,
}
