//! The two ways in which anything goes wrong: the asker is at fault, or we are.

use std::{fmt, iter, panic::Location};

use super::{ErrorCode, Refusal};

/// What comes back from anything that can go wrong.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Refused or failed; nothing else happens here.
#[derive(Debug)]
pub enum Error {
    /// The asker is at fault, and is told so in the specification's words.
    Refused(Refusal),
    /// We are at fault: the asker hears `server_error`, the log hears the cause and where it arose.
    Failed(Fault),
}

/// Something of ours that broke, and where.
pub struct Fault {
    cause: Box<dyn std::error::Error + Send + Sync>,
    location: &'static Location<'static>,
}

impl Error {
    /// A refusal in one step.
    #[must_use]
    pub fn refused(code: ErrorCode, description: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Self::Refused(Refusal::new(code, description))
    }

    /// A fault that has no cause but itself: an invariant of ours that did not hold.
    #[track_caller]
    #[must_use]
    pub fn broken(what: impl Into<String>) -> Self {
        Self::Failed(Fault { cause: what.into().into(), location: Location::caller() })
    }

    /// What of that type is behind it.
    #[must_use]
    pub fn cause<E: std::error::Error + 'static>(&self) -> Option<&E> {
        let Self::Failed(fault) = self else { return None };
        let first: &(dyn std::error::Error + 'static) = &*fault.cause;
        iter::successors(Some(first), |cause| cause.source()).find_map(|cause| cause.downcast_ref())
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Error {
    #[track_caller]
    fn from(cause: E) -> Self {
        Self::Failed(Fault { cause: Box::new(cause), location: Location::caller() })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => write!(f, "{}: {}", refusal.code.as_str(), refusal.description),
            Self::Failed(fault) => fault.fmt(f),
        }
    }
}

/// An error with what is behind it, in one line.
#[must_use]
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Some tell of their cause themselves.
        let text = cause.to_string();
        if !line.ends_with(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        source = cause.source();
    }
    line
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = with_causes(&*self.cause);
        write!(f, "{line} (at {}:{})", self.location.file(), self.location.line())
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
