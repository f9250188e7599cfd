//! Request bodies that a handler did not read to the end.
//!
//! hyper closes a connection whose request body was not read, but decides so after it has sent the response head. The
//! server therefore wraps each body, and learns from the wrapper what is left of it when the response is known: a short
//! rest is read and discarded, otherwise the response gets `Connection: close`.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::{
    sync::oneshot::{self, error::TryRecvError},
    time::timeout,
};

/// The longest rest of a body that is read so that the connection can be kept.
const MAX_DISCARDED: usize = 16 * 1024;

/// The time in which that rest must arrive; the response waits for it.
const DISCARD_TIMEOUT: Duration = Duration::from_millis(250);

/// A request body that hands its unread rest to an [`UnreadBody`] when it is dropped.
pub(super) struct TrackedBody {
    /// `None` once everything was read.
    body: Option<Incoming>,
    has_failed: bool,
    rest: Option<oneshot::Sender<Rest>>,
}

/// The unread part of a body.
enum Rest {
    Readable(Incoming),
    /// The body did not arrive whole.
    Failed,
}

/// Tells what is left of a request body once the response is known.
pub(super) struct UnreadBody(oneshot::Receiver<Rest>);

impl TrackedBody {
    pub(super) fn new(body: Incoming) -> (Self, UnreadBody) {
        let (sender, receiver) = oneshot::channel();
        let tracked = Self {
            body: Some(body),
            has_failed: false,
            rest: Some(sender),
        };
        (tracked, UnreadBody(receiver))
    }
}

impl Drop for TrackedBody {
    fn drop(&mut self) {
        if let (Some(body), Some(sender)) = (self.body.take(), self.rest.take()) {
            let rest = if self.has_failed {
                Rest::Failed
            } else {
                Rest::Readable(body)
            };
            // Without a receiver, the connection is gone.
            let _ = sender.send(rest);
        }
    }
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(&mut *body).poll_frame(cx));
        let is_end = frame.is_none() || body.is_end_stream();
        if let Some(Err(_)) = frame {
            self.has_failed = true;
        } else if is_end {
            self.body = None;
            self.rest = None;
        }
        Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let exhausted = SizeHint::with_exact(0);
        self.body.as_ref().map_or(exhausted, Incoming::size_hint)
    }
}

impl UnreadBody {
    /// Whether the handler has read the body to its end.
    pub(super) fn was_read(mut self) -> bool {
        matches!(self.0.try_recv(), Err(TryRecvError::Closed))
    }

    /// Reads and discards a short rest of the body. Returns whether nothing is left, so that the connection can carry
    /// another request.
    pub(super) async fn discard(mut self) -> bool {
        match self.0.try_recv() {
            Err(TryRecvError::Closed) => true,
            // Still in use, for instance by a task that outlives the request.
            Err(TryRecvError::Empty) | Ok(Rest::Failed) => false,
            Ok(Rest::Readable(body)) => {
                let rest = timeout(DISCARD_TIMEOUT, read_to_end(body));
                rest.await.unwrap_or(false)
            }
        }
    }
}

/// Reads at most [`MAX_DISCARDED`] bytes. Returns whether that is all.
async fn read_to_end(mut body: Incoming) -> bool {
    let mut left = MAX_DISCARDED;
    if body.size_hint().lower() > left as u64 {
        return false;
    }
    while let Some(frame) = body.frame().await {
        let length = frame.map(|frame| frame.data_ref().map_or(0, Bytes::len));
        match length.ok().and_then(|length| left.checked_sub(length)) {
            Some(rest) => left = rest,
            None => return false,
        }
    }
    true
}
