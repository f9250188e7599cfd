//! The API over real sockets and a real database file: one binary, one file a subject.

mod access;
mod bodies;
mod connection_limits;
mod connections;
mod cors;
mod errors;
mod harness;
mod health;
mod histories;
mod key_life;
mod key_list;
mod keys;
mod openapi;
mod problems;
mod sandbox;
mod stats;
mod store;
mod tokens;
mod validate;
mod worlds;
