//! The connections that read: a pool for a server, one connection for a command.
//!
//! Called by [`super::database`].

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use r2d2::Pool;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::Connection;
use tokio::task::spawn_blocking;

use crate::store::Error;

/// How long a request waits for a connection before the store counts as unavailable.
const CHECKOUT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long opening all connections may take at start.
const START_TIMEOUT: Duration = Duration::from_secs(5);

/// The connections that read. Clones share them.
#[derive(Clone)]
pub(in crate::store) enum Readers {
    /// For a server.
    Pool(Pool<SqliteConnectionManager>),
    /// For a command, which reads little and would end before the threads of a pool; and for a private copy in memory.
    Single(Arc<Mutex<Connection>>),
}

impl Readers {
    /// Opens a pool of `size` connections, which stay open.
    pub(super) fn pool(
        connections: SqliteConnectionManager,
        size: NonZeroU32,
    ) -> Result<Self, r2d2::Error> {
        let pool = Pool::builder()
            .max_size(size.get())
            .connection_timeout(START_TIMEOUT)
            .test_on_check_out(false)
            .max_lifetime(None)
            .idle_timeout(None)
            .build(connections)?;
        Ok(Self::Pool(pool))
    }

    pub(super) fn single(conn: Connection) -> Self {
        Self::Single(Arc::new(Mutex::new(conn)))
    }

    pub(super) fn is_pool(&self) -> bool {
        matches!(self, Self::Pool(_))
    }

    /// Runs a read on the current thread if a connection is free, which is the common case: a key takes 5 µs and the
    /// statistics of any number of keys 15 µs, while a handover to another thread costs 20 µs. Otherwise waits for a
    /// connection on the blocking pool.
    pub(in crate::store) async fn read<T, E>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let pool = match self {
            Self::Pool(pool) => pool,
            Self::Single(conn) => return read(&lock(conn)),
        };
        match pool.try_get() {
            Some(conn) => read(&conn),
            None => self.read_in_background(read).await,
        }
    }

    /// Runs a read on the blocking pool, so that a long one does not delay other requests.
    pub(in crate::store) async fn read_in_background<T, E>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let readers = self.clone();
        let done = spawn_blocking(move || readers.read_blocking(read)).await;
        done.map_err(Error::from)?
    }

    /// Runs a read on the current thread, and blocks until a connection is free.
    pub(super) fn read_blocking<T, E: From<Error>>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        match self {
            Self::Pool(pool) => {
                let conn = pool.get_timeout(CHECKOUT_TIMEOUT).map_err(Error::from)?;
                read(&conn)
            }
            Self::Single(conn) => read(&lock(conn)),
        }
    }
}

/// Locks a connection. A poisoned lock is safe to use: a panic during a read or a transaction leaves nothing behind in the
/// connection.
pub(super) fn lock(conn: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    conn.lock().unwrap_or_else(PoisonError::into_inner)
}
