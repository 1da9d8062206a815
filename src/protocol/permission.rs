//! Permissions, and the patterns that stand for many of them.
