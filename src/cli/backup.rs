//! `llavero backup`: copies the database to a file, a directory or standard output.
//!
//! Prints the path of the copy, and nothing else on standard output. On a terminal, shows progress and the deleted copies.

use std::{
    io::{self, IsTerminal},
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use super::{Error, System, database::DatabaseArgs, output::note, print, progress::Progress};
use crate::store::{BackupError, BackupSource};

/// The arguments of `llavero backup`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file to create, an existing directory, or - for standard output. In a directory, the file is named after the
    /// database and the UTC time: llavero-20261125T081026.123Z.db
    #[arg(value_name = "DEST")]
    destination: PathBuf,

    /// Keep the newest N copies in the directory, and delete older ones. Only copies of this database that `backup` has
    /// named itself are deleted, after the new one is complete
    #[arg(long, value_name = "N")]
    keep: Option<NonZeroU32>,

    #[command(flatten)]
    database: DatabaseArgs,
}

impl Args {
    pub(super) fn run(self, system: &System) -> Result<(), Error> {
        let is_stream = self.destination == Path::new("-");
        let is_directory = !is_stream && self.destination.is_dir();
        if self.keep.is_some() && !is_directory {
            return Err(Error::usage(
                "--keep deletes older copies in a directory: name an existing directory, or leave out --keep",
            ));
        }
        if is_stream && io::stdout().is_terminal() {
            return Err(Error::usage(
                "standard output is a terminal: redirect it to a file or a program, or name a file",
            ));
        }
        let now = system.clock.now();
        let source = BackupSource::open(&self.database.path)?;
        let progress = Progress::start();
        let on_step = |step| progress.show(step);
        if is_stream {
            return Ok(source.copy_to_stream(&mut io::stdout().lock(), &on_step)?);
        }
        let path = if is_directory {
            let (path, deleted) =
                source.copy_to_directory(&self.destination, now, self.keep, &on_step)?;
            progress.finish();
            if io::stderr().is_terminal() {
                for path in deleted {
                    note(&format!("deleted {}", path.display()));
                }
            }
            path
        } else {
            source.copy_to_file(&self.destination, &on_step)?;
            progress.finish();
            self.destination
        };
        print(&format!("{}\n", path.display()))
    }
}

/// The database was opened, so the command line is right.
impl From<BackupError> for Error {
    fn from(error: BackupError) -> Self {
        Self::failed(error.to_string())
    }
}
