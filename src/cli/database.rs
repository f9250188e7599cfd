//! `--database`, the same for every command.

use std::path::PathBuf;

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
