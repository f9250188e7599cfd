//! Commands run to their end: exit code and output.
//!
//! A process that hangs is killed after [`TIMEOUT`], which fails the test by its exit code.

use std::{
    os::unix::process::CommandExt,
    process::{Command, ExitStatus, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

/// How long a process may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// How long a server may run in a test that takes minutes.
pub(crate) const LONG_TIMEOUT: Duration = Duration::from_mins(20);

/// Exit status and output of a process.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// Standard output of a process that succeeded with an empty standard error.
    pub(crate) fn success(&self) -> &str {
        assert!(self.status.success() && self.stderr.is_empty(), "{self:?}");
        &self.stdout
    }

    /// The only line of standard error of a process that failed with `code` and an empty standard output.
    pub(crate) fn failure(&self, code: i32) -> &str {
        assert_eq!(self.status.code(), Some(code), "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        let line = self.stderr.strip_suffix('\n').unwrap();
        assert!(
            line.starts_with("error: ") && !line.contains('\n'),
            "{line}"
        );
        line
    }
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Outcome {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let _watchdog = Watchdog::start(child.id(), TIMEOUT);
    let output = child.wait_with_output().unwrap();
    Outcome {
        status: output.status,
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Makes a command run as a user to whom file permissions apply; they do not apply to root.
pub(crate) fn as_nobody(command: &mut Command) {
    let id = run(Command::new("id").arg("-u"));
    if id.success().trim() == "0" {
        command.uid(65534).gid(65534);
    }
}

pub(super) fn signal(pid: u32, name: &str) {
    let kill = Command::new("kill")
        .args([format!("-{name}"), pid.to_string()])
        .status();
    assert!(kill.unwrap().success());
}

/// Kills a process that hangs. Dropping it disarms it.
pub(super) struct Watchdog(
    #[expect(dead_code, reason = "disconnects when dropped")] mpsc::Sender<()>,
);

impl Watchdog {
    pub(super) fn start(pid: u32, timeout: Duration) -> Self {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            if receiver.recv_timeout(timeout) == Err(RecvTimeoutError::Timeout) {
                signal(pid, "KILL");
            }
        });
        Self(sender)
    }
}
