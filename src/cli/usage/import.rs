//! `llavero usage import`: adds usage counts from a file to the totals.
//!
//! [`super::records`] reads the file once and sums it up in memory. Then one short transaction adds the sums, so a running
//! server does not wait for the file. Invariant: an import adds all records of the file or none.

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
    records::{self, FileTotals},
};
use crate::{
    cli::{Error, System, database::DatabaseArgs, output::OutputArgs},
    model::{Batch, ImportOutcome},
};

/// The arguments of `llavero usage import`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The file, or - for standard input. Each record has the fields `keyId`, `at`, `outcome` (`success`, `rate_limited`
    /// or `error`) and optionally `count` (1 by default)
    file: PathBuf,

    /// The format of the file [default: from its extension: .ndjson, .jsonl or .csv]
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// An id for this import. A second import with the same id changes nothing
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
            let sums = records::read(format, file, now, store).await;
            progress.finish_and_clear();
            let FileTotals { totals, requests } = sums?;
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
                    "a file with another number of requests was imported with this --batch-id; nothing was imported: choose another --batch-id",
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
                    "already imported with this --batch-id: nothing was changed\n".to_owned()
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
            Error::usage("the extension of the file is not .ndjson, .jsonl or .csv: add --format ndjson or --format csv")
        })
    }

    /// Opens the file. Reading from it advances the progress bar.
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
        let progress = progress_bar(size);
        Ok((Box::new(progress.wrap_read(file)), progress))
    }
}

/// Creates a progress bar, which is hidden unless standard error is a terminal.
fn progress_bar(size: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    let bar = ProgressBar::new(size);
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

/// The result of an import as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    requests: i64,
    keys: usize,
    already_imported: bool,
}
