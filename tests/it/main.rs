//! All integration tests: one binary, so that it links once.
//!
//! | module | what it runs |
//! |---|---|
//! | [`api`] | the service in this process, over real sockets and a real database file |
//! | [`cli`] | the binary itself, from the outside: processes, signals, files, ports, exit codes |
//! | [`dashboard`] | the pages of the service in this process, as a browser requests them |
//! | [`gateways`] | the binary behind nginx and Caddy |
//! | [`structure`] | the source: the direction of dependencies, headers and lengths of files |
//! | [`support`] | what they share: processes, clients, directories, names of fixtures |

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod api;
#[cfg(unix)]
mod cli;
mod dashboard;
#[cfg(unix)]
mod gateways;
mod structure;
mod support;
