//! Reads a write-ahead log from its bytes, as SQLite reads it when it recovers the file.
//!
//! Used by [`super::foreign_log`] before SQLite opens the database. A log is a header and frames; each frame holds one page.
//! A frame counts if its salts are those of the header and its checksum continues that of the frames before it, and if a
//! commit follows. Later frames are left over from an earlier use of the log, or were never completed.
//! Source: <https://sqlite.org/fileformat.html>, section 4.

use std::{
    fs::File,
    io::{self, BufReader, ErrorKind, Read},
    num::NonZeroU32,
    path::Path,
};

use super::commit_mark::Mark;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// The magic number of a log whose checksums are little-endian. The lowest bit makes them big-endian.
const MAGIC: u32 = 0x377f_0682;

/// The only version of the format.
const VERSION: u32 = 3_007_000;

/// The contents of a log.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Log {
    /// The number of committed transactions.
    pub(super) commits: u64,
    /// The size of a page, in bytes.
    pub(super) page_size: u32,
    /// The number of pages of the file after the last commit.
    pub(super) pages: u32,
    /// The application id of the header after the last commit; `None` if no transaction has written the header.
    pub(super) application_id: Option<u32>,
    /// The marks of the transactions, in order. A transaction of another program writes none.
    pub(super) marks: Vec<Mark>,
}

impl Log {
    /// Reads the log at `path`. A log without a valid header is empty, as it is to SQLite.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let mut input = BufReader::with_capacity(1 << 18, File::open(path)?);
        let mut log = Self::default();
        let mut header = [0; HEADER];
        if !fill(&mut input, &mut header)? {
            return Ok(log);
        }
        let Some(mut frames) = Frames::after(&header) else {
            return Ok(log);
        };
        log.page_size = u32_at(&header, 8);
        let (mut mark, mut application_id) = (None, None);
        while let Some(frame) = frames.next(&mut input)? {
            mark = Mark::on_page(frame.page).or(mark);
            if frame.number == 1 {
                application_id = Some(u32_at(frame.page, 68));
            }
            if let Some(pages) = frame.pages {
                log.commits += 1;
                log.pages = pages.get();
                log.application_id = application_id;
                log.marks.extend(mark.take());
            }
        }
        Ok(log)
    }
}

/// A valid frame.
struct Frame<'a> {
    /// The number of the page.
    number: u32,
    page: &'a [u8],
    /// In the last frame of a transaction, the number of pages of the file.
    pages: Option<NonZeroU32>,
}

/// The valid frames of a log.
struct Frames {
    is_big_endian: bool,
    salts: [u8; 8],
    checksum: Checksum,
    /// The current frame with its header.
    frame: Vec<u8>,
}

impl Frames {
    /// Returns `None` if the header is not valid.
    fn after(header: &[u8; HEADER]) -> Option<Self> {
        let magic = u32_at(header, 0);
        let page_size = u32_at(header, 8);
        let is_valid = magic & !1 == MAGIC
            && u32_at(header, 4) == VERSION
            && page_size.is_power_of_two()
            && (512..=65536).contains(&page_size);
        if !is_valid {
            return None;
        }
        let is_big_endian = magic & 1 == 1;
        let checksum = Checksum::default().add(&header[..24], is_big_endian);
        let mut salts = [0; 8];
        salts.copy_from_slice(&header[16..24]);
        (checksum.bytes() == header[24..32]).then(|| Self {
            is_big_endian,
            salts,
            checksum,
            frame: vec![0; FRAME_HEADER + page_size as usize],
        })
    }

    /// Returns `None` at the first frame that is not valid.
    fn next(&mut self, input: &mut impl Read) -> io::Result<Option<Frame<'_>>> {
        if !fill(input, &mut self.frame)? {
            return Ok(None);
        }
        let (header, page) = self.frame.split_at(FRAME_HEADER);
        let checksum = self
            .checksum
            .add(&header[..8], self.is_big_endian)
            .add(page, self.is_big_endian);
        let number = u32_at(header, 0);
        let is_valid =
            number != 0 && header[8..16] == self.salts && header[16..24] == checksum.bytes();
        self.checksum = checksum;
        Ok(is_valid.then_some(Frame {
            number,
            page,
            pages: NonZeroU32::new(u32_at(header, 4)),
        }))
    }
}

/// The running checksum of a log.
#[derive(Clone, Copy, Default)]
struct Checksum(u32, u32);

impl Checksum {
    /// Adds a multiple of eight bytes.
    fn add(self, bytes: &[u8], is_big_endian: bool) -> Self {
        let word = |at: &[u8]| {
            let word = [at[0], at[1], at[2], at[3]];
            if is_big_endian {
                u32::from_be_bytes(word)
            } else {
                u32::from_le_bytes(word)
            }
        };
        let Self(mut first, mut second) = self;
        for pair in bytes.chunks_exact(8) {
            first = first.wrapping_add(word(&pair[..4])).wrapping_add(second);
            second = second.wrapping_add(word(&pair[4..])).wrapping_add(first);
        }
        Self(first, second)
    }

    /// Returns the checksum as it is stored.
    fn bytes(self) -> [u8; 8] {
        (u64::from(self.0) << 32 | u64::from(self.1)).to_be_bytes()
    }
}

/// Reads until `buffer` is full. Returns `false` at the end of the file.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match input.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// The caller passes at least `at + 4` bytes.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::store::sqlite::{commit_mark, file, open};

    /// The bytes of the log of a database after `commits` marks, and a directory for others.
    fn log_of(commits: usize) -> (Vec<u8>, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let (_, conn) = open::create_or_open(&path, &[7; 32]).unwrap();
        for _ in 0..commits {
            commit_mark::advance(&conn).unwrap();
        }
        (fs::read(file::wal_path(&path)).unwrap(), directory)
    }

    fn read(bytes: &[u8], directory: &tempfile::TempDir) -> Log {
        let path = directory.path().join("log");
        fs::write(&path, bytes).unwrap();
        Log::read(&path).unwrap()
    }

    #[test]
    fn read_finds_the_mark_of_each_commit_in_order() {
        let (bytes, directory) = log_of(3);
        let log = read(&bytes, &directory);
        assert_eq!((log.commits, log.marks.len()), (3, 3));
        for pair in log.marks.windows(2) {
            assert_eq!(pair[0].current, pair[1].previous);
        }
    }

    #[test]
    fn read_ends_before_a_frame_that_is_cut_off_or_changed() {
        let (bytes, directory) = log_of(2);
        let whole = read(&bytes, &directory);
        let frame = FRAME_HEADER + 4096;
        assert_eq!(bytes.len(), HEADER + 2 * frame);
        for cut in [1, frame - 1, frame] {
            let log = read(&bytes[..bytes.len() - cut], &directory);
            assert_eq!(log.marks, whole.marks[..1], "{cut} bytes");
        }
        for at in [0, 5, 12, 20, 100] {
            let mut changed = bytes.clone();
            changed[HEADER + frame + at] ^= 1;
            let log = read(&changed, &directory);
            assert_eq!(log.marks, whole.marks[..1], "byte {at} of the frame");
        }
        let mut longer = bytes.clone();
        longer.extend_from_within(HEADER..HEADER + frame);
        assert_eq!(read(&longer, &directory), whole);
    }

    #[test]
    fn read_takes_a_log_without_a_valid_header_as_empty() {
        let (bytes, directory) = log_of(1);
        assert_eq!(read(&[], &directory), Log::default());
        assert_eq!(read(&[0; 9000], &directory), Log::default());
        let no_commit = read(&bytes[..HEADER], &directory);
        assert_eq!((no_commit.commits, no_commit.page_size), (0, 4096));
        for at in 0..HEADER {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            assert_eq!(read(&changed, &directory), Log::default(), "byte {at}");
        }
    }
}
