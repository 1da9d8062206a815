//! What is told about a person.
