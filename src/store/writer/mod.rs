//! The one writer: a thread with a connection of its own, and the queue before it.
//!
//! Called by [`super::Store`] for everything that changes the file. What waits in the queue together is committed
//! together: one IMMEDIATE transaction, one `fsync`, and a savepoint for each write, so that one that fails
//! undoes itself alone. Nobody is answered before the commit. The queue is bounded: when it is full, the write
//! is refused at once, and nothing of it happens.

#[cfg(test)]
mod tests;

use std::{
    iter,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
};

use rusqlite::{Connection, Savepoint, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::Error;

/// Writes that may wait.
const QUEUE: usize = 4096;

/// Writes in one transaction: enough to share an `fsync`, few enough to answer the first of them soon.
const LARGEST_GROUP: usize = 256;

/// A way to the writer. Clones share it.
#[derive(Clone)]
pub(super) struct Writer {
    queue: SyncSender<Message>,
    thread: Arc<Mutex<Option<JoinHandle<Connection>>>>,
}

enum Message {
    Write(Box<dyn Job>),
    /// Ends the thread, once everything before it is written.
    Close,
}

/// A write on its way: it runs, and later learns whether that was committed.
trait Job: Send {
    /// Whether nobody waits for it any more.
    fn is_abandoned(&self) -> bool;
    /// Runs. Returns whether what it did is to be kept.
    fn run(&mut self, tx: &Savepoint<'_>) -> bool;
    /// Answers whoever waits. `failure` is why the transaction was not committed.
    fn answer(self: Box<Self>, failure: Option<&Error>);
}

struct Write<W, T> {
    work: Option<W>,
    /// `None` before it ran, and after it panicked.
    result: Option<Result<T, Error>>,
    caller: oneshot::Sender<Result<T, Error>>,
}

impl<W, T> Job for Write<W, T>
where
    W: FnOnce(&Savepoint<'_>) -> Result<T, Error> + Send,
    T: Send,
{
    fn is_abandoned(&self) -> bool {
        self.caller.is_closed()
    }

    fn run(&mut self, tx: &Savepoint<'_>) -> bool {
        self.result = self.work.take().map(|work| work(tx));
        matches!(self.result, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, failure: Option<&Error>) {
        let result = match (self.result, failure) {
            (Some(Err(error)), _) => Err(error),
            (_, Some(failure)) => Err(failure.clone()),
            (Some(Ok(value)), None) => Ok(value),
            (None, None) => Err(Error::Unfinished),
        };
        // The caller may have left.
        let _ = self.caller.send(result);
    }
}

impl Writer {
    /// Starts the thread that writes with `conn`.
    pub(super) fn start(conn: Connection) -> std::io::Result<Self> {
        let (queue, waiting) = sync_channel(QUEUE);
        let thread = thread::Builder::new()
            .name("llavero-writer".to_owned())
            .spawn(move || work(conn, &waiting))?;
        Ok(Self {
            queue,
            thread: Arc::new(Mutex::new(Some(thread))),
        })
    }

    /// Runs `write` in a transaction, possibly with others, and returns when it is committed. A caller that goes
    /// away before its turn has asked for nothing.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Savepoint<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (caller, answer) = oneshot::channel();
        let job = Box::new(Write {
            work: Some(write),
            result: None,
            caller,
        });
        self.queue
            .try_send(Message::Write(job))
            .map_err(|refused| match refused {
                TrySendError::Full(_) => Error::QueueFull,
                TrySendError::Disconnected(_) => Error::Closed,
            })?;
        // Without an answer, it stood behind the end of the thread.
        answer.await.unwrap_or(Err(Error::Closed))
    }

    /// Writes what is in the queue, ends the thread, and returns its connection; `None` when it has ended before.
    /// Blocks.
    pub(super) fn close(self) -> Option<Connection> {
        // Fails when the thread has ended, which is what is wanted.
        let _ = self.queue.send(Message::Close);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()?;
        thread.join().ok()
    }
}

/// The life of the thread. It ends with the last handle, or when it is told to.
fn work(mut conn: Connection, waiting: &Receiver<Message>) -> Connection {
    while let Ok(Message::Write(first)) = waiting.recv() {
        let mut group = vec![first];
        let mut closing = false;
        let outcome = {
            let more = iter::from_fn(|| match waiting.try_recv() {
                Ok(Message::Write(job)) => Some(job),
                Ok(Message::Close) => {
                    closing = true;
                    None
                }
                Err(_) => None,
            });
            write_group(&mut conn, &mut group, more)
        };
        let failure = outcome.err();
        for job in group {
            job.answer(failure.as_ref());
        }
        if closing {
            break;
        }
    }
    conn
}

/// Runs the first job, and `more` as long as they come and the group is not too large; then commits. All jobs
/// that were taken are in `group` afterwards.
///
/// When the transaction cannot even begin, because another process writes for longer than the connection waits,
/// whatever has come meanwhile fails with it: each would wait as long again.
fn write_group(
    conn: &mut Connection,
    group: &mut Vec<Box<dyn Job>>,
    more: impl Iterator<Item = Box<dyn Job>>,
) -> Result<(), Error> {
    let mut tx = match begin(conn) {
        Ok(tx) => tx,
        Err(error) => {
            group.extend(more.take(QUEUE));
            return Err(error.into());
        }
    };
    let mut more = more.take(LARGEST_GROUP - group.len());
    let mut next = 0;
    while let Some(job) = group.get_mut(next) {
        if !job.is_abandoned() {
            run(&mut tx, job.as_mut())?;
        }
        next += 1;
        group.extend(more.next());
    }
    tx.commit()?;
    Ok(())
}

fn begin(conn: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    // A rollback that failed has left the transaction before this one open, and the lock taken.
    if !conn.is_autocommit() {
        conn.execute_batch("ROLLBACK")?;
    }
    conn.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// Runs a job in a savepoint of its own. Fails when there is no transaction left to go on with.
fn run(tx: &mut Transaction<'_>, job: &mut dyn Job) -> Result<(), Error> {
    let savepoint = tx.savepoint()?;
    // A panic is one failed write: the savepoint is rolled back when it ends, and `Unfinished` is answered.
    let keep = catch_unwind(AssertUnwindSafe(|| job.run(&savepoint))).unwrap_or(false);
    let ended = if keep {
        savepoint.commit()
    } else {
        savepoint.finish()
    };
    // A full disk, or an I/O error, may have rolled everything back; a job after it would commit by itself.
    if tx.is_autocommit() {
        return Err(Error::RolledBack);
    }
    Ok(ended?)
}
