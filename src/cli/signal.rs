//! Being told to stop: SIGINT (Ctrl-C) and SIGTERM. The second one does not wait.
//!
//! Used by `serve` alone. Nothing is lost either way: what was answered is on disk.

use std::{future::Future, io, process};

/// The exit code of a process that was told twice.
const IMPATIENT: i32 = 1;

/// Resolves at the first signal. From then on a second signal ends the process at once.
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
            process::exit(IMPATIENT);
        });
    })
}

/// Resolves at the first Ctrl-C. From then on a second one ends the process at once.
#[cfg(not(unix))]
pub(super) fn stop() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
        tokio::spawn(async {
            let _ = tokio::signal::ctrl_c().await;
            process::exit(IMPATIENT);
        });
    })
}
