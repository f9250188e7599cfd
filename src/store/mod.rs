//! The store: the async face of the database file, and what each of its methods promises.
//!
//! Called by the API's handlers and by the commands. Everything that is read in one call is read in one
//! snapshot; everything that is written in one call is written in one transaction, durable when it returns.
//! This file decides where blocking work runs and which connection does it; the SQL is in [`sqlite`].

mod error;
mod sqlite;

use std::{
    num::NonZeroU32,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

pub use error::{Error, OpenError};
use r2d2::Pool;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::task::spawn_blocking;

use crate::model::{
    Access, ApiKey, KeyId, KeyStats, OrganizationRef, Seed, Timestamp, Use, UserId,
};

/// How long a request waits for a reader when all are busy, before the store counts as unavailable.
const READER_TIMEOUT: Duration = Duration::from_secs(1);

/// How long all readers together may take to open.
const START_TIMEOUT: Duration = Duration::from_secs(5);

/// How to open a database file that a server is to answer from.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// How many connections read at once.
    pub readers: NonZeroU32,
    /// 32 random bytes: the HS256 secret of the file, should it be created now.
    pub new_signing_secret: [u8; 32],
}

/// An open database file. Clones share it.
#[derive(Clone)]
pub struct Store {
    readers: Pool<SqliteConnectionManager>,
    writer: Arc<Mutex<Connection>>,
}

impl Store {
    /// Opens the file at `path`, creates it if it is missing, and brings an older one up to date. Blocks; meant
    /// for start-up.
    ///
    /// # Errors
    /// When the file cannot be opened, is not llavero's, is newer than this program, or is damaged; it is left as
    /// it was then. When the readers cannot be opened, it is whole and up to date.
    pub fn open(path: &Path, options: &OpenOptions) -> Result<Self, OpenError> {
        let (path, writer) = sqlite::open::create_or_open(path, &options.new_signing_secret)?;
        let readers = Pool::builder()
            .max_size(options.readers.get())
            .connection_timeout(START_TIMEOUT)
            .test_on_check_out(false)
            .max_lifetime(None)
            .idle_timeout(None)
            .build(sqlite::connection::readers(&path))
            .map_err(|source| OpenError::Readers { path, source })?;
        Ok(Self {
            readers,
            writer: Arc::new(Mutex::new(writer)),
        })
    }

    /// The HS256 secret of the file at `path`, for a caller that wants nothing else of it. Creates nothing and
    /// changes nothing. Blocks.
    ///
    /// # Errors
    /// As [`Store::open`], and when there is no database yet.
    pub fn signing_secret_of(path: &Path) -> Result<[u8; 32], OpenError> {
        let (path, conn) = sqlite::open::open_existing(path)?;
        sqlite::schema::signing_secret(&conn).map_err(|source| OpenError::Secret { path, source })
    }

    /// The HS256 secret that the file was created with.
    ///
    /// # Errors
    /// As every read: when the store cannot answer.
    pub async fn signing_secret(&self) -> Result<[u8; 32], Error> {
        self.read(sqlite::schema::signing_secret).await
    }

    /// One key of an organization, for `user`. `Granted(None)` when the organization has no such key, whether
    /// another one has it or not; `key` is `None` when the caller's text is no key's id. Three look-ups by
    /// primary key, whatever the size of the tables.
    ///
    /// # Errors
    /// As every read: when the store cannot answer.
    pub async fn key(
        &self,
        organization: OrganizationRef,
        user: UserId,
        key: Option<KeyId>,
    ) -> Result<Access<Option<ApiKey>>, Error> {
        self.read(move |conn| sqlite::keys::key(conn, &organization, &user, key))
            .await
    }

    /// The organization's statistics as of `now`, for `user`, with the last `days` UTC days if asked for.
    /// The cost grows with the number of expired, idle and never-used keys and with `days`, not with the requests
    /// ever recorded.
    ///
    /// # Errors
    /// As every read: when the store cannot answer.
    pub async fn key_stats(
        &self,
        organization: OrganizationRef,
        user: UserId,
        now: Timestamp,
        days: Option<u32>,
    ) -> Result<Access<KeyStats>, Error> {
        self.read(move |conn| sqlite::stats::key_stats(conn, &organization, &user, now, days))
            .await
    }

    /// Adds uses to the totals of their keys, of the keys' organizations and of the UTC days they fall on:
    /// all of them or, on any error, none. A key's last use only moves forward.
    ///
    /// # Errors
    /// [`Error::UnknownKey`] when a use names no stored key; else when the store cannot write.
    pub async fn record(&self, uses: Vec<Use>) -> Result<(), Error> {
        self.write(move |tx| sqlite::usage::record(tx, &uses)).await
    }

    /// Fills a database that has no organizations. Returns whether it did; one that has any is not touched.
    ///
    /// # Errors
    /// When the seed breaks a rule of `schema.sql`, or the store cannot write; nothing is stored then.
    pub async fn seed_if_empty(&self, seed: Seed) -> Result<bool, Error> {
        self.write(move |tx| sqlite::organizations::seed_if_empty(tx, &seed))
            .await
    }

    /// One real read: whether the store can answer.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn check(&self) -> Result<(), Error> {
        self.read(|conn| sqlite::schema::signing_secret(conn).map(drop))
            .await
    }

    /// Closes the file: everything is moved from the write-ahead log into it, and the log is removed. To be
    /// called when nothing else uses the store any more. Blocks.
    pub fn close(self) {
        // The last connection to close does the checkpoint, and a reader cannot: readers go first.
        drop(self.readers);
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = sqlite::connection::settle(&writer) {
            tracing::warn!(%error, "the database was not tidied up; nothing is lost");
        }
    }

    /// Runs a read on the async thread at hand when a connection is free at once, which is the common case: a key
    /// takes 5 microseconds, the statistics of 10 keys 15 and those of 10,000 keys some 400, and handing a read to
    /// another thread costs 20. Else it waits for a connection on the blocking pool.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        if let Some(conn) = self.readers.try_get() {
            return read(&conn);
        }
        let readers = self.readers.clone();
        spawn_blocking(move || read(&*readers.get_timeout(READER_TIMEOUT)?)).await?
    }

    /// Runs a write on the blocking pool, in one IMMEDIATE transaction: a deferred one that reads first fails
    /// for good when another process writes in between.
    async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let writer = Arc::clone(&self.writer);
        spawn_blocking(move || {
            // A panic inside a transaction rolls it back: the connection behind a poisoned lock is sound.
            let mut conn = writer.lock().unwrap_or_else(PoisonError::into_inner);
            let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = write(&tx)?;
            tx.commit()?;
            Ok(value)
        })
        .await?
    }
}
