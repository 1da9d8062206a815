//! `latchkey resource`.
