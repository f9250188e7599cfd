//! A server process: spawned, awaited until it prints `listening on URL`, and killed when dropped.
//!
//! Used by the tests and, through `#[path]`, by both benchmarks, so it depends on the standard library only. Nothing
//! here guesses a port or sleeps: the process chooses a free port and prints it.

#![expect(
    clippy::unwrap_used,
    reason = "without its server a test or a benchmark has failed"
)]

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, ChildStdout, Command, Stdio},
};

/// A child process that is killed when this value is dropped.
pub(crate) struct KillOnDrop(pub(crate) Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        // Both fail if the process has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server process and its standard output.
pub(crate) struct Process {
    pub(crate) child: KillOnDrop,
    pub(crate) stdout: BufReader<ChildStdout>,
}

impl Process {
    /// Spawns `command` with a pipe as its standard output.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let child = KillOnDrop(child);
        Self { child, stdout }
    }

    /// Returns the next line of standard output with its line break; empty at the end.
    pub(crate) fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }
}

/// The URL in the line `listening on URL`, and the address in that URL. `None` for any other line.
pub(crate) fn listening(line: &str) -> Option<(String, SocketAddr)> {
    let url = line.strip_prefix("listening on ")?.trim_end();
    let address = url.strip_prefix("http://")?.split('/').next()?;
    Some((url.to_owned(), address.parse().ok()?))
}
