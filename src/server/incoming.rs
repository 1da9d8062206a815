//! A request body, which has to come in time and not be too large: so that nobody can hold a request open byte by byte,
//! or fill the memory.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    Error,
    body::{Body, Bytes, HttpBody},
};
use http_body::Frame;
use tokio::time::Sleep;

/// Whether a body was too large; known when it has been read.
#[derive(Clone, Debug, Default)]
pub(super) struct TooLarge(Arc<AtomicBool>);

impl TooLarge {
    pub(super) fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The same body, which breaks off when it has not ended in `time`, or is larger than `most` bytes.
pub(super) fn bounded(body: Body, most: u64, time: Duration) -> (Body, TooLarge) {
    let too_large = TooLarge::default();
    let bounded = Bounded { body, left: most, time, sleep: None, too_large: too_large.clone() };
    (Body::new(bounded), too_large)
}

struct Bounded {
    body: Body,
    left: u64,
    time: Duration,
    /// Begins when the body is waited for: most have come with the head.
    sleep: Option<Pin<Box<Sleep>>>,
    too_large: TooLarge,
}

#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the body did not come in time")]
    TooSlow,
    #[error("the body is too large")]
    TooLarge,
}

impl Bounded {
    fn take(&mut self, bytes: u64) -> Result<(), Error> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.too_large.0.store(true, Ordering::Relaxed);
                Err(Error::new(Broken::TooLarge))
            }
        }
    }
}

impl HttpBody for Bounded {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        // What says beforehand that it is too large is not waited for.
        if self.body.size_hint().lower() > self.left {
            let lower = self.body.size_hint().lower();
            return Poll::Ready(self.take(lower).err().map(Err));
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            let Some(Ok(frame)) = frame else { return Poll::Ready(frame) };
            let bytes = frame.data_ref().map_or(0, |data| u64::try_from(data.len()).unwrap_or(u64::MAX));
            return Poll::Ready(Some(self.take(bytes).map(|()| frame)));
        }
        let time = self.time;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(time)));
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(Some(Err(Error::new(Broken::TooSlow))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_body_of_the_limit_comes_through_and_one_byte_more_does_not() {
        let (body, too_large) = bounded(Body::from(vec![7; 100]), 100, LONG);
        assert_eq!(to_bytes(body, usize::MAX).await.unwrap().len(), 100);
        assert!(!too_large.is_so());
        let (body, too_large) = bounded(Body::from(vec![7; 101]), 100, LONG);
        assert!(to_bytes(body, usize::MAX).await.is_err() && too_large.is_so());
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_breaks_off() {
        struct Never;
        impl HttpBody for Never {
            type Data = Bytes;
            type Error = Error;
            fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
                Poll::Pending
            }
        }
        let (body, too_large) = bounded(Body::new(Never), 100, Duration::from_millis(1));
        let error = to_bytes(body, usize::MAX).await.unwrap_err();
        assert!(error.to_string().contains("did not come in time"), "{error}");
        assert!(!too_large.is_so());
    }
}
