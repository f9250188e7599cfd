//! The API over real sockets and a real database file: one binary, one file a subject.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod errors;
mod harness;
mod health;
mod keys;
mod openapi;
mod stats;
mod store;
mod tokens;
mod worlds;
