//! `latchkey user`.
