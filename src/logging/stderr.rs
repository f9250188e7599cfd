//! Standard error as a sink of log lines.
//!
//! [`super::queue`] checks whether a write would block before it writes on a thread that serves requests. A regular file is
//! always ready, because writes go to the page cache. A pipe, a socket or a terminal is ready if `poll` says so, which
//! guarantees room for `PIPE_BUF` bytes.

use std::io::{self, Write};

use super::lines::{MAX_WRITE, Sink};

/// Standard error.
pub(super) struct StandardError {
    is_file: bool,
}

impl StandardError {
    pub(super) fn new() -> Self {
        Self {
            is_file: is_file().unwrap_or(false),
        }
    }
}

impl Write for StandardError {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stderr().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(unix)]
impl Sink for StandardError {
    fn is_ready(&self, size: usize) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};

        if self.is_file {
            return true;
        }
        if size > MAX_WRITE {
            return false;
        }
        let stderr = io::stderr();
        let mut descriptors = [PollFd::new(&stderr, PollFlags::OUT)];
        // A failing output is ready, because a write fails immediately.
        poll(&mut descriptors, Some(&Timespec::default())) == Ok(1)
    }
}

/// Without `poll`, all lines go through the queue.
#[cfg(not(unix))]
impl Sink for StandardError {
    fn is_ready(&self, size: usize) -> bool {
        self.is_file && size <= MAX_WRITE
    }
}

#[cfg(unix)]
fn is_file() -> io::Result<bool> {
    use std::{fs::File, os::fd::AsFd};

    let stderr = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    Ok(stderr.metadata()?.is_file())
}

#[cfg(not(unix))]
fn is_file() -> io::Result<bool> {
    Ok(false)
}
