//! `latchkey session`.
