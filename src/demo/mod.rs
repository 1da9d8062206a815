//! The sample app and resource server.
