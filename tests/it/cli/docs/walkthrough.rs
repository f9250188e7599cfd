//! Follows the transcripts of a page in one shell, against the real binary.
//!
//! The shell is bash, in a directory of its own, with the binary first on its `PATH`. A server listens on a free port,
//! which replaces 3001 in the commands that follow. Ignored by default, since `cargo test` needs no programs but Rust's
//! own; `.ci/run docs` installs the programs and runs these tests.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use super::transcript::{Step, matches, steps, trim};
use crate::support::TestDir;

/// The server's address on a page.
const SHOWN_ADDRESS: &str = "127.0.0.1:3001";

/// How long a page may take, in seconds; `timeout` then kills the shell and all that it started.
const TIME_LIMIT: &str = "120";

/// Printed after a command.
const END: &str = "@end@";

/// A shell and the processes that it started, which end with it.
struct Shell {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Where the server that was started listens.
    address: String,
    _home: TestDir,
}

impl Shell {
    fn start() -> Self {
        let home = TestDir::new();
        let shell = ["-s", "KILL", TIME_LIMIT, "bash", "--noprofile", "--norc"];
        let binary = Path::new(env!("CARGO_BIN_EXE_llavero")).parent().unwrap();
        let path = env::var("PATH").unwrap_or_default();
        let mut process = (home.program("timeout", &shell))
            .env("PATH", format!("{}:{path}", binary.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut shell = Self {
            input: process.stdin.take().unwrap(),
            output: BufReader::new(process.stdout.take().unwrap()),
            address: SHOWN_ADDRESS.to_owned(),
            process,
            _home: home,
        };
        // One stream for both, as in a terminal.
        shell.send("exec 2>&1");
        shell
    }

    fn send(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }

    /// Runs a step and returns what it prints. A server runs in the background, and has printed what the page shows.
    fn run(&mut self, step: &Step) -> Vec<String> {
        let is_server = step.command.starts_with("llavero serve");
        let command = step.command.replace(SHOWN_ADDRESS, &self.address);
        if is_server {
            let background = if command.ends_with('&') {
                ""
            } else {
                " 2>server.log &"
            };
            self.send(&format!("LLAVERO_LISTEN=127.0.0.1:0 {command}{background}"));
            self.send(&format!("echo {END}"));
        } else {
            self.send(&command);
            // On a line of its own, even if the output does not end with a line break.
            self.send(&format!("printf '\\n{END}\\n'"));
        }
        let (mut printed, mut has_ended) = (Vec::new(), false);
        while !has_ended || (is_server && !matches(&step.output, &printed)) {
            let line = self.next_line(step, &printed);
            if line == END {
                has_ended = true;
            } else {
                printed.push(line);
            }
        }
        trim(&mut printed);
        printed
    }

    /// The next line of output, with the address that the page shows.
    fn next_line(&mut self, step: &Step, printed: &[String]) -> String {
        let mut line = String::new();
        let length = self.output.read_line(&mut line).unwrap();
        assert_ne!(length, 0, "the shell ended in {step:#?} after {printed:#?}");
        let line = line.trim_end();
        if let Some(url) = line.strip_prefix("listening on http://") {
            self.address = url.split('/').next().unwrap().to_owned();
        }
        // Browsers reach the same port by name.
        let port = |address: &str| format!("localhost:{}", address.rsplit(':').next().unwrap());
        line.replace(&self.address, SHOWN_ADDRESS)
            .replace(&port(&self.address), &port(SHOWN_ADDRESS))
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // `timeout` leads the process group of all that the shell started.
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.process.wait();
    }
}

/// Runs all transcripts of `page`, after the commands of `setup`, and compares their output.
fn follow(page: &str, setup: &[&str]) {
    let mut shell = Shell::start();
    for command in setup {
        shell.run(&Step {
            command: (*command).to_owned(),
            output: Vec::new(),
        });
    }
    let steps = steps(page);
    assert!(!steps.is_empty(), "{page} has no transcript");
    for step in steps {
        let printed = shell.run(&step);
        assert!(
            matches(&step.output, &printed),
            "{page} shows\n$ {}\n{}\n\nand the command prints\n{}",
            step.command,
            step.output.join("\n"),
            printed.join("\n")
        );
    }
}

#[test]
#[ignore = "needs bash, timeout, curl and jq; CI installs them"]
fn readme_can_be_followed() {
    follow("README.md", &[]);
}

#[test]
#[ignore = "needs bash, timeout, curl and jq; CI installs them"]
fn command_line_page_can_be_followed() {
    follow("docs/cli.md", &[]);
}

#[test]
#[ignore = "needs bash, timeout, curl and jq; CI installs them"]
fn sandbox_page_can_be_followed() {
    follow("docs/sandbox.md", &[]);
}

#[test]
#[ignore = "needs bash, timeout, curl and jq; CI installs them"]
fn configuration_page_can_be_followed() {
    follow("docs/configuration.md", &["llavero org create --name Acme"]);
}
