//! A person's account.
