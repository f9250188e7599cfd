//! The log: one line an event on standard error, as text or JSON.
//!
//! What is logged is decided where it happens; a panic anywhere becomes a line like any other.

use std::{io, panic};

use tracing_subscriber::{FmtSubscriber, filter::LevelFilter};

/// Starts logging for the process. A second call changes nothing.
pub fn start(json: bool) {
    let log = FmtSubscriber::builder()
        .with_max_level(LevelFilter::INFO)
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_target(false);
    // Failing means that a log is running already.
    let _ = if json {
        let log = log.json().flatten_event(true).with_current_span(false);
        tracing::subscriber::set_global_default(log.finish())
    } else {
        tracing::subscriber::set_global_default(log.finish())
    };
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let text = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, "panic: {text}");
    }));
}
