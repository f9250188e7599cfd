//! The signals of `serve`: SIGINT (Ctrl-C) and SIGTERM stop it, SIGHUP makes it load its JWK set again.
//!
//! A second stop signal exits at once. Neither loses data, because a response is sent after the commit of its changes.

use std::{future::Future, io, process};

use crate::logging;

/// The exit code after a second signal.
const FORCED_EXIT: i32 = 1;

/// Resolves at the first signal. A second signal then ends the process at once.
#[cfg(unix)]
pub(super) fn stop() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{Signal, SignalKind, signal};

    async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        either(&mut interrupt, &mut terminate).await;
        tokio::spawn(async move {
            either(&mut interrupt, &mut terminate).await;
            exit_now();
        });
    })
}

/// Resolves at the first Ctrl-C. A second one then ends the process at once.
#[cfg(not(unix))]
pub(super) fn stop() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
        tokio::spawn(async {
            let _ = tokio::signal::ctrl_c().await;
            exit_now();
        });
    })
}

/// Receives SIGHUP. Windows does not have the signal, so [`Hangups::next`] never resolves there.
pub(super) struct Hangups {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl Hangups {
    /// Receives the signal from now on, which then does not end the process.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?,
        })
    }

    /// Resolves at the next signal.
    pub(super) async fn next(&mut self) {
        #[cfg(unix)]
        if self.signal.recv().await.is_some() {
            return;
        }
        std::future::pending::<()>().await;
    }
}

/// Ends the process without waiting for requests.
fn exit_now() -> ! {
    logging::flush();
    process::exit(FORCED_EXIT)
}
