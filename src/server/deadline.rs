//! A request body that has to have come by a certain time, so that nobody can hold a request open byte by byte.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Error,
    body::{Body, Bytes, HttpBody},
};
use tokio::time::Sleep;

/// The same body, which breaks off when it has not ended in time.
pub(super) fn read_within(body: Body, time: Duration) -> Body {
    Body::new(Deadline { body, sleep: Box::pin(tokio::time::sleep(time)) })
}

struct Deadline {
    body: Body,
    sleep: Pin<Box<Sleep>>,
}

#[derive(Debug, thiserror::Error)]
#[error("the body did not come in time")]
struct TooSlow;

impl HttpBody for Deadline {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending => self.sleep.as_mut().poll(cx).map(|()| Some(Err(Error::new(TooSlow)))),
            ready => ready,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
