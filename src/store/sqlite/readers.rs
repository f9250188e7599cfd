//! The connections that read: a pool for a server, one connection for a command.
//!
//! Called by [`super::database`].

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::available_parallelism,
    time::Duration,
};

use r2d2::Pool;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::Connection;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
    time::timeout,
};

use super::shared_lock::SharedLock;
use crate::store::Error;

/// How long a request waits for a connection before the store counts as unavailable.
const CHECKOUT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long opening all connections may take at start.
const START_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a long read waits for other long reads before the store counts as unavailable.
const LONG_READS_TIMEOUT: Duration = Duration::from_secs(5);

/// The connections that read. Clones share them.
#[derive(Clone)]
pub(in crate::store) enum Readers {
    /// For a server.
    Pool(ReadPool),
    /// For a command, which reads little and would end before the threads of a pool; and for a private copy in memory.
    Single(Arc<Mutex<Connection>>),
}

/// The connections of a server that read.
#[derive(Clone)]
pub(in crate::store) struct ReadPool {
    connections: Pool<SqliteConnectionManager>,
    /// The permits of long reads.
    long_reads: Arc<Semaphore>,
    /// Makes the reads of a file cheaper.
    shared_lock: Option<Arc<SharedLock>>,
}

impl Readers {
    /// Opens a pool of `size` connections, which stay open. It has at least two, because a long read keeps one. Tells
    /// `shared_lock` of its reads.
    pub(super) fn pool(
        connections: SqliteConnectionManager,
        size: NonZeroU32,
        shared_lock: Option<SharedLock>,
    ) -> Result<Self, r2d2::Error> {
        let pool = Pool::builder()
            .max_size(size.get().max(2))
            .connection_timeout(START_TIMEOUT)
            .test_on_check_out(false)
            .max_lifetime(None)
            .idle_timeout(None)
            .build(connections)?;
        Ok(Self::Pool(ReadPool {
            connections: pool,
            long_reads: Arc::new(Semaphore::new(long_reads(size))),
            shared_lock: shared_lock.map(Arc::new),
        }))
    }

    pub(super) fn single(conn: Connection) -> Self {
        Self::Single(Arc::new(Mutex::new(conn)))
    }

    pub(super) fn is_pool(&self) -> bool {
        matches!(self, Self::Pool(..))
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
        if let Some(lock) = &pool.shared_lock {
            lock.note_read();
        }
        match pool.connections.try_get() {
            Some(conn) => read(&conn),
            None => self.read_on_other_thread(read, None).await,
        }
    }

    /// Runs a long read on the blocking pool, so that it does not delay other requests. Long reads wait for each other:
    /// they never use all connections, nor more than half of the processors unless there is only one.
    pub(in crate::store) async fn read_in_background<T, E>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let permit = match self {
            Self::Pool(pool) => Some(long_read_permit(&pool.long_reads).await?),
            Self::Single(_) => None,
        };
        self.read_on_other_thread(read, permit).await
    }

    /// Runs a read on the blocking pool. The permit is held until it ends, even if the caller is gone by then.
    async fn read_on_other_thread<T, E>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let readers = self.clone();
        let read = move || {
            let _permit = permit;
            readers.read_blocking(read)
        };
        spawn_blocking(read).await.map_err(Error::from)?
    }

    /// Runs a read on the current thread, and blocks until a connection is free.
    pub(super) fn read_blocking<T, E: From<Error>>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        match self {
            Self::Pool(pool) => {
                let conn = pool
                    .connections
                    .get_timeout(CHECKOUT_TIMEOUT)
                    .map_err(Error::from)?;
                read(&conn)
            }
            Self::Single(conn) => read(&lock(conn)),
        }
    }
}

/// Returns how many long reads may run at a time.
fn long_reads(connections: NonZeroU32) -> usize {
    let processors = available_parallelism().map_or(1, usize::from);
    (processors.min(connections.get() as usize) / 2).max(1)
}

async fn long_read_permit(long_reads: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Error> {
    let permit = timeout(LONG_READS_TIMEOUT, Arc::clone(long_reads).acquire_owned()).await;
    let permit = permit.map_err(|_| Error::PoolTimeout("other long reads run".to_owned()))?;
    permit.map_err(|_| Error::Closed)
}

/// Locks a connection. A poisoned lock is safe to use: a panic during a read or a transaction leaves nothing behind in the
/// connection.
pub(super) fn lock(conn: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    conn.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{
        sync::mpsc::channel,
        task::{Context, Waker},
    };

    use super::*;
    use crate::store::sqlite::memory;

    #[tokio::test]
    async fn long_reads_wait_for_each_other_and_leave_a_connection_free() {
        let (name, _writer) = memory::create(&[7; 32]).unwrap();
        let readers = Readers::pool(memory::readers(&name), NonZeroU32::MIN, None).unwrap();
        let (end_first, first_ends) = channel();
        let (first_starts, started) = channel();
        let first = tokio::spawn({
            let readers = readers.clone();
            let read = move |_: &Connection| {
                first_starts.send(()).unwrap();
                first_ends.recv().unwrap();
                Ok::<_, Error>(())
            };
            async move { readers.read_in_background(read).await }
        });
        tokio::task::yield_now().await;
        started.recv().unwrap();

        let mut second = Box::pin(readers.read_in_background(|_| Ok::<_, Error>(2)));
        let polled = second
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
        let short = readers.read(|_| Ok::<_, Error>(1)).await;
        assert_eq!(short.unwrap(), 1);
        // The second has not begun: it holds no connection.
        let Readers::Pool(pool) = &readers else {
            unreachable!()
        };
        assert_eq!(pool.long_reads.available_permits(), 0);

        end_first.send(()).unwrap();
        first.await.unwrap().unwrap();
        assert_eq!(second.await.unwrap(), 2);
    }

    #[test]
    fn long_reads_use_at_most_half_of_the_connections() {
        assert_eq!(long_reads(NonZeroU32::MIN), 1);
        for connections in 2..10 {
            let permits = long_reads(NonZeroU32::new(connections).unwrap());
            assert!((1..=connections as usize / 2).contains(&permits));
        }
    }
}
