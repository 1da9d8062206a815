//! `latchkey member`.
