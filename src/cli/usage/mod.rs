//! `llavero usage`: counts in bulk, from elsewhere and to elsewhere.
//!
//! What an import counts goes through the same function as a use that happens now, and moves the same totals.

mod csv;
mod export;
mod import;
mod json;
mod lines;
mod row;

use super::{Error, System};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Add uses from a file to the totals: the whole file or nothing.
    Import(import::Args),
    /// Print an organization's uses by day.
    Export(export::Args),
}

/// How a file of uses is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated values under a heading.
    Csv,
}

impl Command {
    pub(super) fn run(self, system: &System) -> Result<(), Error> {
        match self {
            Self::Import(args) => args.run(system),
            Self::Export(args) => args.run(system),
        }
    }
}
