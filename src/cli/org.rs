//! `latchkey org`.
