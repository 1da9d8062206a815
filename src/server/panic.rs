//! A handler that panics: a bug of ours, of which one request hears, and the log, but no other request.

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use crate::protocol::Error;

/// The same future; a panic in it becomes its outcome. Nothing of what it used is used again.
pub(super) struct Caught<F>(Pin<Box<F>>);

impl<F: Future> Caught<F> {
    pub(super) fn new(future: F) -> Self {
        Self(Box::pin(future))
    }
}

impl<F: Future> Future for Caught<F> {
    type Output = Result<F::Output, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(Error::broken(format!("a handler panicked: {}", message(&*panic))))),
        }
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_of_one_request() {
        let error = Caught::new(async { panic!("{} is not here", "x") }).await.unwrap_err();
        assert!(error.to_string().starts_with("a handler panicked: x is not here"), "{error}");
        assert_eq!(Caught::new(async { 7 }).await.unwrap(), 7);
    }
}
