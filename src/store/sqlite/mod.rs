//! The store on SQLite.
//!
//! Used by [`super::Store`] alone. [`Database`] opens and closes the file and decides on which connection and thread the
//! work runs. The other modules are blocking functions, one per operation, that take a connection to read with or a
//! savepoint to write in. Every SQL statement is a constant, apart from those of [`key_list`], which are made of constants.
//! `query_plan_tests` checks the plan of each.

mod access;
mod admission;
pub(super) mod audit;
pub(super) mod backup;
pub(super) mod build_flags;
mod commit_mark;
mod connection;
mod database;
mod discard;
mod doctor;
mod error;
mod file;
mod foreign_log;
pub(super) mod forms;
mod identity;
mod integrity;
pub(super) mod key_counts;
pub(super) mod key_days;
pub(super) mod key_lifecycle;
pub(super) mod key_list;
pub(super) mod key_set;
pub(super) mod key_update;
pub(super) mod keys;
pub(super) mod members;
mod memory;
mod open;
pub(super) mod organizations;
mod partial;
#[cfg(test)]
mod query_plan_tests;
mod quota;
mod rate_slots;
mod readers;
pub(super) mod restore;
pub(super) mod retention;
mod row;
pub(super) mod schema;
mod server_lock;
pub(super) mod sessions;
mod shared_lock;
pub(super) mod stats;
mod usage;
pub(super) mod usage_imports;
mod verify;
mod wal_file;
mod writer;

pub(super) use self::{
    database::Database,
    discard::discard_unused,
    doctor::examine,
    open::{create_if_missing, is_served, signing_secret_of},
};
