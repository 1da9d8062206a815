//! `latchkey config`.
