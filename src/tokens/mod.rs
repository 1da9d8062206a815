//! What is handed out.

pub mod access_token;
pub mod id_token;
pub mod opaque;
pub mod refresh_token;
