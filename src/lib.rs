//! Llavero: an API-key service in one binary and one SQLite file.
//!
//! The crate is the whole service. The binary in `main.rs` only starts it, so tests and benchmarks build the same
//! application. `ARCHITECTURE.md` follows a read, a create and a validation through these modules.
//!
//! | module | content |
//! |---|---|
//! | [`model`] | the domain's types and pure decisions: organizations, keys, secrets, usage, time |
//! | [`token`] | bearer tokens: verify, mint, trusted keys; pure |
//! | [`rate_limit`] | sliding windows in memory; pure |
//! | [`store`] | the async interface to the database, the one writer, and the SQL |
//! | [`key_set`] | fetches the JWK set of an issuer, and keeps the verifier's copy current |
//! | [`tls`] | TLS connections to other services |
//! | [`app`] | what a request needs: store, verifier, clock, randomness, metrics |
//! | [`key_validation`] | decides whether a key is valid, and counts its use |
//! | [`fixtures`] | the data that `--demo` and `--sandbox` load |
//! | [`sandbox`] | deterministic data in memory, and a private copy per session |
//! | [`api`] | HTTP: connections, middleware, routes, handlers, errors, the OpenAPI document |
//! | [`dashboard`] | pages in HTML for the members of organizations |
//! | [`cli`] | the commands |
//! | [`metrics`], [`logging`] | what the process measures, and its log |
//!
//! Dependencies point one way: `cli` → `dashboard` → `api` → `sandbox`, `key_validation` → `app` → `key_set` →
//! `store`, `token` → `rate_limit` → `model`. poem stays in `api` and `dashboard`, rusqlite in `store::sqlite`;
//! `tests/it/structure.rs` checks both.

pub mod api;
pub mod app;
pub mod cli;
pub mod dashboard;
pub mod fixtures;
pub mod key_set;
pub mod key_validation;
pub mod logging;
pub mod metrics;
pub mod model;
pub mod rate_limit;
pub mod sandbox;
pub mod store;
pub mod tls;
pub mod token;
