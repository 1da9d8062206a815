//! Signing in, and what slows a guesser down.
