//! Reads the records of a CSV file.
//!
//! Called by [`super::records`]. One `csv_core::Reader` parses the whole file into a buffer of fixed size. The reader of the
//! `csv` crate is not used, because it would buffer a field without a closing quote up to the end of the file, and could
//! not tell the line on which such a record begins after blank lines. It is not faster either. Invariant: memory does not
//! grow with a record, and [`CsvReader::line`] is the first line of a record, also after blank lines and quoted line breaks.

use std::{
    io::{BufRead, BufReader, Chain, Read},
    str,
};

use csv_core::ReadRecordResult;

use super::row::{MAX_LENGTH, ReadError, Row, RowError};

/// More fields than the header can have.
const MAX_FIELDS: usize = 16;

/// A reader of CSV records.
pub(super) struct CsvReader<R> {
    /// The file, followed by a line break: a record that still has none lacks a closing quote.
    file: BufReader<Chain<R, &'static [u8]>>,
    parser: csv_core::Reader,
    /// The fields of the current record, without quotes and delimiters.
    text: Vec<u8>,
    /// The end of each field in `text`.
    ends: [usize; MAX_FIELDS],
    length: usize,
    fields: usize,
    /// Whether the line break that ends the current record was read.
    ends_line: bool,
    header: Option<Header>,
}

/// The positions of the fields in a record.
#[derive(Debug, Clone, Copy)]
struct Header {
    key_id: usize,
    at: usize,
    outcome: usize,
    count: Option<usize>,
}

impl<R: Read> CsvReader<R> {
    pub(super) fn new(file: R) -> Self {
        Self {
            file: BufReader::with_capacity(1 << 16, file.chain(b"\n")),
            parser: csv_core::Reader::new(),
            text: vec![0; MAX_LENGTH],
            ends: [0; MAX_FIELDS],
            length: 0,
            fields: 0,
            ends_line: false,
            header: None,
        }
    }

    /// Returns the line on which the current record begins. The parser counts line breaks: those before the record, those
    /// in quoted fields, and the one that ends the record, if it was read already.
    pub(super) fn line(&self) -> u64 {
        let text = self.text[..self.length].iter();
        let quoted = text.filter(|byte| matches!(byte, b'\n')).count() as u64;
        self.parser.line() - quoted - u64::from(self.ends_line)
    }

    /// Reads the next record. Reads the header first.
    pub(super) fn next_row(&mut self) -> Result<Option<Row<'_>>, ReadError> {
        if self.header.is_none() && self.read_record()? {
            self.header = Some(self.parse_header().ok_or(RowError::Header)?);
        }
        let Some(header) = self.header else {
            return Ok(None);
        };
        if !self.read_record()? {
            return Ok(None);
        }
        Ok(Some(self.parse_row(header)?))
    }

    /// Reads a record that is not blank. Returns `false` at the end of the file.
    fn read_record(&mut self) -> Result<bool, ReadError> {
        loop {
            (self.length, self.fields) = (0, 0);
            if !self.parse_record()? {
                return Ok(false);
            }
            if self.fields > 1 || !self.text[..self.length].trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    fn parse_record(&mut self) -> Result<bool, ReadError> {
        loop {
            let input = self.file.fill_buf()?;
            let is_end = input.is_empty();
            let (text, ends) = (&mut self.text[self.length..], &mut self.ends[self.fields..]);
            let (result, read, written, ended) = self.parser.read_record(input, text, ends);
            self.ends_line = result == ReadRecordResult::Record && input[..read].ends_with(b"\n");
            self.file.consume(read);
            self.length += written;
            self.fields += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::End => return Ok(false),
                ReadRecordResult::Record if is_end => return Err(RowError::UnclosedQuote.into()),
                ReadRecordResult::Record => return Ok(true),
                ReadRecordResult::OutputFull => return Err(RowError::TooLong.into()),
                ReadRecordResult::OutputEndsFull => return Err(RowError::FieldCount.into()),
            }
        }
    }

    /// Returns a field of the current record. `None` if it is not UTF-8. Ignores white space around the record.
    fn field(&self, index: usize) -> Option<&str> {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        let field = &self.text[start..self.ends[index]];
        let field = if index == 0 {
            field.trim_ascii_start()
        } else {
            field
        };
        let is_last = index + 1 == self.fields;
        str::from_utf8(if is_last {
            field.trim_ascii_end()
        } else {
            field
        })
        .ok()
    }

    /// Parses the current record as the header. `None` if it does not consist of the names of fields.
    fn parse_header(&self) -> Option<Header> {
        let position = |name| (0..self.fields).find(|index| self.field(*index) == Some(name));
        let count = position("count");
        let is_complete = self.fields == 3 + usize::from(count.is_some());
        is_complete.then_some(Header {
            key_id: position("keyId")?,
            at: position("at")?,
            outcome: position("outcome")?,
            count,
        })
    }

    fn parse_row(&self, header: Header) -> Result<Row<'_>, RowError> {
        if self.fields != 3 + usize::from(header.count.is_some()) {
            return Err(RowError::FieldCount);
        }
        let text = |index| self.field(index).ok_or(RowError::NotUtf8);
        let count = match header.count {
            Some(index) => text(index)?.parse().map_err(|_| RowError::Count)?,
            None => 1,
        };
        Ok(Row {
            key_id: text(header.key_id)?.into(),
            at: text(header.at)?.into(),
            outcome: text(header.outcome)?.into(),
            count,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "keyId,at,outcome\n";

    /// Reads a whole file in small pieces. Returns its rows, or the first error with its line.
    fn read(file: &[u8]) -> Result<Vec<String>, (u64, String)> {
        let mut reader = CsvReader::new(file);
        reader.file = BufReader::with_capacity(3, reader.file.into_inner());
        let mut rows = Vec::new();
        loop {
            let row = reader.next_row();
            let row =
                row.map(|row| row.map(|row| format!("{} {} {}", row.key_id, row.at, row.outcome)));
            match row {
                Ok(Some(row)) => rows.push(format!("{}: {row}", reader.line())),
                Ok(None) => return Ok(rows),
                Err(error) => return Err((reader.line(), error.to_string())),
            }
        }
    }

    #[test]
    fn next_row_counts_lines_over_blank_lines_and_quoted_line_breaks() {
        for end in ["\n", "\r\n"] {
            let lines = [
                "",
                "keyId,at,outcome",
                " ",
                "",
                "a,b,c",
                "\"x",
                "y\",b,\"c\"",
                "",
                " d,e,f ",
            ];
            let rows = ["5: a b c", &format!("6: x{end}y b c"), "9: d e f"];
            let text = lines.join(end);
            assert_eq!(read(text.as_bytes()).unwrap(), rows, "{end:?}");
            assert_eq!(read((text + end).as_bytes()).unwrap(), rows, "{end:?}");
        }
        assert_eq!(read(b"").unwrap(), [""; 0]);
        assert_eq!(read(HEADER.as_bytes()).unwrap(), [""; 0]);
    }

    #[test]
    fn next_row_names_the_first_line_of_a_bad_record() {
        let long = "x".repeat(MAX_LENGTH);
        for (text, line, error) in [
            ("\n\na,b\n".to_owned(), 4, RowError::FieldCount),
            (
                "a,b,c\n\n\"a\n\n,b,c\nd,e,f\n".to_owned(),
                4,
                RowError::UnclosedQuote,
            ),
            ("a,b,\"c".to_owned(), 2, RowError::UnclosedQuote),
            (format!("\n\"\n\n{long}"), 3, RowError::TooLong),
            (format!("\n{long},b,c\n"), 3, RowError::TooLong),
            ("\n\"a\n\",b\n".to_owned(), 3, RowError::FieldCount),
            (format!("\n{}\n", ",".repeat(99)), 3, RowError::FieldCount),
        ] {
            let read = read((HEADER.to_owned() + &text).as_bytes());
            assert_eq!(read, Err((line, error.to_string())), "{text:.30}");
        }
        let read = read(b"keyId,at,outcome\na,b,\xff\n");
        assert_eq!(read, Err((2, RowError::NotUtf8.to_string())));
    }
}
