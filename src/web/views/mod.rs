//! Pages as text: view models in, HTML out. Nothing here knows of HTTP, rows or time.

mod account;
mod check_session;
mod consent;
mod error_code;
mod form_post;
mod frame;
mod login;
mod party;
mod pick_account;
mod problem;
mod sign_out;

pub use account::{AccountNotice, AccountProblem, AccountView, AppLine, SessionLine, account};
pub use check_session::check_session;
pub use consent::{ConsentLine, ConsentProblem, ConsentView, OrgChoice, PermissionLine, Told, consent};
pub use error_code::{Explanation, error_code, error_codes, explain};
pub use form_post::{FormPostView, form_post};
pub use frame::Frame;
pub use login::{LoginProblem, LoginView, login};
pub use party::{BackLink, ClientView, Person, Place, Shown};
pub use pick_account::{PickAccountView, pick_account};
pub use problem::{Developer, ProblemKind, ProblemView, problem};
pub use sign_out::{SignOutView, SignedOutView, SigningOutView, sign_out, signed_out, signing_out};

use askama::Template;

fn render(page: &impl Template) -> String {
    page.render().expect("a template writes into a String, which takes everything")
}
