//! What a client may exchange for tokens.
