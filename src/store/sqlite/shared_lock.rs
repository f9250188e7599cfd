//! Holds the shared lock of the database while requests read, so that no read takes it from the operating system.
//!
//! Started by [`super::readers`] for a server. SQLite counts the shared locks of a process: while one connection has a
//! read transaction, the lock and unlock of every other read change a counter instead of calling `fcntl`. A read
//! transaction also keeps the write-ahead log from starting over, so it ends while another connection writes. Each read
//! still looks at the log's index, and sees the commits of all processes.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::Connection;

/// The time between two looks at the database.
const TICK: Duration = Duration::from_millis(20);

/// No read for a tick: the lock is not held, and the thread is parked.
const PARKED: u8 = 0;
/// No read in this tick yet.
const QUIET: u8 = 1;
/// There was a read in this tick.
const READING: u8 = 2;
/// The thread ends.
const STOPPED: u8 = 3;

/// A thread that holds the lock. It ends with this value.
pub(super) struct SharedLock {
    state: Arc<AtomicU8>,
    /// `None` only while this value is dropped.
    thread: Option<JoinHandle<()>>,
}

impl SharedLock {
    /// Starts the thread, which uses `conn` alone.
    pub(super) fn start(conn: Connection) -> io::Result<Self> {
        let state = Arc::new(AtomicU8::new(QUIET));
        let holder = Holder::new(conn);
        let run = {
            let state = Arc::clone(&state);
            move || run(&state, holder)
        };
        let thread = thread::Builder::new()
            .name("shared-lock".to_owned())
            .spawn(run)?;
        Ok(Self {
            state,
            thread: Some(thread),
        })
    }

    /// Tells the thread of a read. Costs one load, except for the first read of a tick.
    pub(super) fn note_read(&self) {
        if self.state.load(Ordering::Relaxed) != READING
            && self.state.swap(READING, Ordering::AcqRel) == PARKED
        {
            self.unpark();
        }
    }

    fn unpark(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for SharedLock {
    fn drop(&mut self) {
        self.state.store(STOPPED, Ordering::Release);
        self.unpark();
        if let Some(thread) = self.thread.take() {
            // The thread does not panic; if it did, the lock is free as well.
            drop(thread.join());
        }
    }
}

fn run(state: &AtomicU8, mut holder: Holder) {
    loop {
        let previous = match state.load(Ordering::Acquire) {
            STOPPED => return,
            READING => state.compare_exchange(READING, QUIET, Ordering::AcqRel, Ordering::Acquire),
            _ => {
                holder.release();
                state.compare_exchange(QUIET, PARKED, Ordering::AcqRel, Ordering::Acquire)
            }
        };
        match previous {
            Ok(READING) => {
                holder.tick();
                thread::park_timeout(TICK);
            }
            Ok(_) | Err(PARKED) => thread::park(),
            // The state has changed meanwhile.
            Err(_) => {}
        }
    }
}

/// A connection that holds the lock between two ticks, unless another connection writes.
struct Holder {
    conn: Connection,
    /// The version of the data at the last tick.
    version: Option<i64>,
}

impl Holder {
    fn new(conn: Connection) -> Self {
        let version = None;
        Self { conn, version }
    }

    /// Takes the lock if no connection has committed since the last tick, and otherwise leaves it free. An error leaves
    /// it free as well: reads only become slower.
    fn tick(&mut self) {
        self.release();
        let version = self.data_version().ok();
        if version.is_some() && version == self.version {
            let read = self
                .conn
                .execute_batch("BEGIN; SELECT 1 FROM sqlite_schema;");
            if read.is_err() {
                self.release();
            }
        }
        self.version = version;
    }

    /// Frees the lock.
    fn release(&mut self) {
        if !self.conn.is_autocommit() && self.conn.execute_batch("ROLLBACK").is_err() {
            self.version = None;
        }
    }

    /// Returns a number that changes when any other connection, of any process, commits.
    fn data_version(&self) -> rusqlite::Result<i64> {
        self.conn
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |row| row.get(0))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::store::sqlite::{commit_mark, connection, open};

    /// Whether a connection keeps the write-ahead log from starting over.
    fn is_held(writer: &Connection) -> bool {
        let busy: i64 = writer
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .unwrap();
        busy == 1
    }

    fn write(writer: &Connection) {
        commit_mark::advance(writer).unwrap();
    }

    fn await_state(shared: &SharedLock, state: u8) {
        while shared.state.load(Ordering::Acquire) != state {
            thread::yield_now();
        }
    }

    #[test]
    fn lock_is_held_between_ticks_without_a_write_and_free_after_a_write() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let (file, writer) = open::create_or_open(&path, &[7; 32]).unwrap();
        writer.busy_timeout(Duration::ZERO).unwrap();
        let mut holder = Holder::new(connection::open_reader(file.path()).unwrap());
        write(&writer);

        holder.tick();
        assert!(!is_held(&writer), "the first tick only looks");
        write(&writer);
        holder.tick();
        assert!(!is_held(&writer), "there was a write since");
        write(&writer);
        holder.tick();
        holder.tick();
        assert!(is_held(&writer));
        write(&writer);
        assert!(is_held(&writer), "until the next tick");
        holder.tick();
        assert!(!is_held(&writer));
        write(&writer);
        holder.tick();
        holder.tick();
        holder.release();
        assert!(!is_held(&writer));
    }

    #[test]
    fn thread_holds_the_lock_while_there_are_reads_and_frees_it_afterwards() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let (file, writer) = open::create_or_open(&path, &[7; 32]).unwrap();
        writer.busy_timeout(Duration::ZERO).unwrap();
        write(&writer);
        let shared = SharedLock::start(connection::open_reader(file.path()).unwrap()).unwrap();
        await_state(&shared, PARKED);
        write(&writer);
        let is_reading = AtomicBool::new(true);
        thread::scope(|scope| {
            scope.spawn(|| {
                while is_reading.load(Ordering::Relaxed) {
                    shared.note_read();
                    thread::yield_now();
                }
            });
            // The second tick takes the lock, and has ended before the fourth begins.
            for _ in 0..4 {
                await_state(&shared, READING);
                await_state(&shared, QUIET);
            }
            assert!(is_held(&writer));
            is_reading.store(false, Ordering::Relaxed);
        });
        await_state(&shared, PARKED);
        assert!(!is_held(&writer));
        drop(shared);
        assert!(!is_held(&writer));
    }
}
