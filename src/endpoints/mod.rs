//! The URLs clients call.
