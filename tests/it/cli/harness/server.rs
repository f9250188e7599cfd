//! A running `llavero serve`: started, asked, signalled, awaited.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::{SocketAddr, TcpStream},
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::Duration,
};

use tempfile::NamedTempFile;

use super::{Answer, Api, Outcome, PATIENCE, Watchdog, get, signal};

/// A `llavero serve` that listens; killed when dropped.
pub(crate) struct Server {
    /// What it said that the API's URL is.
    pub(crate) api: String,
    pub(crate) address: SocketAddr,
    child: Child,
    stdout: BufReader<ChildStdout>,
    said: String,
    stderr: NamedTempFile,
    _watchdog: Watchdog,
}

impl Server {
    /// Starts `command`, and waits until it says where it listens.
    pub(crate) fn start(command: Command) -> Self {
        Self::start_for(command, PATIENCE)
    }

    /// The same for a server that may run for so long.
    pub(crate) fn start_for(mut command: Command, patience: Duration) -> Self {
        let stderr = NamedTempFile::new().unwrap();
        command.stderr(stderr.reopen().unwrap());
        Self::spawn(command, patience, stderr)
    }

    /// Starts `command` with its own standard error, which [`Server::log`] does not read.
    pub(crate) fn start_with_stderr(command: Command) -> Self {
        Self::spawn(command, PATIENCE, NamedTempFile::new().unwrap())
    }

    fn spawn(mut command: Command, patience: Duration, stderr: NamedTempFile) -> Self {
        command.stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut server = Self {
            api: String::new(),
            address: ([0, 0, 0, 0], 0).into(),
            _watchdog: Watchdog::over_patient(child.id(), patience),
            stdout: BufReader::new(child.stdout.take().unwrap()),
            said: String::new(),
            child,
            stderr,
        };
        let line = server.next_line();
        let Some(api) = line.strip_prefix("listening on http://") else {
            panic!("it said {line:?} and {:?}", server.log());
        };
        let host = api.trim_end().split('/').next().unwrap();
        server.address = host.parse().unwrap();
        server.api = format!("http://{}", api.trim_end());
        server
    }

    /// The next line of standard output; empty at its end.
    pub(crate) fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        self.said += &line;
        line
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns what it wrote to standard error so far. The line of a request is written before its response is sent, unless
    /// another request is logged at the same moment.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.stderr.path()).unwrap()
    }

    /// The answer to a GET of `path` under the API.
    pub(crate) fn get(&self, token: &str, path: &str) -> Answer {
        get(&format!("{}{path}", self.api), Some(token))
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
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends a signal: `TERM`, `INT`, `KILL`.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Returns when nobody accepts connections any more.
    pub(crate) fn wait_until_closed(&self) {
        while TcpStream::connect(self.address).is_ok() {
            thread::yield_now();
        }
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Outcome {
        self.stdout.read_to_string(&mut self.said).unwrap();
        Outcome {
            status: self.child.wait().unwrap(),
            stdout: std::mem::take(&mut self.said),
            stderr: self.log(),
        }
    }

    /// Asks it to stop, and waits until it has, in good order.
    pub(crate) fn stop(self) -> Outcome {
        self.signal("TERM");
        let outcome = self.wait();
        assert_eq!(outcome.status.code(), Some(0), "{outcome:?}");
        outcome
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
