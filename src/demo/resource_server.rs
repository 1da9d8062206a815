//! The sample resource server.
