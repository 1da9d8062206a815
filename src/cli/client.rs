//! `latchkey client`.
