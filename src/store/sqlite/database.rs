//! An open SQLite database: on which connection and thread a read or a write runs, and how the database is closed.
//!
//! Held by [`crate::store::Store`], which calls one method of it per operation. Uses of keys take a path of their own, in
//! [`super::admission`].

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use rusqlite::{Connection, Savepoint};

use super::{
    connection,
    identity::DatabaseFile,
    key_counts, memory, open, quota,
    readers::{Readers, lock},
    server_lock::ServerLock,
    shared_lock::SharedLock,
    writer::{Writer, write_now},
};
use crate::{
    logging,
    metrics::Metrics,
    model::{MeteredUse, OrganizationId, Timestamp, UseReceipt},
    rate_limit::Limiter,
    store::{Error, OpenError, OpenOptions},
};

/// An open database. Clones share it.
#[derive(Clone)]
pub(in crate::store) struct Database {
    /// The connections that read. They are used directly, so that a read awaits one future fewer.
    pub(in crate::store) readers: Readers,
    writes: Writes,
    /// The file; `None` for a database in memory.
    file: Option<Arc<DatabaseFile>>,
    /// Keeps other servers out; `None` for a command and in memory.
    server_lock: Option<Arc<ServerLock>>,
    /// The windows of the rate limits. One server at a time uses a file, so its memory is authoritative.
    pub(super) limiter: Arc<Limiter>,
    metrics: Metrics,
    /// Whether [`Database::start_to_advance_key_counts`] is at work.
    is_advancing: Arc<AtomicBool>,
}

/// The mode of writing.
#[derive(Clone)]
enum Writes {
    /// On a thread with a queue, so that many writes share an `fsync`.
    Queued(Writer),
    /// On the current thread, one by one. For a private copy in memory, where nothing waits for a disk.
    Inline(Arc<Mutex<Connection>>),
    /// Not at all. A database in memory ends with its last connection, so this one stays open.
    ReadOnly(Arc<Mutex<Connection>>),
}

impl Database {
    /// See [`crate::store::Store::open`].
    pub(in crate::store) fn open(path: &Path, options: &OpenOptions) -> Result<Self, OpenError> {
        let (lock, file, conn) = open::open_for_server(path, &options.new_signing_secret)?;
        let holder = connection::open_reader(file.path())
            .map_err(|source| OpenError::sqlite(file.path(), source))?;
        let shared_lock = SharedLock::start(holder).map_err(OpenError::Thread)?;
        let connections = connection::readers(file.path());
        let readers = Readers::pool(connections, options.readers, Some(shared_lock))
            .map_err(|source| OpenError::readers(file.path(), source))?;
        let mut database = Self::start(Some(file), readers, conn)?;
        database.server_lock = Some(Arc::new(lock));
        Ok(database)
    }

    /// See [`crate::store::Store::open_existing`].
    pub(in crate::store) fn open_existing(path: &Path) -> Result<Self, OpenError> {
        let (file, conn) = open::open_existing(path)?;
        let reader = connection::open_reader(file.path())
            .map_err(|source| OpenError::sqlite(file.path(), source))?;
        Self::start(Some(file), Readers::single(reader), conn)
    }

    /// See [`crate::store::Store::in_memory`].
    pub(in crate::store) fn in_memory(options: &OpenOptions) -> Result<Self, OpenError> {
        let (name, conn) = memory::create(&options.new_signing_secret)?;
        let readers = Readers::pool(memory::readers(&name), options.readers, None)
            .map_err(|source| OpenError::readers(name.as_ref(), source))?;
        Self::start(None, readers, conn)
    }

    /// See [`crate::store::Store::deserialize`].
    pub(in crate::store) fn deserialize(
        bytes: &[u8],
        max_bytes: usize,
        metrics: Metrics,
    ) -> Result<Self, Error> {
        let max_bytes = i64::try_from(max_bytes).unwrap_or(i64::MAX);
        let conn = Arc::new(Mutex::new(memory::deserialize(bytes, max_bytes)?));
        Ok(Self {
            readers: Readers::Single(Arc::clone(&conn)),
            writes: Writes::Inline(conn),
            file: None,
            server_lock: None,
            limiter: Arc::default(),
            metrics,
            is_advancing: Arc::default(),
        })
    }

    fn start(
        file: Option<DatabaseFile>,
        readers: Readers,
        conn: Connection,
    ) -> Result<Self, OpenError> {
        let file = file.map(Arc::new);
        let wal_bytes = {
            let file = file.clone();
            move || file.as_ref().map_or(0, |file| file.wal_bytes())
        };
        let metrics = Metrics::new(wal_bytes, logging::dropped_lines);
        let writer =
            Writer::start(conn, file.clone(), metrics.writer.clone()).map_err(OpenError::Thread)?;
        Ok(Self {
            readers,
            writes: Writes::Queued(writer),
            file,
            server_lock: None,
            limiter: Arc::default(),
            metrics,
            is_advancing: Arc::default(),
        })
    }

    /// See [`crate::store::Store::serialize`].
    pub(in crate::store) fn serialize(&self) -> Result<Vec<u8>, Error> {
        self.readers
            .read_blocking(|conn| Ok(memory::serialize(conn)?))
    }

    /// See [`crate::store::Store::into_read_only`].
    pub(in crate::store) fn into_read_only(self) -> Result<Self, Error> {
        let conn = match self.writes {
            Writes::Queued(writer) => Arc::new(Mutex::new(writer.close().ok_or(Error::Closed)?)),
            Writes::Inline(conn) | Writes::ReadOnly(conn) => conn,
        };
        Ok(Self {
            writes: Writes::ReadOnly(conn),
            ..self
        })
    }

    pub(in crate::store) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Runs a write in a transaction, possibly with others. An `Err` rolls back this write alone. Returns when the
    /// transaction is committed.
    pub(in crate::store) async fn write<T, E>(
        &self,
        write: impl FnOnce(&Savepoint<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        match &self.writes {
            Writes::Queued(writer) => writer.write(write).await,
            Writes::Inline(conn) => write_now(&mut lock(conn), write),
            Writes::ReadOnly(_) => Err(Error::ReadOnly.into()),
        }
    }

    /// Writes a use of a key. Uses that are in the queue at the same time are summed and written together.
    pub(super) async fn write_use(&self, metered: MeteredUse) -> Result<UseReceipt, Error> {
        match &self.writes {
            Writes::Queued(writer) => writer.enqueue_use(metered).await,
            Writes::Inline(conn) => {
                write_now(&mut lock(conn), |tx| Ok(quota::count(tx, &[metered])?[0]))
            }
            Writes::ReadOnly(_) => Err(Error::ReadOnly),
        }
    }

    /// Advances the counts of `outdated` organizations to `now`, in portions between other writes.
    pub(in crate::store) async fn advance_key_counts(
        &self,
        mut outdated: Vec<OrganizationId>,
        now: Timestamp,
    ) -> Result<(), Error> {
        while !outdated.is_empty() {
            outdated = self
                .write(move |tx| key_counts::advance_portion(tx, outdated, now))
                .await?;
        }
        Ok(())
    }

    /// Advances the counts of an organization in the background, unless that is going on already. Has no effect on a
    /// database without a writer of its own: a command ends soon, and a private copy is small.
    pub(in crate::store) fn start_to_advance_key_counts(
        &self,
        organization: OrganizationId,
        now: Timestamp,
    ) {
        if !self.readers.is_pool() || self.is_advancing.swap(true, Ordering::AcqRel) {
            return;
        }
        let database = self.clone();
        tokio::spawn(async move {
            let advanced = database.advance_key_counts(vec![organization], now).await;
            if let Err(error) = advanced
                && !matches!(error, Error::ReadOnly)
            {
                tracing::warn!(%error, "the kept counts of keys were not updated; statistics are correct but slow");
            }
            database.is_advancing.store(false, Ordering::Release);
        });
    }

    /// Fails if the path of the database no longer names the open file, and while writes fail.
    pub(in crate::store) fn check(&self) -> Result<(), Error> {
        self.check_file()?;
        match &self.writes {
            Writes::Queued(writer) => writer.check(),
            Writes::Inline(_) | Writes::ReadOnly(_) => Ok(()),
        }
    }

    /// Fails if the path of the database no longer names the open file.
    pub(super) fn check_file(&self) -> Result<(), Error> {
        self.file.as_ref().map_or(Ok(()), |file| file.check())
    }

    /// See [`crate::store::Store::close`].
    pub(in crate::store) fn close(self) {
        let is_server = self.server_lock.is_some();
        // The last connection to close does the checkpoint, and one that reads cannot: those are closed first.
        drop(self.readers);
        if let Writes::Queued(writer) = self.writes
            && let Some(conn) = writer.close()
            && is_server
            && let Err(error) = connection::checkpoint(&conn)
        {
            tracing::warn!(%error, "the database was closed without a checkpoint; nothing is lost");
        }
    }
}
