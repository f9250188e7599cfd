//! The errors of the store's operations.
//!
//! Callers distinguish errors that may go away ([`Error::is_temporary`]) from bugs. The backend decides which of the two
//! an error of its library is, and boxes it, so that no type of the library is part of the store's interface. Errors of
//! opening a database are in [`super::open_error`].

use std::{error::Error as StdError, sync::Arc};

use tokio::task::JoinError;

use crate::model::{AccessDenied, KeyId, RotationRefused, Timestamp, UpdateRefused};

/// An error of the backend's library.
pub type Source = Arc<dyn StdError + Send + Sync>;

/// The store did not answer or did not write. A write that failed is rolled back.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The database cannot answer now: locked by another process, out of space or memory, an I/O error, damage.
    #[error("the database cannot answer: {0}")]
    Unavailable(#[source] Source),

    /// All connections that read were busy for too long.
    #[error("no connection was free in time: {0}")]
    PoolTimeout(String),

    /// The queue of the writer is full.
    #[error("too many writes are waiting")]
    QueueFull,

    /// The writer has ended: the store was closed, or its thread has died.
    #[error("the database writer has stopped")]
    Closed,

    /// The path of the database no longer names the open file.
    #[error("the database file was removed, renamed or replaced while it is open")]
    FileMoved,

    /// The database is read-only.
    #[error("the database is read-only")]
    ReadOnly,

    /// Another write of the same transaction failed and rolled back all of them.
    #[error("the transaction was rolled back")]
    RolledBack,

    /// No key has this id.
    #[error("no API key has the id {}", .0.0)]
    UnknownKey(KeyId),

    /// A sum of counts exceeds the largest integer.
    #[error("a sum of uses is too large to be stored")]
    TooLarge,

    /// A statement failed, or the database holds a value that its schema rules out.
    #[error("the database refused: {0}")]
    Bug(#[source] Source),

    /// A task of the store panicked. The log has the place.
    #[error("a database task did not finish")]
    Panicked,
}

impl Error {
    /// Returns whether the same call may succeed later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unavailable(_)
            | Self::PoolTimeout(_)
            | Self::QueueFull
            | Self::Closed
            | Self::FileMoved
            | Self::RolledBack => true,
            Self::UnknownKey(_)
            | Self::TooLarge
            | Self::ReadOnly
            | Self::Bug(_)
            | Self::Panicked => false,
        }
    }
}

impl From<JoinError> for Error {
    fn from(_: JoinError) -> Self {
        Self::Panicked
    }
}

/// An operation on behalf of an actor was not carried out. Each operation documents its variants; all have
/// [`AccessError::NotAMember`] and [`AccessError::Store`].
#[derive(Debug, Clone, thiserror::Error)]
pub enum AccessError {
    /// The organization does not exist, or the user is not a member. One variant covers both, so that a non-member
    /// cannot learn which organizations exist.
    #[error("the organization does not exist, or the user is not a member of it")]
    NotAMember,

    /// The user is a member, but the role does not permit the operation.
    #[error("the operation requires the role owner or admin")]
    RoleTooLow,

    /// The organization has no key with this id.
    #[error("the organization has no such API key")]
    KeyNotFound,

    /// The key is revoked.
    #[error("the API key is revoked")]
    KeyRevoked,

    /// The key has expired.
    #[error("the API key has expired")]
    KeyExpired,

    /// The previous secret of the key works until this instant.
    #[error("a rotation is in progress; the previous secret works until {0}")]
    RotationInProgress(Timestamp),

    /// The store did not answer or did not write.
    #[error(transparent)]
    Store(#[from] Error),
}

impl From<AccessDenied> for AccessError {
    fn from(denied: AccessDenied) -> Self {
        match denied {
            AccessDenied::NotAMember => Self::NotAMember,
            AccessDenied::RoleTooLow => Self::RoleTooLow,
        }
    }
}

impl From<RotationRefused> for AccessError {
    fn from(refused: RotationRefused) -> Self {
        match refused {
            RotationRefused::Revoked => Self::KeyRevoked,
            RotationRefused::Expired => Self::KeyExpired,
            RotationRefused::InProgress(until) => Self::RotationInProgress(until),
        }
    }
}

impl From<UpdateRefused> for AccessError {
    fn from(refused: UpdateRefused) -> Self {
        match refused {
            UpdateRefused::Revoked => Self::KeyRevoked,
        }
    }
}
