//! `--database`, the same for every command, and how a command works on it.
//!
//! A command opens the file, does one thing, and closes it; what it does is durable when it returns. `serve`, which
//! stays, opens the file its own way.

use std::path::PathBuf;

use tokio::runtime::Builder;

use super::Error;
use crate::store::Store;

/// Where the database is.
#[derive(Debug, clap::Args)]
pub(super) struct DatabaseArgs {
    /// The database file
    #[arg(
        long = "database",
        value_name = "FILE",
        default_value = "llavero.db",
        env = "LLAVERO_DATABASE"
    )]
    pub(super) path: PathBuf,
}

impl DatabaseArgs {
    /// Opens the database, does `work`, and closes it again. A server, and other commands, may have it open.
    pub(super) fn with_store<T>(
        &self,
        work: impl AsyncFnOnce(&Store) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let store = Store::open_existing(&self.path)?;
        let runtime = Builder::new_current_thread().build()?;
        let done = runtime.block_on(work(&store));
        store.close();
        done
    }
}
