//! The binary itself, from the outside: processes, signals, files, ports, exit codes. One file a subject.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot go on is a failed test, too"
)]

mod audit;
mod claims;
mod completions;
mod crash;
mod demo;
mod flags;
mod forgery;
mod get;
mod greeting;
mod harness;
mod health;
mod key;
mod leaks;
mod logs;
mod member;
mod metrics;
mod openapi;
mod org;
mod output;
mod refusals;
mod sandbox;
mod start;
mod stop;
mod together;
mod tokens;
mod upgrade;
mod usage;
mod wrong_files;
