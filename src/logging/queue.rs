//! A queue of log lines that writes immediately if the output is ready, else from a background thread.
//!
//! [`LineQueue::push`] is called for every event, often on a thread that serves requests. If the output is ready and not in
//! use, it writes the line itself, so that the line of a request is written before the response is sent. Otherwise it
//! queues the line for a background thread.
//!
//! If the queue is full, pushes wait for the background thread to take it. If that does not happen within [`MAX_DELAY`],
//! the output is stalled: until [`STALL_INTERVAL`] has passed, pushes drop their lines immediately and count them. If each
//! push waited 100 ms, the next request on the same thread would wait for the sum.
//!
//! Invariant: lines are written in the order of their pushes. `tracing-appender` also has a queue, which either blocks
//! without limit or drops lines immediately.

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

use super::lines::{Lines, Output, Sink};

/// The maximum time that pushes wait for room during a stall.
const MAX_DELAY: Duration = Duration::from_millis(100);

/// The time from the beginning of a stall until pushes wait again.
const STALL_INTERVAL: Duration = Duration::from_secs(1);

/// An output of lines, and the lines that wait for it.
pub(super) struct LineQueue<S> {
    state: Mutex<State>,
    /// Locked by the thread for which [`State::is_writing`] is set.
    output: Mutex<Output<S>>,
    /// Wakes the background thread if lines are queued and no other thread writes.
    pushed: Condvar,
    /// Wakes pushes and flushes when lines were taken from the queue or written.
    progressed: Condvar,
    dropped: AtomicU64,
}

#[derive(Default)]
struct State {
    lines: Lines,
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

    /// Writes or queues a line. Drops it if the queue stays full.
    pub(super) fn push(&self, line: &[u8]) {
        let Some(mut state) = self.write_if_ready(line) else {
            return;
        };
        if !state.lines.has_room_for(line) {
            let delay = state.remaining_delay(Instant::now());
            state = self.wait(state, delay, |state| !state.lines.has_room_for(line));
            if !state.lines.has_room_for(line) {
                drop(state);
                self.dropped.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
        state.lines.push(line);
        self.wake_writer(state);
    }

    /// Waits until all pushed lines are written or dropped, for at most `timeout`.
    pub(super) fn flush(&self, timeout: Duration) {
        let is_pending = |state: &State| state.is_writing || !state.lines.is_empty();
        drop(self.wait(self.lock(), timeout, is_pending));
    }

    /// Returns the number of lines that were dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Writes the line if no other line precedes it and the output is ready. Otherwise returns the state, locked.
    fn write_if_ready(&self, line: &[u8]) -> Option<MutexGuard<'_, State>> {
        let mut state = self.lock();
        if state.is_writing || !state.lines.is_empty() {
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

    /// Waits until lines are queued and no other thread writes. Moves the lines into `taken`, which must be empty.
    fn take(&self, taken: &mut Lines) {
        let mut state = self.lock();
        while state.is_writing || state.lines.is_empty() {
            state.is_idle = true;
            let waited = self.pushed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state.is_idle = false;
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
pub(super) struct LineWriter<S>(Arc<LineQueue<S>>);

impl<S> LineWriter<S> {
    pub(super) fn new(queue: Arc<LineQueue<S>>) -> Self {
        Self(queue)
    }
}

impl<S: Sink> Write for LineWriter<S> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver, Sender};

    use super::*;
    use crate::logging::lines::CAPACITY;

    /// An output whose writes block until the gate is open, and which sends the written bytes to a channel.
    struct Gate {
        is_ready: bool,
        open: Receiver<()>,
        written: Sender<Vec<u8>>,
    }

    impl Sink for Gate {
        fn is_ready(&self, _: usize) -> bool {
            self.is_ready
        }
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Fails immediately when the gate is open.
            let _ = self.open.recv();
            let _ = self.written.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Returns a queue, the gate of its output, which opens when it is dropped, and the written bytes.
    fn gated(is_ready: bool) -> (Arc<LineQueue<Gate>>, Sender<()>, Receiver<Vec<u8>>) {
        let (open, gate) = mpsc::channel();
        let (written, output) = mpsc::channel();
        let gate = Gate {
            is_ready,
            open: gate,
            written,
        };
        let queue = Arc::new(LineQueue::new(gate));
        LineQueue::spawn_writer(&queue).unwrap();
        (queue, open, output)
    }

    /// Pushes a first line and waits until the writer thread has it, then fills the queue with one line.
    fn fill(queue: &LineQueue<Gate>) {
        queue.push(b"first\n");
        let state = queue.wait(queue.lock(), Duration::MAX, |state| !state.lines.is_empty());
        drop(state);
        queue.push(&vec![b'x'; CAPACITY]);
    }

    #[test]
    fn push_writes_immediately_if_the_output_is_ready() {
        let (queue, open, output) = gated(true);
        drop(open);
        for line in ["one\n", "two\n"] {
            queue.push(line.as_bytes());
            assert_eq!(output.try_recv().as_deref(), Ok(line.as_bytes()));
        }
    }

    #[test]
    fn push_queues_lines_behind_a_write_that_blocks() {
        let (queue, open, output) = gated(true);
        let pusher = thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.push(b"blocked\n")
        });
        while !queue.lock().is_writing {
            thread::yield_now();
        }
        queue.push(b"queued\n");
        assert!(output.try_recv().is_err());
        drop(open);
        pusher.join().unwrap();
        queue.flush(Duration::MAX);
        let written: Vec<u8> = output.try_iter().flatten().collect();
        assert_eq!(written, b"blocked\nqueued\n");
    }

    #[test]
    fn push_keeps_the_order_of_lines() {
        let (queue, open, output) = gated(false);
        drop(open);
        for number in 0..1000 {
            queue.push(format!("{number}\n").as_bytes());
        }
        queue.flush(Duration::MAX);
        let written: Vec<u8> = output.try_iter().flatten().collect();
        let expected: Vec<String> = (0..1000).map(|number| format!("{number}\n")).collect();
        assert_eq!(String::from_utf8(written).unwrap(), expected.concat());
        assert_eq!(queue.dropped(), 0);
    }

    #[test]
    fn push_drops_and_counts_lines_while_the_output_is_blocked() {
        let (queue, open, output) = gated(false);
        fill(&queue);
        for _ in 0..100 {
            queue.push(b"dropped\n");
        }
        assert_eq!(queue.dropped(), 100);
        drop(open);
        queue.flush(Duration::MAX);
        queue.push(b"last\n");
        queue.flush(Duration::MAX);
        let written: Vec<u8> = output.try_iter().flatten().collect();
        assert!(!String::from_utf8_lossy(&written).contains("dropped"));
        assert!(written.ends_with(b"last\n"));
        assert_eq!(queue.dropped(), 100);
    }

    #[test]
    fn push_waits_for_room_that_a_stalled_output_makes() {
        let (queue, open, output) = gated(false);
        fill(&queue);
        // The gate opens only after the push has begun to wait.
        let opener = thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                while queue.lock().waiting == 0 {
                    thread::yield_now();
                }
                drop(open);
            }
        });
        queue.lock().stalled_at = Instant::now().checked_add(STALL_INTERVAL * 1000);
        queue.push(b"waited\n");
        opener.join().unwrap();
        queue.flush(Duration::MAX);
        let written: Vec<u8> = output.try_iter().flatten().collect();
        assert!(written.ends_with(b"waited\n"));
        assert_eq!(queue.dropped(), 0);
        // The stall is over, so the next one may wait again.
        assert_eq!(queue.lock().stalled_at, None);
    }

    #[test]
    fn stalls_delay_pushes_by_100_ms_per_second_in_total() {
        let mut state = State::default();
        let now = Instant::now();
        let after = |millis| now + Duration::from_millis(millis);
        for (millis, delay) in [
            (0, 100),
            (40, 60),
            (100, 0),
            (999, 0),
            (1000, 100),
            (1070, 30),
        ] {
            let delay = Duration::from_millis(delay);
            assert_eq!(state.remaining_delay(after(millis)), delay, "{millis} ms");
        }
    }
}
