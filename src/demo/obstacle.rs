//! Why the demo cannot start, for the person who started it.

use std::fmt;

/// One sentence, and what to do about it.
#[derive(Debug)]
pub struct Obstacle {
    /// What happened.
    pub sentence: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Obstacle {
    pub(super) fn new(sentence: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), hint: Some(hint.into()) }
    }

    /// What could not be done, and why.
    pub(super) fn because(what: impl fmt::Display, cause: impl fmt::Display) -> Self {
        Self { sentence: format!("{what}: {cause}"), hint: None }
    }
}

impl From<crate::protocol::Error> for Obstacle {
    fn from(error: crate::protocol::Error) -> Self {
        Self { sentence: error.to_string(), hint: None }
    }
}

impl From<crate::store::StoreError> for Obstacle {
    fn from(error: crate::store::StoreError) -> Self {
        crate::protocol::Error::from(error).into()
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}
