//! `latchkey doctor`.
