//! One line of CSV at a time: split into fields, by their heading.
//!
//! Line by line, so that an error can name the line in any file (with CRLF, with blank lines); no field of ours has
//! a line break in it. The splitting itself is csv-core's.

use csv_core::{ReadRecordResult, Reader};

use super::row::{Row, RowError};

/// More fields than a line of ours has.
const MAX_FIELDS: usize = 16;

/// A splitter of lines, and what it needs each time.
pub(super) struct Lines {
    reader: Reader,
    line: Vec<u8>,
    text: Vec<u8>,
    ends: [usize; MAX_FIELDS],
}

/// Which field of a line is which.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heading {
    key_id: usize,
    at: usize,
    outcome: usize,
    count: Option<usize>,
    fields: usize,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self {
            reader: Reader::new(),
            line: Vec::new(),
            text: Vec::new(),
            ends: [0; MAX_FIELDS],
        }
    }

    /// The fields of a line without its line break; `None` if it is no CSV, or no UTF-8.
    pub(super) fn fields(&mut self, line: &[u8]) -> Option<Vec<&str>> {
        self.line.clear();
        self.line.extend_from_slice(line);
        self.line.push(b'\n');
        self.text.resize(self.line.len(), 0);
        self.reader.reset();
        let (result, read, _, count) =
            self.reader
                .read_record(&self.line, &mut self.text, &mut self.ends);
        if result != ReadRecordResult::Record || read != self.line.len() {
            return None;
        }
        let mut start = 0;
        let ends = self.ends.get(..count)?.iter();
        ends.map(|end| {
            let field = self.text.get(start..*end)?;
            start = *end;
            std::str::from_utf8(field).ok()
        })
        .collect()
    }
}

impl Heading {
    /// The heading that the first line is, if it names what is needed and nothing else.
    pub(super) fn new(fields: &[&str]) -> Option<Self> {
        let place = |name| fields.iter().position(|field| *field == name);
        let count = place("count");
        let known = 3 + usize::from(count.is_some());
        (fields.len() == known).then_some(())?;
        Some(Self {
            key_id: place("keyId")?,
            at: place("at")?,
            outcome: place("outcome")?,
            count,
            fields: fields.len(),
        })
    }

    /// Returns the use that a line with these fields tells of, as text.
    pub(super) fn row<'a>(&self, fields: &[&'a str]) -> Result<Row<'a>, RowError> {
        if fields.len() != self.fields {
            return Err(RowError::FieldCount);
        }
        let count = match self.count {
            Some(at) => fields[at].parse().map_err(|_| RowError::Count)?,
            None => 1,
        };
        Ok(Row {
            key_id: fields[self.key_id].into(),
            at: fields[self.at].into(),
            outcome: fields[self.outcome].into(),
            count,
        })
    }
}
