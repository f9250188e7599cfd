//! The one writer: a thread with a connection of its own, and the queue before it.
//!
//! Called by [`super::Store`] for everything that changes the file. What waits in the queue together is committed
//! together: one IMMEDIATE transaction, one `fsync`, and a savepoint for each write, so that one that fails
//! undoes itself alone. Nobody is answered before the commit. The queue is bounded: when it is full, the write
//! is refused at once, and nothing of it happens. A connection that nobody
//! else waits for needs none of that: [`write_now`].

mod group;
#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
};

use rusqlite::{Connection, Savepoint};
use tokio::sync::oneshot;

use self::group::Group;
use super::Error;
use crate::{metrics::WriterMetrics, model::LiveUse};

/// Writes that may wait.
const QUEUE: usize = 4096;

/// A way to the writer. Clones share it.
#[derive(Clone)]
pub(super) struct Writer {
    queue: SyncSender<Message>,
    thread: Arc<Mutex<Option<JoinHandle<Connection>>>>,
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
    /// Starts the thread that writes with `conn`.
    pub(super) fn start(conn: Connection, metrics: WriterMetrics) -> std::io::Result<Self> {
        let (queue, messages) = sync_channel(QUEUE);
        let waiting = Waiting {
            messages,
            metrics: metrics.clone(),
        };
        let thread = thread::Builder::new()
            .name("llavero-writer".to_owned())
            .spawn(move || work(conn, &waiting))?;
        Ok(Self {
            queue,
            thread: Arc::new(Mutex::new(Some(thread))),
            metrics,
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

/// The end of the queue that the thread takes from.
struct Waiting {
    messages: Receiver<Message>,
    metrics: WriterMetrics,
}

impl Waiting {
    /// The next message, when it comes; `None` when there is no handle any more that could send one.
    fn next(&self) -> Option<Message> {
        self.messages.recv().ok().inspect(|_| self.metrics.taken())
    }

    /// The next message, if there is one.
    fn try_next(&self) -> Option<Message> {
        let message = self.messages.try_recv().ok();
        message.inspect(|_| self.metrics.taken())
    }
}

/// The life of the thread. It ends with the last handle, or when it is told to.
fn work(mut conn: Connection, waiting: &Waiting) -> Connection {
    while let Some(first) = waiting.next() {
        let mut group = Group::default();
        group.take(first);
        let failure = group.write(&mut conn, waiting).err();
        let closing = group.closing;
        group.answer(failure.as_ref());
        if closing {
            break;
        }
    }
    conn
}
