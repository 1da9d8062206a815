//! Who consents.
