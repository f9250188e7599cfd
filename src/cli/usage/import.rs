//! `llavero usage import`: uses from a file, added to the totals as a whole or not at all.
//!
//! The file is read once, line by line, by [`super::lines`], and added up in memory. Only then does one short
//! transaction count: a server that runs meanwhile never waits, and a bad line at the end leaves nothing behind.

use std::{
    fs::File,
    io::{self, IsTerminal, Read},
    path::{Path, PathBuf},
};

use clap::builder::NonEmptyStringValueParser;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::{
    Format,
    lines::{self, Content},
};
use crate::{
    cli::{Error, System, database::DatabaseArgs, output::OutputArgs},
    model::{Batch, ImportOutcome},
};

/// The arguments of `llavero usage import`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The file; - for standard input. Each line has `keyId`, `at`, `outcome` (`success`, `rate_limited` or `error`)
    /// and, unless it is 1, `count`
    file: PathBuf,

    /// How the file is written [default: by its name, .ndjson, .jsonl or .csv]
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// A name for this import: a second one of that name changes nothing
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    batch_id: Option<String>,

    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Args {
    pub(super) fn run(self, system: &System) -> Result<(), Error> {
        let now = system.clock.now();
        let format = self.format()?;
        let (file, progress) = self.open()?;
        let (imported, requests, keys) = self.database.with_store(async |store| {
            let content = lines::read(format, file, now, store).await;
            progress.finish_and_clear();
            let Content { totals, requests } = content?;
            let keys = totals.len();
            let batch = self.batch_id.clone().map(|id| Batch { id, requests });
            let imported = store.import_usage(totals, batch, now).await?;
            Ok((imported, requests, keys))
        })?;
        let counted = match imported {
            ImportOutcome::Imported => requests,
            ImportOutcome::AlreadyImported => 0,
            ImportOutcome::Conflict => {
                return Err(Error::failed(
                    "another file was imported under this --batch-id: choose another name for this one",
                ));
            }
        };
        self.output.print(
            || Report {
                requests: counted,
                keys,
                already_imported: imported == ImportOutcome::AlreadyImported,
            },
            || match imported {
                ImportOutcome::AlreadyImported => {
                    "imported before under this --batch-id: nothing was changed\n".to_owned()
                }
                _ => format!("imported {counted} requests of {keys} keys\n"),
            },
        )
    }

    fn format(&self) -> Result<Format, Error> {
        let extension = self
            .file
            .extension()
            .and_then(|extension| extension.to_str());
        let by_name = match extension {
            Some("ndjson" | "jsonl") => Some(Format::Ndjson),
            Some("csv") => Some(Format::Csv),
            _ => None,
        };
        self.format.or(by_name).ok_or_else(|| {
            Error::usage("the name of the file does not tell its format: say --format ndjson or --format csv")
        })
    }

    /// Opens the file. The progress bar counts the bytes that are read.
    fn open(&self) -> Result<(Box<dyn Read>, ProgressBar), Error> {
        if self.file == Path::new("-") {
            return Ok((Box::new(io::stdin().lock()), ProgressBar::hidden()));
        }
        let cannot_open = |error| {
            let path = self.file.display();
            Error::usage(format!(
                "cannot read {path}: {error}; check the path and its permissions"
            ))
        };
        let file = File::open(&self.file).map_err(cannot_open)?;
        let size = file.metadata().map_err(cannot_open)?.len();
        let progress = progress(size);
        Ok((Box::new(progress.wrap_read(file)), progress))
    }
}

/// A bar on a terminal, nothing elsewhere.
fn progress(size: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    let bar = ProgressBar::new(size);
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

/// What an import did, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    requests: i64,
    keys: usize,
    already_imported: bool,
}
