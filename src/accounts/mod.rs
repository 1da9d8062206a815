//! Who consents: people, their passwords, and what keeps strangers from guessing them.

mod account;
mod argon2id;
pub mod claims;
pub mod detail;
pub mod devices;
mod identifier;
mod login;
pub mod password;
pub mod throttle;

pub use account::{
    Account, Changes, NewAccount, create, delete, disable, enable, end_session, find, find_by_username, list,
    set_password, sign_out_everywhere, update,
};
pub use detail::{Detail, Unfit};
pub use identifier::{Email, Username};
pub use login::{Attempt, Credentials, sign_in, unlock};
pub use password::{Passwords, Queue, Turn, Verdict};
