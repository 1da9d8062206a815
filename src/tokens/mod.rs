//! What is handed out: access tokens, ID tokens, refresh tokens. Nothing here reads a row.

pub mod access_token;
pub mod id_token;
pub mod logout_token;
pub mod opaque;
pub mod refresh_token;

pub use access_token::{AccessToken, Claims, OrgClaims};
pub use id_token::{HintClaims, IdToken};
pub use refresh_token::RefreshToken;
