//! `latchkey backup` and `restore`.
