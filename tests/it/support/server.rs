//! A running `llavero serve`: started, asked, signalled, awaited.
//!
//! Wraps [`Process`] with a watchdog, standard error in a file, and a client. Nothing here sleeps.

use std::{
    fs,
    io::Read,
    net::{SocketAddr, TcpStream},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use tempfile::NamedTempFile;

use super::{
    Answer, Api, Outcome, TIMEOUT,
    command::{Watchdog, signal},
    get,
    process::{Process, listening},
};

/// A `llavero serve` that listens; killed when dropped.
pub(crate) struct Server {
    /// The API's URL, as printed.
    pub(crate) api: String,
    pub(crate) address: SocketAddr,
    process: Process,
    stdout: String,
    stderr: NamedTempFile,
    _watchdog: Watchdog,
}

impl Server {
    /// Starts `command`, and waits until it listens.
    pub(crate) fn start(command: Command) -> Self {
        Self::start_with_timeout(command, TIMEOUT)
    }

    /// The same with another limit on how long the server may run.
    pub(crate) fn start_with_timeout(mut command: Command, timeout: Duration) -> Self {
        let stderr = NamedTempFile::new().unwrap();
        command.stderr(stderr.reopen().unwrap());
        Self::spawn(command, timeout, stderr)
    }

    /// Starts `command` with its own standard error, which [`Server::log`] does not read.
    pub(crate) fn start_with_stderr(command: Command) -> Self {
        Self::spawn(command, TIMEOUT, NamedTempFile::new().unwrap())
    }

    fn spawn(command: Command, timeout: Duration, stderr: NamedTempFile) -> Self {
        let mut process = Process::spawn(command);
        let watchdog = Watchdog::start(process.child.0.id(), timeout);
        let line = process.next_line();
        let Some((api, address)) = listening(&line) else {
            let log = fs::read_to_string(stderr.path()).unwrap();
            panic!("the server printed {line:?} and logged {log:?}");
        };
        Self {
            api,
            address,
            process,
            stdout: line,
            stderr,
            _watchdog: watchdog,
        }
    }

    /// The next line of standard output; empty at its end.
    pub(crate) fn next_line(&mut self) -> String {
        let line = self.process.next_line();
        self.stdout += &line;
        line
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.child.0.id()
    }

    /// Returns what it wrote to standard error so far. The line of a request is written before its response is sent, unless
    /// another request is logged at the same moment.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.stderr.path()).unwrap()
    }

    /// Waits until the log contains `text`. Returns the log.
    pub(crate) fn wait_for_log(&self, text: &str) -> String {
        self.wait_for_log_lines(text, 1)
    }

    /// Waits until `count` lines of the log contain `text`. Returns the log.
    pub(crate) fn wait_for_log_lines(&self, text: &str, count: usize) -> String {
        let start = Instant::now();
        loop {
            let log = self.log();
            let found = log.lines().filter(|line| line.contains(text)).count();
            if found >= count {
                return log;
            }
            assert!(start.elapsed() < TIMEOUT, "no {text:?}: {log}");
            thread::yield_now();
        }
    }

    /// The answer to a GET of `path` below the API's base path.
    pub(crate) fn get(&self, token: &str, path: &str) -> Answer {
        self.api(token).get(path)
    }

    /// A client of the API with a token.
    pub(crate) fn api(&self, token: &str) -> Api {
        Api::new(&self.api, Some(token))
    }

    /// The answer to a GET of `path` at the root, without a token.
    pub(crate) fn get_at_root(&self, path: &str) -> Answer {
        get(&format!("http://{}{path}", self.address), None)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream
    }

    /// Sends a signal: `TERM`, `INT`, `KILL`.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Kills the process, unless it has ended.
    pub(crate) fn kill(&mut self) {
        // Fails if the process has ended.
        let _ = self.process.child.0.kill();
    }

    /// Returns when no connection is accepted any more.
    pub(crate) fn wait_until_closed(&self) {
        while TcpStream::connect(self.address).is_ok() {
            thread::yield_now();
        }
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Outcome {
        let mut stdout = std::mem::take(&mut self.stdout);
        self.process.stdout.read_to_string(&mut stdout).unwrap();
        Outcome {
            status: self.process.child.0.wait().unwrap(),
            stdout,
            stderr: self.log(),
        }
    }

    /// Sends SIGTERM, waits for the end, and requires exit code 0.
    pub(crate) fn stop(self) -> Outcome {
        self.signal("TERM");
        let outcome = self.wait();
        assert_eq!(outcome.status.code(), Some(0), "{outcome:?}");
        outcome
    }
}
