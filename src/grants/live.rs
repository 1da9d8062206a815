//! Whether a grant still holds.
