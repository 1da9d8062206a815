//! `latchkey key`.
