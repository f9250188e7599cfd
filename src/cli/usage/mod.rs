//! `llavero usage`: imports and exports usage counts.
//!
//! An import and a validation add to the totals with the same function of the store.

mod csv;
mod export;
mod import;
mod json;
mod lines;
mod records;
mod row;

use super::{Error, System};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Add usage counts from a file to the totals. Imports all records or none.
    Import(import::Args),
    /// Print an organization's usage by UTC day.
    Export(export::Args),
}

/// The format of a file with usage counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// One JSON object per line.
    Ndjson,
    /// Comma-separated values with a header.
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
