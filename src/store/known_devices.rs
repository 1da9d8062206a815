//! Browsers that have signed a user in before.
