//! What a grant gives: access, ID and refresh tokens.
