//! The lines of an import, one by one: what a file adds up to, or the first line that is wrong.
//!
//! Called by [`super::import`] before anything is written. A key is looked up in the database when it first occurs, so
//! that a file of unknown keys ends at the first of them, whatever its size. Memory grows with the number of known keys
//! and of days in the file.

use std::io::{BufRead, BufReader, Read};

use super::{
    Format,
    csv::{Heading, Lines},
    json,
    row::RowError,
};
use crate::{
    cli::Error,
    model::{Timestamp, UsageEvent, UsageTotals},
    store::Store,
};

/// The longest line: far more than its fields can take.
const MAX_LINE_LENGTH: usize = 64 * 1024;

/// Some programs begin a UTF-8 file with this mark.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What the lines of a file add up to.
#[derive(Default)]
pub(super) struct Content {
    pub(super) totals: UsageTotals,
    pub(super) requests: i64,
}

/// Reads all lines of `file`, none of them about a use after `now` or a key that is not in `store`.
pub(super) async fn read(
    format: Format,
    file: impl Read,
    now: Timestamp,
    store: &Store,
) -> Result<Content, Error> {
    let mut file = BufReader::with_capacity(1 << 16, file);
    let mut parser = Parser::new(format);
    let mut content = Content::default();
    let mut line = Vec::new();
    for number in 1_u64.. {
        if !next_line(&mut file, &mut line)? {
            break;
        }
        let text = match line.strip_prefix(BYTE_ORDER_MARK) {
            Some(text) if number == 1 => text,
            _ => &line,
        };
        let bad_line = |error: RowError| {
            Error::failed(format!("line {number}: {error}; nothing was imported"))
        };
        if text.len() > MAX_LINE_LENGTH {
            return Err(bad_line(RowError::TooLong));
        }
        let Some(used) = parser.parse(text, now).map_err(bad_line)? else {
            continue;
        };
        if !content.totals.contains(used.key) && !store.key_exists(used.key).await? {
            return Err(bad_line(RowError::UnknownKey(used.key)));
        }
        content.add(used).map_err(bad_line)?;
    }
    Ok(content)
}

/// Reads a line into `line`, or the beginning of one that is too long. Returns `false` at the end of the file.
fn next_line(file: &mut impl BufRead, line: &mut Vec<u8>) -> Result<bool, Error> {
    line.clear();
    let limit = MAX_LINE_LENGTH + BYTE_ORDER_MARK.len() + 1;
    let length = file
        .take(limit as u64)
        .read_until(b'\n', line)
        .map_err(|error| {
            Error::usage(format!(
                "cannot read the file: {error}; nothing was imported"
            ))
        })?;
    Ok(length > 0)
}

/// Turns lines into uses. A CSV file begins with a heading.
enum Parser {
    Ndjson,
    Csv {
        lines: Box<Lines>,
        heading: Option<Heading>,
    },
}

impl Parser {
    fn new(format: Format) -> Self {
        match format {
            Format::Ndjson => Self::Ndjson,
            Format::Csv => Self::Csv {
                lines: Box::new(Lines::new()),
                heading: None,
            },
        }
    }

    /// Parses a line. Returns `None` for a blank line and for the heading.
    fn parse(&mut self, line: &[u8], now: Timestamp) -> Result<Option<UsageEvent>, RowError> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(None);
        }
        let row = match self {
            Self::Ndjson => json::row(line)?,
            Self::Csv { lines, heading } => {
                let fields = lines.fields(line).ok_or(RowError::NotCsv)?;
                let Some(heading) = heading else {
                    *heading = Some(Heading::new(&fields).ok_or(RowError::Heading)?);
                    return Ok(None);
                };
                heading.row(&fields)?
            }
        };
        row.read(now).map(Some)
    }
}

impl Content {
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
