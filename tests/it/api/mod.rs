//! The API over real sockets and a real database file: one binary, one file a subject.

mod access;
mod bodies;
mod connection_limits;
mod connections;
mod cors;
mod errors;
mod every_operation;
mod generators;
mod health;
mod key_days;
mod key_lifecycle;
mod key_list;
mod key_pause;
mod key_query;
mod key_update;
mod key_update_model;
mod keys;
mod openapi;
mod problems;
mod quota;
mod sandbox;
mod state_machine;
mod stats;
mod store;
mod tokens;
mod validate;
