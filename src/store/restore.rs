//! The options, the result and the errors of a restore.
//!
//! Returned by [`super::restore()`], and shown by the command. Errors are one line each, with advice.

use std::{io, path::PathBuf};

use super::{Error, OpenError};
use crate::model::{Name, Role, Slug, Timestamp, UserId};

/// How to restore.
#[derive(Debug, Clone, Copy, Default)]
pub struct RestoreOptions {
    /// Restores the copy as it was made: applies nothing again, and does not need to read the current file.
    pub as_it_was: bool,
    /// Does everything on a copy beside the file, and changes nothing.
    pub dry_run: bool,
}

/// The result of a restore.
#[derive(Debug)]
pub struct Restored {
    /// The relation of the current file to the copy.
    pub current: CurrentFile,
    /// The changes that were applied again, in their order.
    pub reapplied: Vec<Reapplied>,
    /// The organizations that have no owner after that.
    pub without_owner: Vec<Slug>,
    /// The new path of the current file; `None` if there was no file, or in a dry run.
    pub aside: Option<PathBuf>,
}

/// The relation of the current file to the copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CurrentFile {
    /// There is no file, or an empty one.
    Missing,
    /// It is not read, because the copy is restored as it was.
    NotRead,
    /// It is another database.
    Other,
    /// It has the signing secret of the copy, and its audit log does not continue that of the copy.
    Branch,
    /// It is an earlier state of the copy.
    Earlier,
    /// It is a later state of the copy.
    Later(Lost),
}

/// The contents of the current file that the copy lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// Entries of the audit log.
    pub audit_entries: i64,
    /// Organizations.
    pub organizations: i64,
    /// Keys.
    pub keys: i64,
    /// Counted uses of keys.
    pub uses: i64,
}

/// A change that was applied again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reapplied {
    /// The organization.
    pub organization: Slug,
    /// The change.
    pub change: ReappliedChange,
}

/// A change of a key or a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReappliedChange {
    /// A change of the key with this name and id.
    Key(Name, uuid::Uuid, KeyChange),
    /// The member was removed.
    MemberRemoved(UserId),
    /// The member's role was lowered to this one.
    RoleLowered(UserId, Role),
}

/// A change of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyChange {
    /// The key has its newer secret, and the previous one works as long as it did.
    Rotated,
    /// These scopes were removed.
    ScopesRemoved(Vec<String>),
    /// The key expires earlier, at this instant.
    ExpiresEarlier(Timestamp),
    /// The key is disabled.
    Disabled,
    /// The key is revoked.
    Revoked,
}

/// The copy was not restored, and the current file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The current file is in use, or a file cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),

    /// The copy does not exist or cannot be read.
    #[error("cannot read the copy {path}: {source}; check the path and its permissions")]
    Source {
        /// The copy.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },

    /// The copy is not a database of llavero.
    #[error("{0} is not a llavero database: name a copy that `llavero backup` has made")]
    NotACopy(PathBuf),

    /// The copy is the database itself.
    #[error("{0} is the current file itself: name a copy of it")]
    SameFile(PathBuf),

    /// A part of the copy is in a log beside it.
    #[error(
        "{copy} is not complete without {log}, or is in use: copy that database with `llavero backup`, and restore the new copy"
    )]
    Log {
        /// The copy.
        copy: PathBuf,
        /// The log or the journal beside it.
        log: PathBuf,
    },

    /// The copy was changed while it was read.
    #[error("{0} was changed while it was read: nothing was changed; try again")]
    Changed(PathBuf),

    /// The copy is damaged, or its sums are wrong.
    #[error("{path} is damaged ({found}): nothing was changed; restore an older copy")]
    Wrong {
        /// The copy.
        path: PathBuf,
        /// The first problem.
        found: String,
    },

    /// The current file cannot be read, so the changes since the copy are unknown.
    #[error(
        "the current file {path} cannot be read ({found}), so the revocations since the copy are unknown: nothing was changed; add --as-it-was to restore the copy as it was made"
    )]
    Unreadable {
        /// The current file.
        path: PathBuf,
        /// The reason.
        found: String,
    },

    /// Another restore is at work.
    #[error("another restore is writing {0}: wait until it has finished")]
    Busy(PathBuf),

    /// A file with the name that the restored database has while it is made.
    #[error("{0} exists, and is not the rest of a restore that was killed: move it away")]
    NotPartial(PathBuf),

    /// A file could not be written or renamed.
    #[error(
        "cannot write {path}: {source}; the current file is as it was; check the disk and its permissions"
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },

    /// The exchange of the files failed half-way, and so did undoing it.
    #[error(
        "the restore of {path} was interrupted: {source}; correct that and run `llavero restore` again"
    )]
    Interrupted {
        /// The database.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },

    /// SQLite failed.
    #[error("cannot restore: {0}; the current file is as it was")]
    Store(#[from] Error),
}

impl RestoreError {
    /// Returns whether the restore did not begin, because a file could not be opened.
    #[must_use]
    pub fn is_before_opening(&self) -> bool {
        matches!(
            self,
            Self::Open(_)
                | Self::Source { .. }
                | Self::NotACopy(_)
                | Self::SameFile(_)
                | Self::Log { .. }
        )
    }
}
