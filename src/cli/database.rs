//! `--database`, the same for every command, and how a command works on it.
//!
//! A command opens the file, does one thing, and closes it; what it does is durable when it returns. `serve`, which
//! stays, opens the file its own way.

use std::path::PathBuf;

use clap::{ArgMatches, FromArgMatches, parser::ValueSource};
use tokio::runtime::Builder;

use super::Error;
use crate::store::Store;

/// Where the database is.
#[derive(Debug)]
pub(super) struct DatabaseArgs {
    pub(super) path: PathBuf,
    /// Whether the command line says so, and not a variable or nobody.
    pub(super) is_named: bool,
}

/// The flag, as clap reads it.
#[derive(Debug, clap::Args)]
struct Flag {
    /// The database file
    #[arg(
        long = "database",
        value_name = "FILE",
        default_value = "llavero.db",
        env = "LLAVERO_DATABASE"
    )]
    database: PathBuf,
}

/// clap's own way to forbid a flag beside another one counts a variable as if it were typed: who has set
/// `LLAVERO_DATABASE` once and for all would be told to leave out what they did not write.
impl FromArgMatches for DatabaseArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self {
            path: Flag::from_arg_matches(matches)?.database,
            is_named: matches.value_source("database") == Some(ValueSource::CommandLine),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for DatabaseArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        Flag::augment_args(command)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Flag::augment_args_for_update(command)
    }
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
