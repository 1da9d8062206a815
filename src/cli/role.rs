//! `latchkey role`.
