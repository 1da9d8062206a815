//! The answer that travels in a form (OAuth 2.0 Form Post Response Mode).

use askama::Template;

use super::{Frame, Place, Shown, render};

/// What the page posts, and where.
#[derive(Clone, Debug)]
pub struct FormPostView<'a> {
    /// The client's redirect URI.
    pub action: &'a str,
    /// The parameters of the answer, in order.
    pub params: &'a [(&'a str, &'a str)],
    /// The app.
    pub app: Shown,
}

/// A page that posts itself to the app, by a script or by a button. To be answered without `has_form`
/// ([`crate::web::headers::PagePolicy`]): the app has no business with our address.
#[must_use]
pub fn form_post(frame: &Frame<'_>, view: &FormPostView<'_>) -> String {
    render(&Page { frame: *frame, view, place: Place::of(view.action).words(frame) })
}

#[derive(Template)]
#[template(path = "form_post.html")]
struct Page<'a> {
    frame: Frame<'a>,
    view: &'a FormPostView<'a>,
    place: String,
}
