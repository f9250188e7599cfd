//! The API over real sockets and a real database file: one binary, one file a subject.

mod access;
mod errors;
mod harness;
mod health;
mod keys;
mod openapi;
mod stats;
mod tokens;
mod worlds;
