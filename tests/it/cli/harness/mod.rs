//! Processes of llavero for one test: a directory of its own, a server that is awaited and not guessed at.
//!
//! Nothing here sleeps. A server has started when it says so on standard output, and has ended when the
//! system says so; a process that hangs is killed after half a minute, which fails the test by its exit code.

mod home;
mod http;
mod server;

use std::{
    os::unix::process::CommandExt,
    process::{Command, ExitStatus, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

pub(crate) use self::{
    home::Home,
    http::{Answer, Api, get},
    server::Server,
};

pub(crate) const ACME: &str = "550e8400-e29b-41d4-a716-446655440000";
pub(crate) const GLOBEX: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
pub(crate) const INITECH: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
pub(crate) const ANA: &str = "11111111-1111-4111-8111-111111111111";
pub(crate) const BETO: &str = "22222222-2222-4222-8222-222222222222";
pub(crate) const CARLA: &str = "33333333-3333-4333-8333-333333333333";
pub(crate) const DIEGO: &str = "44444444-4444-4444-8444-444444444444";
pub(crate) const EVA: &str = "55555555-5555-4555-8555-555555555555";

/// Under the API's URL: Acme Corp's busiest key.
pub(crate) const PRODUCTION: &str =
    "/organizations/acme-corp/api-keys/0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d01";
/// Under the API's URL: Acme Corp's statistics.
pub(crate) const STATS: &str = "/organizations/acme-corp/api-keys/stats";

/// The database when no flag names one.
pub(crate) const DATABASE: &str = "llavero.db";

/// An HS256 secret that is long enough.
pub(crate) const SECRET: &str = "a shared secret of more than 32 bytes";

const PATIENCE: Duration = Duration::from_secs(30);

/// For a server that a long test keeps busy.
const LONG_PATIENCE: Duration = Duration::from_mins(20);

/// How a process ended, and what it said.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// What a process that succeeded without a word on standard error printed.
    pub(crate) fn success(&self) -> &str {
        assert!(self.status.success() && self.stderr.is_empty(), "{self:?}");
        &self.stdout
    }

    /// The one line that a process left on standard error with exit code `code`.
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
    let _watchdog = Watchdog::over(child.id());
    let output = child.wait_with_output().unwrap();
    Outcome {
        status: output.status,
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Makes a command run as somebody whom permissions bind: root is not bound.
pub(crate) fn as_nobody(command: &mut Command) {
    let id = run(Command::new("id").arg("-u"));
    if id.success().trim() == "0" {
        command.uid(65534).gid(65534);
    }
}

fn signal(pid: u32, name: &str) {
    let kill = Command::new("kill")
        .args([format!("-{name}"), pid.to_string()])
        .status();
    assert!(kill.unwrap().success());
}

/// Kills a process that hangs.
struct Watchdog(#[expect(dead_code, reason = "dropping it is its use")] mpsc::Sender<()>);

impl Watchdog {
    fn over(pid: u32) -> Self {
        Self::over_patient(pid, PATIENCE)
    }

    fn over_patient(pid: u32, patience: Duration) -> Self {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            if receiver.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                signal(pid, "KILL");
            }
        });
        Self(sender)
    }
}
