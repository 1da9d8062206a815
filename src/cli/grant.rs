//! `latchkey grant`.
