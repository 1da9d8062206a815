//! The words of the specifications. No input or output, no HTTP, no SQL; everything else may use it.

mod error;
mod params;
mod refusal;
mod scope;
mod time;

pub use error::{Error, Fault, Result};
pub use params::Params;
pub use refusal::{Code, Refusal};
pub use scope::Scope;
pub use time::{Lifetime, Timestamp};
