//! `latchkey migrate`.
