//! Async access to the database.
//!
//! Called by the API's handlers and by the commands. A read sees one snapshot. A write is atomic, and durable when the
//! call returns. The methods of [`Store`] are the contract, in one file per noun; each is one call into [`sqlite`], which
//! decides on which connection and thread the work runs.
//!
//! Every method fails with [`Error`] if the store cannot answer: see [`Error::is_temporary`]. A method that acts for a
//! user or the operator takes the organization and the actor, checks the actor's permission in the transaction of the
//! operation, and fails with [`AccessError`]. `# Errors` sections name only what is specific to a method.

mod audit;
mod backup;
pub mod doctor;
mod error;
mod forms;
mod key_set;
mod keys;
mod maintenance;
mod members;
mod open_error;
mod organizations;
mod restore;
mod sessions;
mod sqlite;
mod stats;
mod usage;

use std::{num::NonZeroU32, path::Path};

pub use backup::BackupError;
pub use error::{AccessError, Error, Source};
pub use key_set::FetchedKeySet;
pub use open_error::OpenError;
pub use restore::{
    CurrentFile, KeyChange, Lost, Reapplied, ReappliedChange, RestoreError, RestoreOptions,
    Restored,
};
pub use sqlite::{
    backup::{BackupSource, CopyStep},
    build_flags::has_build_flags,
    restore::restore,
};

use crate::metrics::Metrics;

/// Options for opening a database for a server.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// The number of connections that read.
    pub readers: NonZeroU32,
    /// 32 random bytes: the HS256 secret of the database, if it is created now.
    pub new_signing_secret: [u8; 32],
}

/// An open database. Clones share it.
#[derive(Clone)]
pub struct Store {
    database: sqlite::Database,
}

impl Store {
    /// Opens the file at `path` for a server, of which a file has one at a time. Creates a missing file and migrates an
    /// older one. Blocks.
    ///
    /// # Errors
    /// If another server has the file open ([`OpenError::AlreadyServed`]). If the file cannot be opened, is not a database of
    /// llavero, is newer than this program, or is damaged. The file is unchanged then.
    pub fn open(path: &Path, options: &OpenOptions) -> Result<Self, OpenError> {
        let database = sqlite::Database::open(path, options)?;
        Ok(Self { database })
    }

    /// Returns whether a server has the file at `path` open.
    #[must_use]
    pub fn is_served(path: &Path) -> bool {
        sqlite::is_served(path)
    }

    /// Examines the file at `path`. Returns the findings in the order of [`doctor::Check::ALL`]. Creates nothing and
    /// changes nothing. Blocks; reads the whole file.
    #[must_use]
    pub fn examine(path: &Path, examination: doctor::Examination) -> Vec<doctor::Finding> {
        sqlite::examine(path, examination)
    }

    /// Opens the file at `path` for a command, without a pool. Other processes may have it open, including a server.
    /// Creates nothing, migrates nothing, and does not check for damage. Blocks.
    ///
    /// # Errors
    /// As [`Store::open`], and if the file does not exist or has an older schema.
    pub fn open_existing(path: &Path) -> Result<Self, OpenError> {
        let database = sqlite::Database::open_existing(path)?;
        Ok(Self { database })
    }

    /// Creates a database in memory, which ends with the store. Blocks for a moment.
    ///
    /// # Errors
    /// If memory or threads run out.
    pub fn in_memory(options: &OpenOptions) -> Result<Self, OpenError> {
        let database = sqlite::Database::in_memory(options)?;
        Ok(Self { database })
    }

    /// Opens a private copy of a [serialized](Store::serialize) database in memory, which may grow to `max_bytes` and
    /// updates `metrics`. It has one connection and no thread, for one caller at a time. Blocks for a moment.
    ///
    /// # Errors
    /// If `bytes` are not a database, or memory runs out.
    pub fn deserialize(bytes: &[u8], max_bytes: usize, metrics: Metrics) -> Result<Self, Error> {
        let database = sqlite::Database::deserialize(bytes, max_bytes, metrics)?;
        Ok(Self { database })
    }

    /// Returns the bytes of the whole database. Blocks for a moment.
    ///
    /// # Errors
    /// If the store cannot answer.
    pub fn serialize(&self) -> Result<Vec<u8>, Error> {
        self.database.serialize()
    }

    /// Makes the database read-only: ends the writer. Blocks for a moment.
    ///
    /// # Errors
    /// If the writer has stopped.
    pub fn into_read_only(self) -> Result<Self, Error> {
        let database = self.database.into_read_only()?;
        Ok(Self { database })
    }

    /// Creates a database at `path` with `new_signing_secret` if the file is missing or empty. Returns whether it did.
    /// Blocks.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn create_if_missing(
        path: &Path,
        new_signing_secret: &[u8; 32],
    ) -> Result<bool, OpenError> {
        sqlite::create_if_missing(path, new_signing_secret)
    }

    /// Removes the database at `path` that [`Store::create_if_missing`] has created, because its first organization
    /// could not be stored. Keeps a file that holds an organization or that another process has open. Blocks.
    pub fn discard_unused(path: &Path) {
        sqlite::discard_unused(path);
    }

    /// Reads the HS256 secret of the file at `path`. Creates nothing and changes nothing. Blocks.
    ///
    /// # Errors
    /// As [`Store::open_existing`], and if the file is damaged.
    pub fn signing_secret_of(path: &Path) -> Result<[u8; 32], OpenError> {
        sqlite::signing_secret_of(path)
    }

    /// Returns the HS256 secret that the database was created with.
    ///
    /// # Errors
    /// If the store cannot answer.
    pub async fn signing_secret(&self) -> Result<[u8; 32], Error> {
        self.database
            .readers
            .read(sqlite::schema::signing_secret)
            .await
    }

    /// Returns the metrics that the store updates.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        self.database.metrics()
    }

    /// Checks whether the store can serve: the path names the open file, the writer runs, the last commit succeeded,
    /// and a read succeeds. Tries no commit; after a failed one, the writer tries again by itself.
    ///
    /// # Errors
    /// The reason why reads or writes fail.
    pub async fn check(&self) -> Result<(), Error> {
        self.database.check()?;
        self.signing_secret().await.map(drop)
    }

    /// Writes everything in the queue and closes the database. If no other process has the file open, moves the
    /// write-ahead log into it. Must be called when nothing else uses the store. Blocks.
    pub fn close(self) {
        self.database.close();
    }
}
