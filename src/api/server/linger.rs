//! Closes a connection on which the client may still be sending (RFC 9112, section 9.6).
//!
//! A socket that is closed with unread input sends a reset, which can overtake the response and discard it at the
//! client. The server therefore closes its own direction only, and reads and discards what still arrives until the
//! client closes too. nginx calls this `lingering_close`.

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, sink},
    time::timeout,
};

/// The limits of lingering: time and input.
#[derive(Debug, Clone, Copy)]
pub(super) struct Linger {
    pub(super) time: Duration,
    pub(super) bytes: u64,
}

impl Linger {
    /// Long enough to send 3 MB at 5 Mbit/s; shorter than the drain after a stop signal.
    pub(super) const DEFAULT: Self = Self {
        time: Duration::from_secs(5),
        bytes: 64 * 1024 * 1024,
    };

    /// Closes the write side of `stream`, then discards its input until the client closes or a bound is reached.
    pub(super) async fn close(self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let discard = async {
            // An error means that the client has gone, and the connection can be closed.
            let _ = stream.shutdown().await;
            let _ = copy(&mut stream.take(self.bytes), &mut sink()).await;
        };
        let _ = timeout(self.time, discard).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    #[tokio::test]
    async fn linger_reads_until_the_client_closes() {
        let (server, mut client) = duplex(16);
        let (time, bytes) = (LONG, u64::MAX);
        let lingering = tokio::spawn(Linger { time, bytes }.close(server));
        // Its end of the response, although it is still sending.
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
        client.write_all(&[b'x'; 10_000]).await.unwrap();
        drop(client);
        lingering.await.unwrap();
    }

    #[tokio::test]
    async fn linger_ends_after_its_time() {
        let (server, _silent) = duplex(16);
        let time = Duration::from_millis(1);
        let bytes = u64::MAX;
        Linger { time, bytes }.close(server).await;
    }

    #[tokio::test]
    async fn linger_ends_after_its_bytes() {
        let (server, mut client) = duplex(16);
        let bytes = 1000;
        let lingering = tokio::spawn(Linger { time: LONG, bytes }.close(server));
        // Fails once the server's end is gone.
        while client.write_all(&[b'x'; 16]).await.is_ok() {}
        lingering.await.unwrap();
    }
}
