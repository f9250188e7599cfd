//! The flag `--database`, and how a command opens the database.
//!
//! A command opens the file, runs one operation, and closes the file. `serve` opens the file with a pool instead.

use std::path::PathBuf;

use tokio::runtime::Builder;

use super::Error;
use crate::store::Store;

/// The database.
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
    /// Opens the database, runs `work`, and closes the database. A server and other commands may use it at the same time.
    pub(super) fn with_store<T>(
        &self,
        work: impl AsyncFnOnce(&Store) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let store = Store::open_existing(&self.path)?;
        let runtime = Builder::new_current_thread().build()?;
        let result = runtime.block_on(work(&store));
        store.close();
        result
    }
}
