//! How each family of endpoints answers an error.
