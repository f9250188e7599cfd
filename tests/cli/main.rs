//! The binary itself, from the outside: processes, signals, files, ports, exit codes. One file a subject.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot go on is a failed test, too"
)]

mod claims;
mod demo;
mod flags;
mod forgery;
mod greeting;
mod harness;
mod health;
mod logs;
mod openapi;
mod refusals;
mod start;
mod stop;
mod tokens;
mod wrong_files;
