//! Who has which role.
