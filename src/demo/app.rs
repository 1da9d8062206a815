//! The sample third-party app.
