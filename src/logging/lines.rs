//! A batch of log lines, and an output that can fail during a write.
//!
//! Used by [`super::queue`]. Invariant: each line is written whole or counted as failed, and a line that failed in
//! the middle does not run into the next one.

use std::{
    io::{ErrorKind, Write},
    thread,
    time::Duration,
};

/// The size at which a batch is full, in bytes: about a thousand lines.
pub(super) const CAPACITY: usize = 256 * 1024;

/// The largest write, unless one line is longer. A write of up to `PIPE_BUF` bytes to a pipe is atomic (POSIX), so lines
/// stay whole in a pipe that several processes share.
pub(super) const MAX_WRITE: usize = 4096;

/// The pause before an output in non-blocking mode is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(5);

/// The destination of log lines.
pub(super) trait Sink: Write {
    /// Returns whether a write of `size` bytes would not block.
    fn is_ready(&self, size: usize) -> bool;
}

/// Consecutive lines: their bytes, and the end of each line.
#[derive(Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Lines {
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns whether `line` fits. A line larger than [`CAPACITY`] fits an empty batch.
    pub(super) fn has_room_for(&self, line: &[u8]) -> bool {
        self.is_empty() || self.bytes.len() + line.len() <= CAPACITY
    }

    pub(super) fn push(&mut self, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.ends.push(self.bytes.len());
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Writes the lines, with as many in one write as fit in [`MAX_WRITE`]. Returns the number of lines that failed.
    pub(super) fn write_to(&self, output: &mut Output<impl Sink>) -> u64 {
        let mut failed = 0;
        let (mut start, mut first) = (0, 0);
        while first < self.ends.len() {
            let rest = &self.ends[first..];
            let count = rest.partition_point(|end| end - start <= MAX_WRITE).max(1);
            let end = rest[count - 1];
            let written = start + output.write(&self.bytes[start..end]);
            let complete = rest[..count].partition_point(|end| *end <= written);
            failed += (count - complete) as u64;
            (start, first) = (end, first + count);
        }
        failed
    }
}

/// An output that can fail in the middle of a line.
pub(super) struct Output<S> {
    sink: S,
    /// Whether the last written line is incomplete.
    is_torn: bool,
}

impl<S: Sink> Output<S> {
    pub(super) fn new(sink: S) -> Self {
        Self {
            sink,
            is_torn: false,
        }
    }

    pub(super) fn is_ready(&self, size: usize) -> bool {
        self.sink.is_ready(size)
    }

    /// Writes lines until a write fails. Returns the number of written bytes. Ends a torn line first.
    pub(super) fn write(&mut self, lines: &[u8]) -> usize {
        if self.is_torn && self.write_bytes(b"\n") == 0 {
            return 0;
        }
        let written = self.write_bytes(lines);
        self.is_torn = lines[..written].last().is_some_and(|last| *last != b'\n');
        written
    }

    fn write_bytes(&mut self, bytes: &[u8]) -> usize {
        let mut written = 0;
        while written < bytes.len() {
            match self.sink.write(&bytes[written..]) {
                Ok(0) => break,
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(RETRY_PAUSE),
                Err(_) => break,
            }
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// A sink that records each write, and fails after `room` bytes.
    #[derive(Default)]
    struct Disk {
        writes: Vec<String>,
        room: usize,
    }

    impl Write for &mut Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.room);
            if count == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            self.room -= count;
            let text = String::from_utf8(bytes[..count].to_vec()).unwrap();
            self.writes.push(text);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Sink for &mut Disk {
        fn is_ready(&self, _: usize) -> bool {
            true
        }
    }

    fn lines(texts: &[&str]) -> Lines {
        let mut lines = Lines::default();
        for text in texts {
            lines.push(text.as_bytes());
        }
        lines
    }

    #[test]
    fn write_to_writes_whole_lines_up_to_the_size_of_an_atomic_write() {
        let mut disk = Disk {
            room: usize::MAX,
            ..Disk::default()
        };
        let line = "x".repeat(1499) + "\n";
        let long = "y".repeat(2 * MAX_WRITE) + "\n";
        let lines = lines(&[&line, &line, &line, &long, &line]);
        assert_eq!(lines.write_to(&mut Output::new(&mut disk)), 0);
        let twice = line.repeat(2);
        assert_eq!(disk.writes, [twice.as_str(), &line, &long, &line]);
    }

    #[test]
    fn write_to_counts_failed_lines_and_ends_a_torn_one() {
        let mut disk = Disk {
            room: 5,
            ..Disk::default()
        };
        let mut output = Output::new(&mut disk);
        assert_eq!(
            lines(&["one\n", "two\n", "three\n"]).write_to(&mut output),
            2
        );
        assert_eq!(lines(&["four\n"]).write_to(&mut output), 1);
        output.sink.room = usize::MAX;
        assert_eq!(lines(&["five\n"]).write_to(&mut output), 0);
        assert_eq!(disk.writes.concat(), "one\nt\nfive\n");
    }
}
