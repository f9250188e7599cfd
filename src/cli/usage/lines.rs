//! Reads the lines of an NDJSON file into a reused buffer of bounded length.

use std::io::{self, BufRead, BufReader, Read};

use super::row::{MAX_LENGTH, ReadError, RowError};

/// The UTF-8 byte order mark, which some programs write at the beginning of a file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A reader of lines.
pub(super) struct LineReader<R> {
    file: BufReader<R>,
    buffer: Vec<u8>,
    number: u64,
}

impl<R: Read> LineReader<R> {
    pub(super) fn new(file: R) -> Self {
        Self {
            file: BufReader::with_capacity(1 << 16, file),
            buffer: Vec::new(),
            number: 0,
        }
    }

    /// Returns the number of the current line.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Reads the next line that is not blank. Removes white space around it.
    pub(super) fn next_line(&mut self) -> Result<Option<&[u8]>, ReadError> {
        while self.read()? {
            let text = self.text();
            if text.len() > MAX_LENGTH {
                return Err(RowError::TooLong.into());
            }
            if !text.trim_ascii().is_empty() {
                return Ok(Some(self.text().trim_ascii()));
            }
        }
        Ok(None)
    }

    /// Reads a line, or the beginning of a line that is too long. Returns `false` at the end of the file.
    fn read(&mut self) -> io::Result<bool> {
        self.buffer.clear();
        self.number += 1;
        let limit = MAX_LENGTH + BYTE_ORDER_MARK.len() + 1;
        let mut file = (&mut self.file).take(limit as u64);
        Ok(file.read_until(b'\n', &mut self.buffer)? > 0)
    }

    fn text(&self) -> &[u8] {
        match self.buffer.strip_prefix(BYTE_ORDER_MARK) {
            Some(text) if self.number == 1 => text,
            _ => &self.buffer,
        }
    }
}
