//! What is committed together: the jobs and the uses that wait at the same time, in one transaction.
//!
//! Made and answered by the writer's thread. Each job has a savepoint of its own, and all uses share one, so that
//! what fails undoes itself alone. Nobody is answered before the commit.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};

use rusqlite::{Connection, Savepoint, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::{Job, Message, QUEUE, Waiting};
use crate::{
    model::LiveUse,
    store::{
        Error,
        sqlite::{connection, usage},
    },
};

/// Writes in one transaction: enough to share an `fsync`, few enough to answer the first of them soon.
const LARGEST_GROUP: usize = 256;

/// What is committed together.
#[derive(Default)]
pub(super) struct Group {
    jobs: Vec<Box<dyn Job>>,
    uses: Vec<LiveUse>,
    /// Who waits for the uses to be recorded.
    callers: Vec<oneshot::Sender<Result<(), Error>>>,
    /// What became of each use; empty until that is known.
    recorded: Vec<Result<(), Error>>,
    /// Whether this is the last group.
    pub(super) closing: bool,
}

impl Group {
    /// Takes what came out of the queue.
    pub(super) fn take(&mut self, message: Message) {
        match message {
            Message::Write(job) => self.jobs.push(job),
            Message::Use(used, caller) if !caller.is_closed() => {
                self.uses.push(used);
                self.callers.push(caller);
            }
            Message::Use(..) => {}
            Message::Close => self.closing = true,
        }
    }

    /// Takes what waits, as long as there is room; whether there was anything.
    fn take_more(&mut self, waiting: &Waiting, most: usize) -> bool {
        let before = self.jobs.len() + self.uses.len();
        let mut taken = before;
        while !self.closing
            && taken < most
            && let Some(message) = waiting.try_next()
        {
            self.take(message);
            taken += 1;
        }
        taken > before
    }

    /// Runs the jobs in the order in which they came, then records the uses, then commits, if the file is still in
    /// its place.
    ///
    /// If the transaction cannot begin, because another process writes for longer than the connection waits, every
    /// message that has come meanwhile fails with it: each would wait as long again.
    pub(super) fn write(&mut self, conn: &mut Connection, waiting: &Waiting) -> Result<(), Error> {
        let mut tx = match begin(conn) {
            Ok(tx) => tx,
            Err(error) => {
                self.take_more(waiting, QUEUE);
                return Err(error.into());
            }
        };
        if waiting.health.is_failing() {
            connection::rewrite_first_page(&tx)?;
        }
        let mut next = 0;
        loop {
            while let Some(job) = self.jobs.get_mut(next) {
                if !job.is_abandoned() {
                    run(&mut tx, |savepoint| job.run(savepoint))?;
                }
                next += 1;
            }
            if !self.take_more(waiting, LARGEST_GROUP) {
                break;
            }
        }
        self.record(&mut tx)?;
        waiting.check_file()?;
        let started = Instant::now();
        tx.commit()?;
        let writes = self.jobs.len() + self.uses.len();
        if writes > 0 {
            waiting.metrics.committed(writes, started.elapsed());
        }
        Ok(())
    }

    /// Records the uses, all in one savepoint; and, should one of them be at fault, each in its own.
    fn record(&mut self, tx: &mut Transaction<'_>) -> Result<(), Error> {
        if self.uses.is_empty() {
            return Ok(());
        }
        let together = record(tx, &self.uses)?;
        self.recorded = match together {
            Err(error) if !error.is_temporary() && self.uses.len() > 1 => {
                let alone = |used: &LiveUse| record(tx, std::slice::from_ref(used));
                self.uses.iter().map(alone).collect::<Result<_, _>>()?
            }
            together => vec![together; self.uses.len()],
        };
        Ok(())
    }

    /// Answers everybody. `failure` is why the transaction was not committed.
    pub(super) fn answer(self, failure: Option<&Error>) {
        for job in self.jobs {
            job.answer(failure);
        }
        let mut recorded = self.recorded.into_iter();
        for caller in self.callers {
            let recorded = recorded.next().unwrap_or(Err(Error::RolledBack));
            let answer = failure.cloned().map_or(recorded, Err);
            // Whoever asked may have left.
            let _ = caller.send(answer);
        }
    }
}

/// Records uses in a savepoint of their own; what became of them.
fn record(tx: &mut Transaction<'_>, uses: &[LiveUse]) -> Result<Result<(), Error>, Error> {
    // Until it has ended well, in case it panics.
    let mut recorded = Err(Error::Unfinished);
    run(tx, |savepoint| {
        recorded = usage::record_live(savepoint, uses);
        recorded.is_ok()
    })?;
    Ok(recorded)
}

/// Begins a transaction that may write.
pub(super) fn begin(conn: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    // A rollback that failed has left the transaction before this one open, and the lock taken.
    if !conn.is_autocommit() {
        conn.execute_batch("ROLLBACK")?;
    }
    conn.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// Runs something in a savepoint of its own, which is kept if it says so. Fails when there is no transaction left
/// to go on with.
pub(super) fn run(
    tx: &mut Transaction<'_>,
    work: impl FnOnce(&Savepoint<'_>) -> bool,
) -> Result<(), Error> {
    let savepoint = tx.savepoint()?;
    // A panic is one failed write: the savepoint is rolled back when it ends.
    let keep = catch_unwind(AssertUnwindSafe(|| work(&savepoint))).unwrap_or(false);
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
