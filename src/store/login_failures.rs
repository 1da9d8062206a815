//! Failed logins, by hashed key.
