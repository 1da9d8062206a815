//! Pages for people.

pub mod account;
pub mod assets;
pub mod consent;
pub mod csrf;
pub mod form;
pub mod headers;
pub mod locale;
pub mod login;
pub mod logout;
pub mod page;
pub mod pick_account;
pub mod second_press;
pub mod session;
pub mod views;
pub mod visitor;
