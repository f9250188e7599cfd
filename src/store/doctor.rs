//! The findings of `llavero doctor`: each names a check of a database file, its result and the advice.
//!
//! Made by [`super::sqlite`], printed by the command. Invariant: the names of checks are documented in `docs/doctor.md`
//! and never change, because scripts select findings by them.

use crate::model::Timestamp;

/// The extent of an examination.
#[derive(Debug, Clone, Copy)]
pub struct Examination {
    /// Whether to run the checks that read every row several times.
    pub is_deep: bool,
    /// The present, with which dates in the database are compared.
    pub now: Timestamp,
}

/// A check of `llavero doctor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The path names a regular file that can be read.
    File,
    /// No restore was interrupted.
    Restore,
    /// The file is a database of llavero.
    Format,
    /// The schema version of the file is the one of this program.
    Version,
    /// Only the owner may open the file.
    Mode,
    /// The file has one name.
    HardLinks,
    /// The file is on a local disk.
    FileSystem,
    /// The disk has room.
    DiskSpace,
    /// Whether a server has the file open.
    Server,
    /// The write-ahead log belongs to the file.
    Wal,
    /// The write-ahead log is moved into the file.
    WalSize,
    /// The file is in WAL mode.
    JournalMode,
    /// The content can be read without changing anything.
    Content,
    /// The pages of the file are whole.
    Integrity,
    /// Each row that another one refers to exists.
    References,
    /// Each kept total is the sum of what it counts.
    Sums,
    /// No entry is dated in the future.
    Clock,
}

impl Check {
    /// All checks, in the order of their findings.
    pub const ALL: [Self; 17] = [
        Self::File,
        Self::Restore,
        Self::Format,
        Self::Version,
        Self::Mode,
        Self::HardLinks,
        Self::FileSystem,
        Self::DiskSpace,
        Self::Server,
        Self::Wal,
        Self::WalSize,
        Self::JournalMode,
        Self::Content,
        Self::Integrity,
        Self::References,
        Self::Sums,
        Self::Clock,
    ];

    /// Returns the id of the check's findings.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Restore => "restore",
            Self::Format => "format",
            Self::Version => "version",
            Self::Mode => "mode",
            Self::HardLinks => "hard-links",
            Self::FileSystem => "file-system",
            Self::DiskSpace => "disk-space",
            Self::Server => "server",
            Self::Wal => "wal",
            Self::WalSize => "wal-size",
            Self::JournalMode => "journal-mode",
            Self::Content => "content",
            Self::Integrity => "integrity",
            Self::References => "references",
            Self::Sums => "sums",
            Self::Clock => "clock",
        }
    }

    /// Makes a finding of level `ok`.
    pub(super) fn ok(self, message: impl Into<String>) -> Finding {
        Finding {
            check: self,
            level: Level::Ok,
            message: message.into(),
            next: None,
        }
    }

    /// Makes a finding of level `warn`, with the advice.
    pub(super) fn warn(self, message: impl Into<String>, next: impl Into<String>) -> Finding {
        Finding {
            check: self,
            level: Level::Warn,
            message: message.into(),
            next: Some(next.into()),
        }
    }

    /// Makes a finding of level `fail`, with the advice.
    pub(super) fn fail(self, message: impl Into<String>, next: impl Into<String>) -> Finding {
        Finding {
            level: Level::Fail,
            ..self.warn(message, next)
        }
    }
}

/// The level of a finding, from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing is wrong.
    Ok,
    /// The database can be served, but something may go wrong.
    Warn,
    /// The database cannot be served, or holds wrong data.
    Fail,
}

impl Level {
    /// Returns the word for the level.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check.
    pub check: Check,
    /// The level.
    pub level: Level,
    /// The result as a sentence.
    pub message: String,
    /// The advice; `None` if nothing is wrong.
    pub next: Option<String>,
}
