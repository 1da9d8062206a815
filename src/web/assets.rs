//! The style sheet and what little script there is.
