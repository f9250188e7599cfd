//! The queue against an output that blocks until its gate is open.
//!
//! A test waits for the state of the queue or for bytes of the output, never for a time.

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
    queue.push(b"first\n", false);
    let state = queue.wait(queue.lock(), Duration::MAX, |state| !state.lines.is_empty());
    drop(state);
    queue.push(&vec![b'x'; CAPACITY], false);
}

#[test]
fn push_writes_immediately_if_the_output_is_ready() {
    let (queue, open, output) = gated(true);
    drop(open);
    for line in ["one\n", "two\n"] {
        queue.push(line.as_bytes(), false);
        assert_eq!(output.try_recv().as_deref(), Ok(line.as_bytes()));
    }
}

#[test]
fn push_queues_lines_behind_a_write_that_blocks() {
    let (queue, open, output) = gated(true);
    let pusher = thread::spawn({
        let queue = Arc::clone(&queue);
        move || queue.push(b"blocked\n", false)
    });
    while !queue.lock().is_writing {
        thread::yield_now();
    }
    queue.push(b"queued\n", false);
    assert!(output.try_recv().is_err());
    drop(open);
    pusher.join().unwrap();
    queue.flush(Duration::MAX);
    let written: Vec<u8> = output.try_iter().flatten().collect();
    assert_eq!(written, b"blocked\nqueued\n");
}

#[test]
fn lines_above_the_limit_of_an_interval_are_written_together() {
    let (queue, open, output) = gated(true);
    drop(open);
    // A long interval, in which the limit is reached.
    queue.lock().interval = Interval {
        start: Instant::now().checked_add(Duration::from_hours(1)),
        lines: MAX_IMMEDIATE,
    };
    queue.push(b"one\n", false);
    queue.push(b"two\n", false);
    assert!(output.try_recv().is_err());
    queue.push(b"urgent\n", true);
    assert_eq!(output.recv().unwrap(), b"one\ntwo\nurgent\n");
}

#[test]
fn push_keeps_the_order_of_lines() {
    let (queue, open, output) = gated(false);
    drop(open);
    for number in 0..1000 {
        queue.push(format!("{number}\n").as_bytes(), false);
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
        queue.push(b"dropped\n", false);
    }
    assert_eq!(queue.dropped(), 100);
    drop(open);
    queue.flush(Duration::MAX);
    queue.push(b"last\n", false);
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
    queue.push(b"waited\n", false);
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
