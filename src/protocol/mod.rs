//! The words of the specifications. No input or output, no HTTP, no SQL; everything else may use it.

mod algorithm;
mod auth_method;
pub mod basic;
pub mod claims;
mod encryption;
mod error;
mod grant_type;
mod params;
pub mod permission;
pub mod pkce;
mod prompt;
mod redirect_uri;
mod refusal;
mod response_mode;
mod response_type;
mod scope;
mod secret;
pub mod text;
mod time;
pub mod typ;
mod words;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use auth_method::AuthMethod;
pub use encryption::{ContentEncryption, KeyManagement};
pub use error::{Error, Fault, Result, with_causes};
pub use grant_type::GrantType;
pub use params::{Params, Readable};
pub use prompt::Prompt;
pub use redirect_uri::{ApplicationType, RedirectUri};
pub use refusal::{ErrorCode, Refusal};
pub use response_mode::ResponseMode;
pub use response_type::ResponseType;
pub use scope::Scope;
pub use secret::{PlainSecret, SecretHash};
pub use time::{Lifetime, Timestamp};
pub(crate) use words::words;
