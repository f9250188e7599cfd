//! Stop signals of `serve`: SIGINT (Ctrl-C) and SIGTERM. The second signal exits at once.
//!
//! Neither loses data, because a response is sent after the commit of its changes.

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

/// Ends the process without waiting for requests.
fn exit_now() -> ! {
    logging::flush();
    process::exit(FORCED_EXIT)
}
