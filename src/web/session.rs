//! The browser session.
