//! `latchkey token`.
