//! Latchkey: an OAuth 2.0 / OpenID Connect authorization server.
//!
//! In reading order; a folder may use those above it in this list, never those below:
//!
//! | folder | what it holds |
//! |---|---|
//! | [`protocol`] | the words of the specifications: scopes, parameters, refusals |
//! | [`clock`], [`random`] | the only sources of time and chance |
//! | [`config`] | every setting once: name, default, meaning |
//! | [`store`] | where rows live, SQLite or PostgreSQL |
//! | [`outgoing`] | calls to addresses that others have named |
//! | [`keys`], [`tokens`] | the signing keys, and what is signed with them |
//! | [`clients`], [`accounts`], [`orgs`] | who asks, who consents, and in whose name |
//! | [`authorization`], [`grants`] | the life of an authorization request, and what a client exchanges |
//! | [`endpoints`], [`web`] | the URLs clients call, and the pages people see |
//! | [`server`], [`jobs`], [`telemetry`] | the route table, the work in the background, logs and metrics |
//! | [`cli`] | the command line |

pub mod accounts;
pub mod authorization;
pub mod cli;
pub mod clients;
pub mod clock;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod endpoints;
pub mod grants;
pub mod jobs;
pub mod keys;
pub mod orgs;
pub mod outgoing;
pub mod protocol;
pub mod random;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod tokens;
pub mod web;
