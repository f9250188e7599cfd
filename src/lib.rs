//! map
pub mod api;
pub mod app;
pub mod cli;
pub mod demo;
pub mod logging;
pub mod model;
pub mod store;
pub mod token;
