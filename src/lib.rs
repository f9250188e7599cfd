//! Llavero: one binary and one SQLite file that answer the API-key operations of the Timbrix API.
//!
//! The crate is the service; the binary in `main.rs` only starts it. It is a library so that tests and benches
//! build the very application that runs.
//!
//! # Map
//!
//! | module | what it is |
//! |---|---|
//! | [`model`] | the domain's words: organizations, keys, secrets, usage, time; imports nothing of the rest |
//! | [`token`] | bearer tokens: whom one speaks for; pure |
//! | [`store`] | the database file: an async face, the one writer, and the SQL beneath |
//! | [`app`] | what a request needs: the store, the verifier, the clock, randomness |
//! | [`rate_limit`] | rate limits, key by key, in memory; pure |
//! | [`key_validation`] | whether a key may pass: store, limits and count of uses in one decision |
//! | [`api`] | HTTP: routes, handlers, the error surface, the OpenAPI document |
//! | [`fixtures`] | the fixtures that `--demo` and `--sandbox` load |
//! | [`sandbox`] | a world in memory, the same at every start, and a copy of it for each visitor who changes something |
//! | [`cli`] | the commands |
//! | [`metrics`] | what the process measures of itself |
//! | [`logging`] | the log |
//!
//! Dependencies point one way: `cli` → `api` → `sandbox`, `key_validation` → `app` → `store`, `token`, `rate_limit` → `model`.
//! poem stays in `api`, rusqlite in `store`.
//!
//! # A request, walked through
//!
//! `GET /api/organizations/acme-corp/api-keys/0b7e…` arrives at `api::server`, which accepted the connection.
//! `api::envelope` gives it an id and hands it to the route table in `api`. The handler `api::keys` takes a
//! `Caller` first, so `api::auth` checks the bearer token with [`token::Verifier`] and answers 401 if it must.
//! The handler asks [`store::Store::key`] for the key on behalf of the caller; one statement in
//! `store::sqlite::keys` reads membership, key and usage together. No row is a stranger: 403. A row without a key:
//! 404. Else the [`model::ApiKey`] becomes the wire struct and leaves as JSON. Whatever failed on the way, a
//! panic included, `api::error` gives it the documented shape, and `api::envelope` writes one line to the log.
//!
//! A change goes the same way, but for the end: `POST …/api-keys` takes its body through `api::body`, and
//! [`store::Store::create_key`] puts a closure into the queue of `store::writer`. The writer's thread runs it in a
//! transaction, with whatever else waits; `store::sqlite::key_life` asks who may, stores the key, moves the totals
//! and writes the audit log; and only after the commit does the handler go on. The use of a key, which
//! [`key_validation`] decides on, takes the same queue, and is added up with all others that wait. A command does the
//! same without a server: `cli` opens the store, calls the method, and closes it.
//!
//! A handler finds its [`app::App`] in the request. In the sandbox, `api::sandbox` puts another one there for who has
//! changed something, or answers from the document what a request prefers; nothing further in knows of it.

pub mod api;
pub mod app;
pub mod cli;
pub mod fixtures;
pub mod key_validation;
pub mod logging;
pub mod metrics;
pub mod model;
pub mod rate_limit;
pub mod sandbox;
pub mod store;
pub mod token;
