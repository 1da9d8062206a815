//! `latchkey demo`.
