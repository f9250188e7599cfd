//! The one writer: a thread with a connection of its own, and the queue before it.
//!
//! Called by [`super::Store`] for everything that changes the file. What waits in the queue together is committed
//! together: one IMMEDIATE transaction, one `fsync`, and a savepoint for each write, so that one that fails
//! undoes itself alone. Nobody is answered before the commit. The queue is bounded: when it is full, the write
//! is refused at once, and nothing of it happens. A connection that nobody
//! else waits for needs none of that: [`write_now`].
//!
//! A commit fails if the path of the database no longer names the file. After a commit that failed otherwise, every
//! group writes at least one page, so that its commit tells whether the disk accepts writes again; without a write
//! for [`PROBE_INTERVAL`], the thread commits such a group by itself.

mod group;
mod health;
#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::{Connection, Savepoint};
use tokio::sync::oneshot;

use self::{group::Group, health::CommitHealth};
use super::{Error, sqlite::identity::DatabaseFile};
use crate::{metrics::WriterMetrics, model::LiveUse};

/// Writes that may wait.
const QUEUE: usize = 4096;

/// How long after a failed commit the writer tries one by itself.
const PROBE_INTERVAL: Duration = Duration::from_secs(5);

/// A way to the writer. Clones share it.
#[derive(Clone)]
pub(super) struct Writer {
    queue: SyncSender<Message>,
    thread: Arc<Mutex<Option<JoinHandle<Connection>>>>,
    health: CommitHealth,
    metrics: WriterMetrics,
}

enum Message {
    Write(Box<dyn Job>),
    /// A use of a key. All that come together are added up first, and cost little more than one.
    Use(LiveUse, oneshot::Sender<Result<(), Error>>),
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
    /// Starts the thread that writes with `conn` to `file`; to memory if there is no file.
    pub(super) fn start(
        conn: Connection,
        file: Option<Arc<DatabaseFile>>,
        metrics: WriterMetrics,
    ) -> std::io::Result<Self> {
        let (queue, messages) = sync_channel(QUEUE);
        let health = CommitHealth::default();
        let waiting = Waiting {
            messages,
            file,
            health: health.clone(),
            metrics: metrics.clone(),
        };
        let thread = thread::Builder::new()
            .name("llavero-writer".to_owned())
            .spawn(move || work(conn, &waiting))?;
        Ok(Self {
            queue,
            thread: Arc::new(Mutex::new(Some(thread))),
            health,
            metrics,
        })
    }

    /// Fails while writes cannot succeed: after the thread has ended, and while the last commit failed.
    pub(super) fn check(&self) -> Result<(), Error> {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.as_ref().is_none_or(JoinHandle::is_finished) {
            return Err(Error::Closed);
        }
        self.health.check()
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
        self.send(Message::Write(job), answer).await
    }

    /// Records a use of a key, together with all others that wait, and returns when it is committed.
    pub(super) async fn record(&self, used: LiveUse) -> Result<(), Error> {
        let (caller, answer) = oneshot::channel();
        self.send(Message::Use(used, caller), answer).await
    }

    async fn send<T>(
        &self,
        message: Message,
        answer: oneshot::Receiver<Result<T, Error>>,
    ) -> Result<T, Error> {
        // Counted first: it may be taken at once.
        self.metrics.queued();
        self.queue.try_send(message).map_err(|refused| {
            self.metrics.taken();
            match refused {
                TrySendError::Full(_) => Error::QueueFull,
                TrySendError::Disconnected(_) => Error::Closed,
            }
        })?;
        // Without an answer, it stood behind the end of the thread.
        answer.await.unwrap_or(Err(Error::Closed))
    }

    /// Writes what is in the queue, ends the thread, and returns its connection; `None` when it has ended before.
    /// Blocks.
    pub(super) fn close(self) -> Option<Connection> {
        self.metrics.queued();
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

/// Runs `write` in a transaction of its own, here and now: for a connection that nobody else waits for.
pub(super) fn write_now<T>(
    conn: &mut Connection,
    write: impl FnOnce(&Savepoint<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut tx = group::begin(conn)?;
    // Until it has ended well, in case it panics.
    let mut written = Err(Error::Unfinished);
    group::run(&mut tx, |savepoint| {
        written = write(savepoint);
        written.is_ok()
    })?;
    tx.commit()?;
    written
}

/// The end of the queue that the thread takes from, and what the thread needs beside its connection.
struct Waiting {
    messages: Receiver<Message>,
    file: Option<Arc<DatabaseFile>>,
    health: CommitHealth,
    metrics: WriterMetrics,
}

impl Waiting {
    /// Waits for the next group, which begins with one message. While commits fail, returns an empty group after
    /// [`PROBE_INTERVAL`]. Returns `None` when no handle is left that could send a message.
    fn next_group(&self) -> Option<Group> {
        let mut group = Group::default();
        let first = if self.health.is_failing() {
            match self.messages.recv_timeout(PROBE_INTERVAL) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => return Some(group),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        } else {
            self.messages.recv().ok()?
        };
        self.metrics.taken();
        group.take(first);
        Some(group)
    }

    /// The next message, if there is one.
    fn try_next(&self) -> Option<Message> {
        let message = self.messages.try_recv().ok();
        message.inspect(|_| self.metrics.taken())
    }

    /// Fails if the path of the database no longer names the file that is written to.
    fn check_file(&self) -> Result<(), Error> {
        self.file.as_ref().map_or(Ok(()), |file| file.check())
    }
}

/// The life of the thread. It ends with the last handle, or when it is told to.
fn work(mut conn: Connection, waiting: &Waiting) -> Connection {
    while let Some(mut group) = waiting.next_group() {
        let failure = group.write(&mut conn, waiting).err();
        // SQLite fails in its own ways without the file. The cause is what a person must know.
        let failure = failure.map(|error| waiting.check_file().err().unwrap_or(error));
        // Before the answers: a caller that was refused finds the server not ready.
        waiting.health.record(failure.as_ref());
        let closing = group.closing;
        group.answer(failure.as_ref());
        if closing {
            break;
        }
    }
    conn
}
