//! What a client may exchange for tokens.

pub mod authorization_code;
pub mod client_credentials;
pub mod issue;
pub mod live;
pub mod refresh_token;
