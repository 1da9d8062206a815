//! The life of an authorization request: read, kept while the user signs in and is asked, answered.
//!
//! [`request_object`] unwraps the parameters, [`request`] reads them (with oxide-auth's `machine`) into what is asked
//! ([`mod@ask`]) and how it is answered, [`situation`] gathers the facts, [`interaction`] decides what comes next, [`offer`]
//! says what an approval would give, [`waiting`] keeps the request while pages are shown, [`code`] turns an approval into its
//! grants, and [`response`] carries the answer.

pub mod ask;
pub mod code;
mod hint;
pub mod interaction;
pub mod login;
mod machine;
pub mod offer;
pub mod request;
pub mod request_object;
pub mod response;
pub mod situation;
pub mod waiting;
