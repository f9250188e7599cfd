//! The stream that hyper reads from and writes to.
//!
//! It adds three things to a TCP stream: a timeout for writes, an error on eviction, and the return of the socket.
//! hyper closes a connection by dropping its stream; the socket is then handed back to [`super::connection`], which may
//! linger on it.

use std::{
    io::{self, ErrorKind, IoSlice},
    mem::MaybeUninit,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::oneshot,
};
use tokio_io_timeout::TimeoutStream;

use super::slot::Eviction;

/// The time that a peer has to read what was written to it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(15);

/// A TCP stream with a timeout for writes.
type Socket = Pin<Box<TimeoutStream<TcpStream>>>;

/// See the module.
pub(super) struct ConnectionStream {
    /// `Some` until it is dropped.
    socket: Option<Socket>,
    /// Likewise.
    returned: Option<oneshot::Sender<Socket>>,
    eviction: Arc<Eviction>,
}

impl ConnectionStream {
    /// Wraps `stream`. The receiver gets the socket when the wrapper is dropped.
    pub(super) fn new(
        stream: TcpStream,
        eviction: Arc<Eviction>,
    ) -> (Self, oneshot::Receiver<Socket>) {
        let mut socket = TimeoutStream::new(stream);
        socket.set_write_timeout(Some(WRITE_TIMEOUT));
        let (sender, receiver) = oneshot::channel();
        let stream = Self {
            socket: Some(Box::pin(socket)),
            returned: Some(sender),
            eviction,
        };
        (stream, receiver)
    }

    fn socket(&mut self) -> io::Result<Pin<&mut TimeoutStream<TcpStream>>> {
        let socket = self.socket.as_mut().ok_or(ErrorKind::NotConnected)?;
        Ok(socket.as_mut())
    }

    /// Whether input has arrived. Asks the kernel: in a burst of connections, a request can be there before tokio
    /// knows.
    fn has_input(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        self.socket.as_ref().is_some_and(|socket| {
            let peeked = SockRef::from(socket.get_ref()).peek(&mut byte);
            !matches!(peeked, Err(error) if error.kind() == ErrorKind::WouldBlock)
        })
    }
}

impl Drop for ConnectionStream {
    fn drop(&mut self) {
        if let (Some(socket), Some(returned)) = (self.socket.take(), self.returned.take()) {
            // Without a receiver, the socket is closed here.
            let _ = returned.send(socket);
        }
    }
}

impl AsyncRead for ConnectionStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.socket()?.poll_read(cx, buffer);
        if read.is_pending() && self.eviction.is_due() && !self.has_input() {
            let reason = "evicted for a newer connection";
            return Poll::Ready(Err(io::Error::new(ErrorKind::ConnectionAborted, reason)));
        }
        read
    }
}

impl AsyncWrite for ConnectionStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.socket()?.poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.socket()?.poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        let socket = self.socket.as_ref();
        socket.is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket()?.poll_shutdown(cx)
    }
}
