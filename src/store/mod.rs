//! The store: the async face of the database, and what each of its methods promises.
//!
//! Called by the API's handlers and by the commands. Everything that is read in one call is read in one
//! snapshot; everything that is written in one call is written or not written as a whole, durable when it
//! returns. This file opens and closes, and decides where blocking work runs and which connection does it; what
//! can be asked is in one file a noun beside it, the thread that writes in [`writer`], the SQL in [`sqlite`].

mod error;
mod keys;
mod open_error;
mod organizations;
mod sqlite;
mod writer;

use std::{
    num::NonZeroU32,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub use error::Error;
pub use open_error::OpenError;
use r2d2::Pool;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, Savepoint};
use tokio::task::spawn_blocking;

use self::{
    sqlite::identity::DatabaseFile,
    writer::{Writer, write_now},
};
use crate::{logging, metrics::Metrics, model::LiveUse};

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

/// An open database. Clones share it.
#[derive(Clone)]
pub struct Store {
    readers: Readers,
    writer: Writes,
    metrics: Metrics,
    /// The file; `None` for a database in memory.
    file: Option<Arc<DatabaseFile>>,
}

#[derive(Clone)]
enum Readers {
    /// For a server.
    Pool(Pool<SqliteConnectionManager>),
    /// For a command: it asks little, and ends so soon that the threads of a pool would outlive it.
    One(Arc<Mutex<Connection>>),
}

#[derive(Clone)]
enum Writes {
    /// On a thread of their own: many share an `fsync`.
    Together(Writer),
    /// At once, one by one, where there is nothing to wait for: in a database that is in memory and somebody's own.
    Alone(Arc<Mutex<Connection>>),
    /// Never again. The connection keeps a database in memory from ending with the last reader.
    Nowhere(Arc<Mutex<Connection>>),
}

impl Store {
    /// Opens the file at `path` for a server: creates it if it is missing, and brings an older one up to date.
    /// Blocks; meant for start-up.
    ///
    /// # Errors
    /// When the file cannot be opened, is not llavero's, is newer than this program, or is damaged; it is left as
    /// it was then. When the readers cannot be opened, it is whole and up to date.
    pub fn open(path: &Path, options: &OpenOptions) -> Result<Self, OpenError> {
        let (file, conn) = sqlite::open::create_or_open(path, &options.new_signing_secret)?;
        let path = file.path();
        let readers =
            pool(sqlite::connection::readers(path), options.readers).map_err(|source| {
                let path = path.to_owned();
                OpenError::Readers { path, source }
            })?;
        Self::start(Some(file), Readers::Pool(readers), conn)
    }

    /// Opens the file at `path` for a command, without a pool. Other processes may have it open, a server
    /// among them. Creates nothing, brings nothing up to date, and does not look for damage beforehand. Blocks.
    ///
    /// # Errors
    /// As [`Store::open`], and when there is no database yet or it has an older schema.
    pub fn open_existing(path: &Path) -> Result<Self, OpenError> {
        let (file, conn) = sqlite::open::open_existing(path)?;
        let reader = sqlite::connection::open_reader(file.path())
            .map_err(|source| OpenError::sqlite(file.path(), source))?;
        let readers = Readers::One(Arc::new(Mutex::new(reader)));
        Self::start(Some(file), readers, conn)
    }

    /// A new database in memory for a server, which ends with the store. Blocks for a moment.
    ///
    /// # Errors
    /// When the machine has no memory or threads left.
    pub fn in_memory(options: &OpenOptions) -> Result<Self, OpenError> {
        let (name, conn) = sqlite::memory::create(&options.new_signing_secret)?;
        let readers = pool(sqlite::memory::readers(&name), options.readers).map_err(|source| {
            let path = name.into();
            OpenError::Readers { path, source }
        })?;
        Self::start(None, Readers::Pool(readers), conn)
    }

    /// A database in memory that begins as a copy of the one that `image` was made of, may grow up to `room` bytes, and
    /// measures with `metrics`. Made for one caller at a time: it has one connection and no thread. Blocks for a
    /// moment.
    ///
    /// # Errors
    /// When `image` is none, or the machine has no memory left.
    pub fn from_image(image: &[u8], room: usize, metrics: Metrics) -> Result<Self, Error> {
        let room = i64::try_from(room).unwrap_or(i64::MAX);
        let conn = Arc::new(Mutex::new(sqlite::memory::open_image(image, room)?));
        Ok(Self {
            readers: Readers::One(Arc::clone(&conn)),
            writer: Writes::Alone(conn),
            metrics,
            file: None,
        })
    }

    /// The same database, which nobody can write to any more. Blocks for a moment.
    ///
    /// # Errors
    /// When its writer is gone already.
    pub fn sealed(self) -> Result<Self, Error> {
        let writer = match self.writer {
            Writes::Together(writer) => {
                let conn = writer.close().ok_or(Error::Closed)?;
                Writes::Nowhere(Arc::new(Mutex::new(conn)))
            }
            Writes::Alone(conn) | Writes::Nowhere(conn) => Writes::Nowhere(conn),
        };
        Ok(Self { writer, ..self })
    }

    /// The bytes of the whole database. Blocks for a moment.
    ///
    /// # Errors
    /// As every read.
    pub fn image(&self) -> Result<Vec<u8>, Error> {
        Ok(match &self.readers {
            Readers::Pool(readers) => {
                sqlite::memory::image(&*readers.get_timeout(READER_TIMEOUT)?)?
            }
            Readers::One(conn) => sqlite::memory::image(&lock(conn))?,
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
            writer: Writes::Together(writer),
            metrics,
            file,
        })
    }

    /// What is measured here, and may be measured elsewhere beside it.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Makes sure that there is a database at `path`: a missing or empty file becomes one, with
    /// `new_signing_secret`; any other is not touched. Returns whether there was none. Blocks.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn create_if_missing(
        path: &Path,
        new_signing_secret: &[u8; 32],
    ) -> Result<bool, OpenError> {
        // An empty file is a start that was cut off, or another one that is under way: they take turns.
        if path.metadata().is_ok_and(|file| file.len() > 0) {
            return Ok(false);
        }
        sqlite::open::create_or_open(path, new_signing_secret)?;
        Ok(true)
    }

    /// Removes the database at `path` that [`Store::create_if_missing`] has created, because its first organization
    /// could not be stored. Keeps a file that holds an organization or that another process has open. Blocks.
    pub fn discard_unused(path: &Path) {
        sqlite::discard::discard_unused(path);
    }

    /// The HS256 secret of the file at `path`, for a caller that wants nothing else of it. Creates nothing and
    /// changes nothing. Blocks.
    ///
    /// # Errors
    /// As [`Store::open_existing`], and when the file is damaged.
    pub fn signing_secret_of(path: &Path) -> Result<[u8; 32], OpenError> {
        let (file, conn) = sqlite::open::open_and_check(path)?;
        sqlite::schema::signing_secret(&conn).map_err(|source| {
            let path = file.path().to_owned();
            OpenError::Secret { path, source }
        })
    }

    /// The HS256 secret that the file was created with.
    ///
    /// # Errors
    /// As every read: when the store cannot answer.
    pub async fn signing_secret(&self) -> Result<[u8; 32], Error> {
        self.read(sqlite::schema::signing_secret).await
    }

    /// Checks whether the store can serve: the path names the open file, the writer runs, the last commit succeeded,
    /// and a read succeeds. Tries no commit: the writer does, once one has failed.
    ///
    /// # Errors
    /// The reason why reads, writes or both fail.
    pub async fn check(&self) -> Result<(), Error> {
        self.check_file()?;
        if let Writes::Together(writer) = &self.writer {
            writer.check()?;
        }
        self.signing_secret().await.map(drop)
    }

    /// Fails if the path of the database no longer names the file that is open.
    fn check_file(&self) -> Result<(), Error> {
        self.file.as_ref().map_or(Ok(()), |file| file.check())
    }

    /// Closes the file, once what waits to be written is. When nobody else has it open, everything is moved from
    /// the write-ahead log into it, and the log is removed. To be called when nothing else uses the store any
    /// more. Blocks.
    pub fn close(self) {
        let is_server = matches!(self.readers, Readers::Pool(_));
        // The last connection to close does the checkpoint, and a reader cannot: readers go first.
        drop(self.readers);
        if let Writes::Together(writer) = self.writer
            && let Some(conn) = writer.close()
            && is_server
            && self.file.is_some()
            && let Err(error) = sqlite::connection::settle(&conn)
        {
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
        let readers = match &self.readers {
            Readers::Pool(readers) => readers,
            Readers::One(conn) => return read(&lock(conn)),
        };
        if let Some(conn) = readers.try_get() {
            return read(&conn);
        }
        let readers = readers.clone();
        spawn_blocking(move || read(&*readers.get_timeout(READER_TIMEOUT)?)).await?
    }

    /// Runs a read on the blocking pool, so that a long one delays no request.
    async fn read_in_background<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let readers = self.readers.clone();
        spawn_blocking(move || match readers {
            Readers::Pool(readers) => read(&*readers.get_timeout(READER_TIMEOUT)?),
            Readers::One(conn) => read(&lock(&conn)),
        })
        .await?
    }

    /// Runs a write, where writes are run; see [`Writes`] and [`writer`].
    async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Savepoint<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        match &self.writer {
            Writes::Together(writer) => writer.write(write).await,
            Writes::Alone(conn) => write_now(&mut lock(conn), write),
            Writes::Nowhere(_) => Err(Error::Sealed),
        }
    }

    /// Records a use of a key, likewise: where writes are run together, with all others that wait.
    async fn write_use(&self, used: LiveUse) -> Result<(), Error> {
        match &self.writer {
            Writes::Together(writer) => writer.record(used).await,
            Writes::Alone(conn) => write_now(&mut lock(conn), |tx| {
                sqlite::usage::record_live(tx, &[used])
            }),
            Writes::Nowhere(_) => Err(Error::Sealed),
        }
    }
}

fn pool(
    connections: SqliteConnectionManager,
    size: NonZeroU32,
) -> Result<Pool<SqliteConnectionManager>, r2d2::Error> {
    Pool::builder()
        .max_size(size.get())
        .connection_timeout(START_TIMEOUT)
        .test_on_check_out(false)
        .max_lifetime(None)
        .idle_timeout(None)
        .build(connections)
}

/// A panic in the middle of a read or a transaction leaves nothing behind in a connection.
fn lock(conn: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    conn.lock().unwrap_or_else(PoisonError::into_inner)
}
