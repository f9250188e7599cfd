//! Reads all records of an import, and sums them up.
//!
//! Called by [`super::import`] before anything is written. The first bad record ends the import; the error has its line
//! number. A key is looked up in the database when it occurs first, so a file of unknown keys ends at its first record.
//! Memory grows with the number of known keys and of days in the file, not with the number of records.

use std::io::Read;

use super::{
    Format,
    csv::CsvReader,
    json,
    lines::LineReader,
    row::{ReadError, Row, RowError},
};
use crate::{
    cli::Error,
    model::{Timestamp, UsageEvent, UsageTotals},
    store::Store,
};

/// The sums of the records of a file.
#[derive(Default)]
pub(super) struct FileTotals {
    pub(super) totals: UsageTotals,
    pub(super) requests: i64,
}

/// Reads all records of `file`. A record with an instant after `now` or with a key that is not in `store` is an error.
pub(super) async fn read(
    format: Format,
    file: impl Read,
    now: Timestamp,
    store: &Store,
) -> Result<FileTotals, Error> {
    let mut records = Records::new(format, file);
    let mut sums = FileTotals::default();
    while let Some(used) = records.next_use(now)? {
        if !sums.totals.contains(used.key) && !store.key_exists(used.key).await? {
            return Err(records.error(RowError::UnknownKey(used.key).into()));
        }
        sums.add(used)
            .map_err(|error| records.error(error.into()))?;
    }
    Ok(sums)
}

/// A reader of records.
enum Records<R> {
    Ndjson(LineReader<R>),
    Csv(Box<CsvReader<R>>),
}

impl<R: Read> Records<R> {
    fn new(format: Format, file: R) -> Self {
        match format {
            Format::Ndjson => Self::Ndjson(LineReader::new(file)),
            Format::Csv => Self::Csv(Box::new(CsvReader::new(file))),
        }
    }

    /// Reads and checks the next record.
    fn next_use(&mut self, now: Timestamp) -> Result<Option<UsageEvent>, Error> {
        let row = self.next_row();
        let used = row.and_then(|row| Ok(row.map(|row| row.to_use(now)).transpose()?));
        used.map_err(|error| self.error(error))
    }

    fn next_row(&mut self) -> Result<Option<Row<'_>>, ReadError> {
        match self {
            Self::Ndjson(lines) => match lines.next_line()? {
                Some(line) => Ok(Some(json::parse_row(line)?)),
                None => Ok(None),
            },
            Self::Csv(reader) => reader.next_row(),
        }
    }

    /// Adds the line number of the current record to an error.
    fn error(&self, error: ReadError) -> Error {
        let line = match self {
            Self::Ndjson(lines) => lines.number(),
            Self::Csv(reader) => reader.line(),
        };
        match error {
            ReadError::Io(error) => Error::usage(format!(
                "cannot read the file: {error}; nothing was imported"
            )),
            ReadError::Row(error) => {
                Error::failed(format!("line {line}: {error}; nothing was imported"))
            }
        }
    }
}

impl FileTotals {
    fn add(&mut self, used: UsageEvent) -> Result<(), RowError> {
        let sum = self.requests.checked_add(used.count.into());
        self.requests = sum.ok_or(RowError::SumTooLarge)?;
        if self.totals.add(used) {
            Ok(())
        } else {
            Err(RowError::SumTooLarge)
        }
    }
}
