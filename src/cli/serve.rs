//! `latchkey serve`.
