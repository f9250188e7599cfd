//! A group: the writes and the uses that are committed in one transaction.
//!
//! Built and answered by the writer's thread. Each write has a savepoint of its own, and all uses share one; if that one
//! fails, each use gets its own. A failure therefore rolls back only itself. Callers are answered after the commit.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};

use rusqlite::{Connection, Savepoint, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::{Inbox, Job, Message, QUEUE};
use crate::{
    model::{MeteredUse, UseReceipt},
    store::{
        Error,
        sqlite::{commit_mark, quota},
    },
};

/// The maximum number of writes in a group: enough to share an `fsync`, few enough to answer the first caller soon.
const MAX_GROUP: usize = 256;

/// A group of writes.
#[derive(Default)]
pub(super) struct Group {
    jobs: Vec<Box<dyn Job>>,
    uses: Vec<MeteredUse>,
    /// The callers of the uses.
    callers: Vec<oneshot::Sender<Result<UseReceipt, Error>>>,
    /// The result of each use; empty until they are counted.
    counted: Vec<Result<UseReceipt, Error>>,
    /// Whether this is the last group.
    pub(super) closing: bool,
}

impl Group {
    /// Adds a message.
    pub(super) fn take(&mut self, message: Message) {
        match message {
            Message::Write(job) => self.jobs.push(job),
            Message::Use(metered, caller) if !caller.is_closed() => {
                self.uses.push(metered);
                self.callers.push(caller);
            }
            Message::Use(..) => {}
            Message::Close => self.closing = true,
        }
    }

    /// Adds the messages in the queue, up to `max` in the group. Returns whether there was one.
    fn take_more(&mut self, inbox: &Inbox, max: usize) -> bool {
        let before = self.jobs.len() + self.uses.len();
        let mut taken = before;
        while !self.closing
            && taken < max
            && let Some(message) = inbox.try_next()
        {
            self.take(message);
            taken += 1;
        }
        taken > before
    }

    /// Runs the jobs in their order, then counts the uses, then commits if the path still names the file.
    ///
    /// If the transaction cannot begin, because another process writes for longer than the connection waits, every
    /// message in the queue fails with it: each would wait as long again.
    pub(super) fn write(&mut self, conn: &mut Connection, inbox: &Inbox) -> Result<(), Error> {
        let mut tx = match begin(conn) {
            Ok(tx) => tx,
            Err(error) => {
                self.take_more(inbox, QUEUE);
                return Err(error.into());
            }
        };
        let changes = tx.total_changes();
        let mut next = 0;
        loop {
            while let Some(job) = self.jobs.get_mut(next) {
                if !job.is_abandoned() {
                    in_savepoint(&mut tx, |savepoint| job.run(savepoint))?;
                }
                next += 1;
            }
            if !self.take_more(inbox, MAX_GROUP) {
                break;
            }
        }
        self.write_uses(&mut tx)?;
        let has_changes = tx.total_changes() != changes;
        if (has_changes || inbox.health.is_failing()) && inbox.file.is_some() {
            commit_mark::advance(&tx)?;
        }
        inbox.check_file()?;
        let started = Instant::now();
        tx.commit()?;
        let writes = self.jobs.len() + self.uses.len();
        if writes > 0 {
            inbox.metrics.committed(writes, started.elapsed());
        }
        Ok(())
    }

    /// Counts the uses as one batch or, if one of them fails the batch, one by one.
    fn write_uses(&mut self, tx: &mut Transaction<'_>) -> Result<(), Error> {
        if self.uses.is_empty() {
            return Ok(());
        }
        self.counted = match write_batch(tx, &self.uses)? {
            Ok(receipts) => receipts.into_iter().map(Ok).collect(),
            Err(error) if !error.is_temporary() && self.uses.len() > 1 => {
                let one = |metered: &MeteredUse| write_one(tx, metered);
                self.uses.iter().map(one).collect::<Result<_, _>>()?
            }
            Err(error) => vec![Err(error); self.uses.len()],
        };
        Ok(())
    }

    /// Answers all callers. `failure` is the reason why the transaction was not committed.
    pub(super) fn answer(self, failure: Option<&Error>) {
        for job in self.jobs {
            job.answer(failure);
        }
        let mut counted = self.counted.into_iter();
        for caller in self.callers {
            let counted = counted.next().unwrap_or(Err(Error::RolledBack));
            let answer = failure.cloned().map_or(counted, Err);
            // Fails if the caller has gone away.
            let _ = caller.send(answer);
        }
    }
}

/// Counts a batch of uses in one savepoint. The outer error ends the transaction, the inner one only the batch.
fn write_batch(
    tx: &mut Transaction<'_>,
    uses: &[MeteredUse],
) -> Result<Result<Vec<UseReceipt>, Error>, Error> {
    // Replaced unless counting panics.
    let mut counted = Err(Error::Panicked);
    in_savepoint(tx, |savepoint| {
        counted = quota::count(savepoint, uses);
        counted.is_ok()
    })?;
    Ok(counted)
}

/// Counts one use in a savepoint.
fn write_one(
    tx: &mut Transaction<'_>,
    metered: &MeteredUse,
) -> Result<Result<UseReceipt, Error>, Error> {
    let counted = write_batch(tx, std::slice::from_ref(metered))?;
    Ok(counted.map(|receipts| receipts[0]))
}

/// Begins a transaction that may write.
pub(super) fn begin(conn: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    // A rollback that failed has left the previous transaction open, with its lock.
    if !conn.is_autocommit() {
        conn.execute_batch("ROLLBACK")?;
    }
    conn.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// Runs `work` in a savepoint, which is kept if `work` returns `true`. Fails if the transaction has ended.
pub(super) fn in_savepoint(
    tx: &mut Transaction<'_>,
    work: impl FnOnce(&Savepoint<'_>) -> bool,
) -> Result<(), Error> {
    let savepoint = tx.savepoint()?;
    // A panic fails this write alone: its savepoint is rolled back.
    let keep = catch_unwind(AssertUnwindSafe(|| work(&savepoint))).unwrap_or(false);
    let ended = if keep {
        savepoint.commit()
    } else {
        savepoint.finish()
    };
    // A full disk or an I/O error may have rolled back the transaction. A later job would commit by itself.
    if tx.is_autocommit() {
        return Err(Error::RolledBack);
    }
    Ok(ended?)
}
