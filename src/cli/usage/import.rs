//! `llavero usage import`: uses from a file, added to the totals as a whole or not at all.
//!
//! The file is read once, line by line, and added up in memory, which takes as much as there are keys and days in
//! it; only then one short transaction counts. So a server that runs meanwhile never waits, and a bad line at the
//! end leaves nothing behind.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead, BufReader, IsTerminal, Read},
    mem,
    path::{Path, PathBuf},
};

use clap::builder::NonEmptyStringValueParser;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::{
    Format,
    csv::{Heading, Lines},
    row::Row,
};
use crate::{
    cli::{Error, Host, database::DatabaseArgs, output::OutputArgs},
    model::{Batch, Imported, KeyId, Tally, Timestamp},
    store,
};

/// The longest line: far more than its fields can take.
const LONGEST_LINE: usize = 64 * 1024;

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

/// What a file holds.
#[derive(Default)]
struct Content {
    tally: Tally,
    /// Where each key stands first, for an error that names the line.
    lines: HashMap<KeyId, u64>,
    requests: i64,
}

impl Args {
    pub(super) fn run(self, host: &Host) -> Result<(), Error> {
        let now = host.clock.now();
        let format = self.format()?;
        let mut content = self.read(format, now)?;
        let keys = content.tally.len();
        let batch = self.batch_id.as_ref().map(|id| Batch {
            id: id.clone(),
            requests: content.requests,
        });
        let imported = self.database.with_store(async |store| {
            let tally = mem::take(&mut content.tally);
            let imported = store.import_usage(tally, batch, now).await;
            imported.map_err(|error| content.name_the_line(error))
        })?;
        let counted = match imported {
            Imported::Counted => content.requests,
            Imported::Before => 0,
            Imported::Different => {
                return Err(Error::negative(
                    "another file was imported under this --batch-id: choose another name for this one",
                ));
            }
        };
        self.output.print(
            || Report {
                requests: counted,
                keys,
                already_imported: imported == Imported::Before,
            },
            || match imported {
                Imported::Before => {
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
            Error::refused("the name of the file does not tell its format: say --format ndjson or --format csv")
        })
    }

    fn read(&self, format: Format, now: Timestamp) -> Result<Content, Error> {
        if self.file == Path::new("-") {
            return read(format, io::stdin().lock(), now);
        }
        let cannot_open = |error| {
            let path = self.file.display();
            Error::refused(format!(
                "cannot read {path}: {error}; check the path and its permissions"
            ))
        };
        let file = File::open(&self.file).map_err(cannot_open)?;
        let size = file.metadata().map_err(cannot_open)?.len();
        let progress = progress(size);
        let content = read(format, progress.wrap_read(file), now);
        progress.finish_and_clear();
        content
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

fn read(format: Format, file: impl Read, now: Timestamp) -> Result<Content, Error> {
    let mut file = BufReader::with_capacity(1 << 16, file);
    let mut content = Content::default();
    let mut line = Vec::new();
    let mut heading: Option<Heading> = None;
    let mut csv = Lines::new();
    for number in 1.. {
        if !next_line(&mut file, &mut line, number)? {
            break;
        }
        let text = line.trim_ascii();
        match format {
            _ if text.is_empty() => {}
            Format::Ndjson => content.add(&from_json(text, number)?, number, now)?,
            Format::Csv => {
                let fields = csv.fields(text);
                let fields = fields.ok_or_else(|| bad_line(number, "is no valid CSV"))?;
                match &heading {
                    None => heading = Some(heading_of(&fields, number)?),
                    Some(heading) => {
                        let row = heading.row(&fields);
                        let row = row.map_err(|problem| bad_line(number, problem))?;
                        content.add(&row, number, now)?;
                    }
                }
            }
        }
    }
    Ok(content)
}

/// Reads a line into `line`; `false` at the end of the file.
fn next_line(file: &mut impl BufRead, line: &mut Vec<u8>, number: u64) -> Result<bool, Error> {
    line.clear();
    let mut within = file.take(LONGEST_LINE as u64 + 1);
    let length = within.read_until(b'\n', line).map_err(|error| {
        Error::refused(format!(
            "cannot read the file: {error}; nothing was imported"
        ))
    })?;
    if length > LONGEST_LINE {
        return Err(bad_line(number, "is longer than 64 KiB"));
    }
    Ok(length > 0)
}

fn from_json(text: &[u8], number: u64) -> Result<Row<'_>, Error> {
    // serde takes an array for a struct.
    if !text.starts_with(b"{") {
        return Err(bad_line(number, "must be a JSON object"));
    }
    serde_json::from_slice(text).map_err(|error| {
        // Each line is a text of its own to the parser.
        let problem = error.to_string();
        let problem = problem.split(" at line 1 ").next().unwrap_or_default();
        bad_line(number, problem)
    })
}

fn heading_of(fields: &[&str], number: u64) -> Result<Heading, Error> {
    Heading::new(fields).ok_or_else(|| {
        let problem = "must be a heading of keyId, at, outcome and, if you like, count";
        bad_line(number, problem)
    })
}

impl Content {
    fn add(&mut self, row: &Row<'_>, number: u64, now: Timestamp) -> Result<(), Error> {
        let used = row.read(now).map_err(|problem| bad_line(number, problem))?;
        let sum = self.requests.checked_add(used.count.into());
        let (Some(sum), true) = (sum, self.tally.add(used)) else {
            return Err(bad_line(
                number,
                "makes a sum that is too large to be stored",
            ));
        };
        self.requests = sum;
        self.lines.entry(used.key).or_insert(number);
        Ok(())
    }

    fn name_the_line(&self, error: store::Error) -> Error {
        match error {
            store::Error::UnknownKey(key) => {
                let number = self.lines.get(&key).copied().unwrap_or_default();
                bad_line(number, format!("no API key has the id {}", key.0))
            }
            error => error.into(),
        }
    }
}

fn bad_line(number: u64, problem: impl std::fmt::Display) -> Error {
    Error::negative(format!("line {number}: {problem}; nothing was imported"))
}

/// What an import did, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    requests: i64,
    keys: usize,
    already_imported: bool,
}
