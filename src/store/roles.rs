//! The roles of an organisation.
