//! Pages for people.

pub mod account;
pub mod answer;
pub mod assets;
pub mod authorize;
pub mod consent;
pub mod csrf;
pub mod device;
pub mod errors;
pub mod form;
pub mod given;
pub mod headers;
pub mod locale;
pub mod login;
pub mod logout;
pub mod page;
pub mod parties;
pub mod pick_account;
pub mod resume;
pub mod second_press;
pub mod session;
pub mod session_state;
pub mod views;
pub mod visitor;
