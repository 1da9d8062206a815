//! Refresh tokens: a grant, a generation and a MAC.
