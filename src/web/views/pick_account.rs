//! The page to pick an account.

use askama::Template;

use super::{ClientView, Frame, Person, render};

/// What the page to pick an account shows. Its buttons are `action=continue`, `switch` and `cancel`.
#[derive(Clone, Debug)]
pub struct PickAccountView<'a> {
    /// Where the form goes.
    pub action: &'a str,
    /// The token that only our own pages have.
    pub csrf: &'a str,
    /// The app that asks.
    pub client: ClientView,
    /// Who is signed in.
    pub person: Person,
    /// Whether the page sent before was too old.
    pub has_expired: bool,
}

/// The page to pick an account.
#[must_use]
pub fn pick_account(frame: &Frame<'_>, view: &PickAccountView<'_>) -> String {
    let initial = view.person.name.chars().next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    render(&Page { frame: *frame, view, title: frame.title("pick-account", view.has_expired), initial })
}

#[derive(Template)]
#[template(path = "pick_account.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a PickAccountView<'a>,
    title: String,
    initial: String,
}
