//! The reader's language.
