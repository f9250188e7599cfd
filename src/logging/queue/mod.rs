//! A queue of log lines that writes immediately if the output is ready, else in batches from a background thread.
//!
//! [`LineQueue::push`] is called for every event, often on a thread that serves requests. If the output is ready and not in
//! use, it writes the line itself, so that the line of a request is written before the response is sent. Above
//! [`MAX_IMMEDIATE`] lines in an [`interval`], a system call for each line would be a tenth of a request's cost: the
//! background thread then writes the rest of the interval's lines together, or at once after an urgent line.
//!
//! If the queue is full, pushes wait for the background thread to take it. If that does not happen within [`MAX_DELAY`],
//! the output is stalled: until [`STALL_INTERVAL`] has passed, pushes drop their lines immediately and count them. If each
//! push waited 100 ms, the next request on the same thread would wait for the sum.
//!
//! Invariant: lines are written in the order of their pushes. `tracing-appender` also has a queue, which either blocks
//! without limit or drops lines immediately.

mod interval;
#[cfg(test)]
mod tests;

use std::{
    io::{self, Write},
    mem,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use self::interval::Interval;
use super::lines::{Lines, Output, Sink};

/// The number of lines in an interval that are written immediately.
const MAX_IMMEDIATE: u32 = 32;

/// The maximum time that pushes wait for room during a stall.
const MAX_DELAY: Duration = Duration::from_millis(100);

/// The time from the beginning of a stall until pushes wait again.
const STALL_INTERVAL: Duration = Duration::from_secs(1);

/// An output of lines, and the lines that wait for it.
pub(super) struct LineQueue<S> {
    state: Mutex<State>,
    /// Locked by the thread for which [`State::is_writing`] is set.
    output: Mutex<Output<S>>,
    /// Wakes the background thread if lines are queued and no other thread writes, or if they have become urgent.
    pushed: Condvar,
    /// Wakes pushes and flushes when lines were taken from the queue or written.
    progressed: Condvar,
    dropped: AtomicU64,
}

#[derive(Default)]
struct State {
    lines: Lines,
    /// Whether the queued lines must not wait for others.
    is_urgent: bool,
    /// The current interval.
    interval: Interval,
    /// Whether a thread writes lines that precede the queued ones.
    is_writing: bool,
    /// Whether the background thread waits for `pushed`.
    is_idle: bool,
    /// The number of threads that wait for `progressed`.
    waiting: usize,
    /// The beginning of the latest stall, if the queue was not taken since.
    stalled_at: Option<Instant>,
}

impl<S: Sink> LineQueue<S> {
    pub(super) fn new(sink: S) -> Self {
        Self {
            state: Mutex::default(),
            output: Mutex::new(Output::new(sink)),
            pushed: Condvar::new(),
            progressed: Condvar::new(),
            dropped: AtomicU64::new(0),
        }
    }

    /// Starts the background thread of `queue`. It ends with the process.
    pub(super) fn spawn_writer(queue: &Arc<Self>) -> io::Result<()>
    where
        S: Send + 'static,
    {
        let queue = Arc::clone(queue);
        let run = move || queue.write_lines();
        thread::Builder::new().name("log".to_owned()).spawn(run)?;
        Ok(())
    }

    /// Writes or queues a line. Drops it if the queue stays full. An urgent line does not wait for others.
    pub(super) fn push(&self, line: &[u8], is_urgent: bool) {
        let Some(mut state) = self.write_if_ready(line) else {
            return;
        };
        if !state.lines.has_room_for(line) {
            let delay = state.remaining_delay(Instant::now());
            self.hurry(&mut state);
            state = self.wait(state, delay, |state| !state.lines.has_room_for(line));
            if !state.lines.has_room_for(line) {
                drop(state);
                self.dropped.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
        state.lines.push(line);
        if is_urgent {
            self.hurry(&mut state);
        }
        self.wake_writer(state);
    }

    /// Waits until all pushed lines are written or dropped, for at most `timeout`.
    pub(super) fn flush(&self, timeout: Duration) {
        let is_pending = |state: &State| state.is_writing || !state.lines.is_empty();
        let mut state = self.lock();
        self.hurry(&mut state);
        drop(self.wait(state, timeout, is_pending));
    }

    /// Returns the number of lines that were dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Tells the background thread not to wait for further lines.
    fn hurry(&self, state: &mut State) {
        state.is_urgent = true;
        self.pushed.notify_one();
    }

    /// Writes the line if no other line precedes it, few were written lately, and the output is ready. Otherwise returns
    /// the state, locked.
    fn write_if_ready(&self, line: &[u8]) -> Option<MutexGuard<'_, State>> {
        let mut state = self.lock();
        let is_many = state.interval.count(Instant::now()) > MAX_IMMEDIATE;
        if is_many || state.is_writing || !state.lines.is_empty() {
            return Some(state);
        }
        let mut output = self.lock_output();
        if !output.is_ready(line.len()) {
            return Some(state);
        }
        state.is_writing = true;
        drop(state);
        if output.write(line) < line.len() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        drop(output);
        self.finish_writing();
        None
    }

    fn write_lines(&self) {
        let mut lines = Lines::default();
        loop {
            self.take(&mut lines);
            let failed = lines.write_to(&mut self.lock_output());
            self.dropped.fetch_add(failed, Ordering::Relaxed);
            lines.clear();
            self.finish_writing();
        }
    }

    /// Waits until lines are queued and the interval ends or they are urgent, and no other thread writes. Moves the lines
    /// into `taken`, which must be empty.
    fn take(&self, taken: &mut Lines) {
        let mut state = self.lock();
        loop {
            if state.is_writing || state.lines.is_empty() {
                state.is_idle = true;
                let waited = self.pushed.wait(state);
                state = waited.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let rest = state.interval.rest(Instant::now());
            if state.is_urgent || rest.is_zero() {
                break;
            }
            let waited = self.pushed.wait_timeout(state, rest);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state.is_idle = false;
        state.is_urgent = false;
        state.is_writing = true;
        state.stalled_at = None;
        mem::swap(&mut state.lines, taken);
        self.notify_waiting(&state);
    }

    fn finish_writing(&self) {
        let mut state = self.lock();
        state.is_writing = false;
        self.notify_waiting(&state);
        self.wake_writer(state);
    }

    /// Wakes the background thread if lines are queued and no other thread writes.
    fn wake_writer(&self, mut state: MutexGuard<'_, State>) {
        let has_work = !state.is_writing && !state.lines.is_empty();
        let wake = has_work && mem::take(&mut state.is_idle);
        drop(state);
        if wake {
            self.pushed.notify_one();
        }
    }

    /// Waits for progress while `condition` holds, for at most `timeout`.
    fn wait<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        timeout: Duration,
        condition: impl Fn(&State) -> bool,
    ) -> MutexGuard<'a, State> {
        state.waiting += 1;
        let waited = self
            .progressed
            .wait_timeout_while(state, timeout, |state| condition(state));
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state
    }

    /// Notifies waiting threads. Checks first whether any thread waits, because a notification is a system call.
    fn notify_waiting(&self, state: &State) {
        if state.waiting > 0 {
            self.progressed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_output(&self) -> MutexGuard<'_, Output<S>> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns how long a push that finds no room at `now` may wait.
    fn remaining_delay(&mut self, now: Instant) -> Duration {
        let stalled_at = match self.stalled_at {
            Some(at) if now < at + STALL_INTERVAL => at,
            _ => *self.stalled_at.insert(now),
        };
        (stalled_at + MAX_DELAY).saturating_duration_since(now)
    }
}

/// Writes to the queue. Each write is one line and succeeds.
pub(super) struct LineWriter<S> {
    pub(super) queue: Arc<LineQueue<S>>,
    pub(super) is_urgent: bool,
}

impl<S: Sink> Write for LineWriter<S> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.queue.push(line, self.is_urgent);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
