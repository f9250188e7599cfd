//! The database behind the store: how the file is opened, and one function for each thing asked of it.
//!
//! Called by [`super::Store`] alone, with a connection to read or a savepoint to write in; nothing here is async
//! and nothing here decides where it runs. Every statement is a constant, so that one test can hold each of them
//! against its query plan.

mod access;
pub(super) mod audit;
pub(super) mod batches;
pub(super) mod connection;
pub(super) mod discard;
mod file;
pub(super) mod identity;
mod integrity;
pub(super) mod key_life;
pub(super) mod keys;
pub(super) mod members;
pub(super) mod memory;
pub(super) mod open;
pub(super) mod organizations;
#[cfg(test)]
mod plans;
pub(super) mod rate;
mod row;
pub(super) mod schema;
pub(super) mod stats;
pub(super) mod usage;
