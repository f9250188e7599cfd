//! The writer: the one thread that changes the file, and its queue.
//!
//! Called by [`super::Database`]. The thread commits everything in the queue as one group: one IMMEDIATE transaction, one
//! `fsync`, and a savepoint for each write, so that a failed write rolls back alone. Callers are answered after the
//! commit. The queue is bounded: a write is refused at once if the queue is full. [`write_now`] writes without a thread.
//!
//! A commit fails if the path of the database no longer names the file. After a commit that failed otherwise, every
//! group writes at least the mark of the commit, so that its commit tells whether the disk accepts writes again; without a write
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
use super::identity::DatabaseFile;
use crate::{
    metrics::WriterMetrics,
    model::{MeteredUse, UseReceipt},
    store::Error,
};

/// The capacity of the queue.
const QUEUE: usize = 4096;

/// The time after a failed commit at which the writer tries one by itself.
const PROBE_INTERVAL: Duration = Duration::from_secs(5);

/// A handle to the writer. Clones share the thread.
#[derive(Clone)]
pub(in crate::store::sqlite) struct Writer {
    queue: SyncSender<Message>,
    thread: Arc<Mutex<Option<JoinHandle<Connection>>>>,
    health: CommitHealth,
    metrics: WriterMetrics,
}

enum Message {
    Write(Box<dyn Job>),
    /// A use of a key. The uses of a group are summed first, so that many cost little more than one.
    Use(MeteredUse, oneshot::Sender<Result<UseReceipt, Error>>),
    /// Ends the thread after everything before it is written.
    Close,
}

/// A write in the queue: it runs, and is told later whether its group was committed.
trait Job: Send {
    /// Returns whether the caller has gone away.
    fn is_abandoned(&self) -> bool;
    /// Runs the write. Returns whether its savepoint is kept.
    fn run(&mut self, tx: &Savepoint<'_>) -> bool;
    /// Answers the caller. `failure` is the reason why the transaction was not committed.
    fn answer(self: Box<Self>, failure: Option<&Error>);
}

/// A write with its own error type. Only the savepoint of an `Ok` is kept.
struct Write<W, T, E> {
    work: Option<W>,
    /// `None` before the write ran, and after it panicked.
    result: Option<Result<T, E>>,
    caller: oneshot::Sender<Result<T, E>>,
}

impl<W, T, E> Job for Write<W, T, E>
where
    W: FnOnce(&Savepoint<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<Error> + Send,
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
            (_, Some(failure)) => Err(failure.clone().into()),
            (Some(Ok(value)), None) => Ok(value),
            (None, None) => Err(Error::Panicked.into()),
        };
        // Fails if the caller has gone away.
        let _ = self.caller.send(result);
    }
}

impl Writer {
    /// Starts the thread, which writes with `conn` to `file`, or to memory if there is no file.
    pub(super) fn start(
        conn: Connection,
        file: Option<Arc<DatabaseFile>>,
        metrics: WriterMetrics,
    ) -> std::io::Result<Self> {
        let (queue, messages) = sync_channel(QUEUE);
        let health = CommitHealth::default();
        let inbox = Inbox {
            messages,
            file,
            health: health.clone(),
            metrics: metrics.clone(),
        };
        let thread = thread::Builder::new()
            .name("llavero-writer".to_owned())
            .spawn(move || run(conn, &inbox))?;
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

    /// Runs `write` in a transaction, possibly with others, and returns when it is committed. A write whose caller goes
    /// away before it starts is skipped.
    pub(in crate::store::sqlite) async fn write<T, E>(
        &self,
        write: impl FnOnce(&Savepoint<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let job = Box::new(Write {
            work: Some(write),
            result: None,
            caller,
        });
        self.send(Message::Write(job), answer).await
    }

    /// Puts a use of a key into the queue and returns when its group is committed.
    pub(in crate::store::sqlite) async fn enqueue_use(
        &self,
        metered: MeteredUse,
    ) -> Result<UseReceipt, Error> {
        let (caller, answer) = oneshot::channel();
        self.send(Message::Use(metered, caller), answer).await
    }

    async fn send<T, E: From<Error>>(
        &self,
        message: Message,
        answer: oneshot::Receiver<Result<T, E>>,
    ) -> Result<T, E> {
        // Counted first, because the thread may take the message at once.
        self.metrics.queued();
        self.queue.try_send(message).map_err(|error| {
            self.metrics.taken();
            match error {
                TrySendError::Full(_) => Error::QueueFull,
                TrySendError::Disconnected(_) => Error::Closed,
            }
        })?;
        // The sender is dropped if the thread ended before it reached this message.
        answer.await.unwrap_or(Err(Error::Closed.into()))
    }

    /// Writes everything in the queue, ends the thread, and returns its connection; `None` if the thread had ended.
    /// Blocks.
    pub(super) fn close(self) -> Option<Connection> {
        self.metrics.queued();
        // Fails if the thread has ended, which is the goal.
        let _ = self.queue.send(Message::Close);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()?;
        thread.join().ok()
    }
}

/// Runs `write` in a transaction of its own on the current thread.
pub(super) fn write_now<T, E: From<Error>>(
    conn: &mut Connection,
    write: impl FnOnce(&Savepoint<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let mut tx = group::begin(conn).map_err(Error::from)?;
    // Replaced unless `write` panics.
    let mut written = Err(Error::Panicked.into());
    group::in_savepoint(&mut tx, |savepoint| {
        written = write(savepoint);
        written.is_ok()
    })?;
    tx.commit().map_err(Error::from)?;
    written
}

/// The receiving end of the queue, with everything that the thread needs besides its connection.
struct Inbox {
    messages: Receiver<Message>,
    file: Option<Arc<DatabaseFile>>,
    health: CommitHealth,
    metrics: WriterMetrics,
}

impl Inbox {
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

    /// Returns the next message, if the queue is not empty.
    fn try_next(&self) -> Option<Message> {
        let message = self.messages.try_recv().ok();
        message.inspect(|_| self.metrics.taken())
    }

    /// Fails if the path of the database no longer names the file that is written to.
    fn check_file(&self) -> Result<(), Error> {
        self.file.as_ref().map_or(Ok(()), |file| file.check())
    }
}

/// The main loop of the thread. Ends with the last handle, or after [`Message::Close`].
fn run(mut conn: Connection, inbox: &Inbox) -> Connection {
    while let Some(mut group) = inbox.next_group() {
        let failure = group.write(&mut conn, inbox).err();
        // Without the file SQLite fails with various errors; report the cause instead.
        let failure = failure.map(|error| inbox.check_file().err().unwrap_or(error));
        // Before the answers, so that a caller whose write failed finds the server not ready.
        inbox.health.commit_ended(failure.as_ref());
        if failure.is_some() {
            inbox.metrics.commit_failed();
        }
        let closing = group.closing;
        group.answer(failure.as_ref());
        if closing {
            break;
        }
    }
    conn
}
