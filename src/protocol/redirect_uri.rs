//! Redirect URIs: which may be registered, and what matches them.
