//! The page to pick an account.
