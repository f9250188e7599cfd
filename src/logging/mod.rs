//! The process's log: one line per event on standard error, as text or JSON.
//!
//! `serve` calls [`start`] first and [`flush`] last; all other code logs through `tracing`. Lines go through a [`queue`], so
//! a failing or blocked standard error ends neither a request nor the process. A panic is logged like any other event.

mod lines;
mod queue;
mod stderr;

use std::{
    io, panic,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tracing::{Level, Metadata, level_filters::LevelFilter};
use tracing_subscriber::{FmtSubscriber, fmt::MakeWriter};

use self::{
    queue::{LineQueue, LineWriter},
    stderr::StandardError,
};

/// The queue of the process: one, because standard error is one.
static QUEUE: OnceLock<Arc<LineQueue<StandardError>>> = OnceLock::new();

/// The maximum time that the process waits at its end for queued lines.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// The maximum time that a panic waits for queued lines. It is short, because requests can panic.
const PANIC_FLUSH_TIMEOUT: Duration = Duration::from_millis(100);

/// Starts logging events of `level` and above. A second call changes nothing.
///
/// # Errors
/// If the background thread cannot be started.
pub fn start(json: bool, level: Level) -> io::Result<()> {
    if QUEUE.get().is_some() {
        return Ok(());
    }
    let queue = Arc::new(LineQueue::new(StandardError::new()));
    LineQueue::spawn_writer(&queue)?;
    let lines = Arc::clone(QUEUE.get_or_init(|| queue));
    let log = FmtSubscriber::builder()
        .with_max_level(LevelFilter::from_level(level))
        .with_writer(QueueWriter(lines))
        .with_ansi(false)
        .with_target(false)
        // Would print a failure to standard error, and panic if that fails too.
        .log_internal_errors(false);
    // Fails only if another subscriber is set already.
    let _ = if json {
        let log = log.json().flatten_event(true).with_current_span(false);
        tracing::subscriber::set_global_default(log.finish())
    } else {
        tracing::subscriber::set_global_default(log.finish())
    };
    panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Makes the writers of single lines. A line of level error is urgent.
struct QueueWriter(Arc<LineQueue<StandardError>>);

impl QueueWriter {
    fn writer(&self, is_urgent: bool) -> LineWriter<StandardError> {
        LineWriter {
            queue: Arc::clone(&self.0),
            is_urgent,
        }
    }
}

impl MakeWriter<'_> for QueueWriter {
    type Writer = LineWriter<StandardError>;

    fn make_writer(&self) -> Self::Writer {
        self.writer(false)
    }

    fn make_writer_for(&self, event: &Metadata<'_>) -> Self::Writer {
        self.writer(*event.level() == Level::ERROR)
    }
}

/// Waits until all lines are written, for at most a second.
pub fn flush() {
    flush_within(FLUSH_TIMEOUT);
}

/// Returns the number of lines that were not written, because standard error failed or was blocked.
#[must_use]
pub fn dropped_lines() -> u64 {
    QUEUE.get().map_or(0, |queue| queue.dropped())
}

fn flush_within(timeout: Duration) {
    if let Some(queue) = QUEUE.get() {
        queue.flush(timeout);
    }
}

/// Logs a panic. The text is a field: fields are escaped, so a text of several lines stays one line.
fn log_panic(panic: &panic::PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    let cause = panic.payload_as_str().unwrap_or("no message");
    tracing::error!(place, cause, "panic");
    flush_within(PANIC_FLUSH_TIMEOUT);
}
