//! Which visitors have a copy of the world, and for how long.
//!
//! Called by [`super::visit`]. Copies are bounded in number and in size: the one that was not used for the longest time
//! goes first. Whoever is in the middle of a visit when their copy goes ends it unharmed, and finds the world as it was
//! the next time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Mutex as TurnMutex, OwnedMutexGuard},
    time::sleep,
};

use super::{Limits, SWEEP, Visitor, changes::Changes};
use crate::model::{Clock, SecretHash};

/// What a secret takes: once in its copy, and once, with its maker, in the index.
const BYTES_OF_A_SECRET: usize = 2 * size_of::<SecretHash>() + size_of::<Visitor>();

/// All copies.
pub(super) struct Copies {
    limits: Limits,
    time: Clock,
    all: Mutex<All>,
}

#[derive(Default)]
struct All {
    copies: HashMap<Visitor, Copy>,
    /// Who made which secret.
    makers: HashMap<SecretHash, Visitor>,
    /// When those that were idle for too long were dropped.
    swept: Duration,
}

struct Copy {
    kept: Arc<TurnMutex<Kept>>,
    used: Duration,
    /// How much it takes; 0 as long as nothing was changed in it.
    bytes: usize,
    /// The secrets that were made in it.
    secrets: Vec<SecretHash>,
}

/// What is kept of a copy between two visits.
#[derive(Default)]
pub(super) struct Kept {
    /// What differs from the world.
    pub(super) changes: Changes,
    /// How often something random was drawn.
    pub(super) drawn: u64,
}

impl Copies {
    /// No copies so far; and somebody who looks, as long as they are there, for those that nobody comes back to.
    pub(super) fn start(limits: Limits, time: Clock) -> Arc<Self> {
        let copies = Arc::new(Self {
            limits,
            time,
            all: Mutex::default(),
        });
        let watched = Arc::downgrade(&copies);
        tokio::spawn(async move {
            while let Some(copies) = watched.upgrade() {
                copies.sweep();
                drop(copies);
                sleep(SWEEP).await;
            }
        });
        copies
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// A visitor's copy; a new one if they have none and `make` says so.
    pub(super) fn enter(&self, visitor: Visitor, make: bool) -> Option<Arc<TurnMutex<Kept>>> {
        let now = self.time.elapsed();
        let mut all = self.all();
        all.sweep(now, self.limits.idle);
        let copy = match all.copies.get_mut(&visitor) {
            Some(copy) => copy,
            None if !make => return None,
            None => all.copies.entry(visitor).or_insert(Copy {
                kept: Arc::default(),
                used: now,
                bytes: 0,
                secrets: Vec::new(),
            }),
        };
        copy.used = now;
        Some(Arc::clone(&copy.kept))
    }

    /// Takes note of what a visit has changed, and of the secrets that it made. If there is too much now, the oldest
    /// copies go; so may this one have, meanwhile.
    pub(super) fn changed(
        &self,
        visitor: Visitor,
        kept: &OwnedMutexGuard<Kept>,
        secrets: Vec<SecretHash>,
    ) {
        let mut all = self.all();
        let of_this_visit = OwnedMutexGuard::mutex(kept);
        let copy = all.copies.get_mut(&visitor);
        let Some(copy) = copy.filter(|copy| Arc::ptr_eq(&copy.kept, of_this_visit)) else {
            return;
        };
        copy.secrets.extend(&secrets);
        copy.bytes = kept.changes.bytes() + copy.secrets.len() * BYTES_OF_A_SECRET;
        let made = secrets.into_iter().map(|secret| (secret, visitor));
        all.makers.extend(made);
        all.make_room(&self.limits);
    }

    pub(super) fn len(&self) -> usize {
        self.all().copies.len()
    }

    /// Drops what was not used for too long, whether or not somebody else comes.
    pub(super) fn sweep(&self) {
        let now = self.time.elapsed();
        self.all().sweep(now, self.limits.idle);
    }

    /// Drops a copy.
    pub(super) fn remove(&self, visitor: Visitor) {
        self.all().remove(visitor);
    }

    /// Who made a secret, as long as their copy is there.
    pub(super) fn maker(&self, secret: SecretHash) -> Option<Visitor> {
        self.all().makers.get(&secret).copied()
    }

    /// Every change under this lock is whole before anything can panic.
    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl All {
    /// Drops what was not used for `idle`, and what nobody has changed anything in, unless they are at it. Looks once a
    /// second at most.
    fn sweep(&mut self, now: Duration, idle: Duration) {
        if now < self.swept + Duration::from_secs(1) {
            return;
        }
        self.swept = now;
        let unused = |copy: &Copy| copy.bytes == 0 && Arc::strong_count(&copy.kept) == 1;
        let left = |copy: &Copy| copy.used + idle <= now || unused(copy);
        let gone: Vec<Visitor> = self
            .copies
            .iter()
            .filter(|(_, copy)| left(copy))
            .map(|(visitor, _)| *visitor)
            .collect();
        for visitor in gone {
            self.remove(visitor);
        }
    }

    /// Drops the oldest copies until the rest is within the limits.
    fn make_room(&mut self, limits: &Limits) {
        loop {
            let changed = || self.copies.iter().filter(|(_, copy)| copy.bytes > 0);
            let bytes: usize = changed().map(|(_, copy)| copy.bytes).sum();
            if changed().count() <= limits.copies && bytes <= limits.bytes {
                return;
            }
            let oldest = changed().min_by_key(|(_, copy)| copy.used);
            let Some(oldest) = oldest.map(|(visitor, _)| *visitor) else {
                return;
            };
            self.remove(oldest);
        }
    }

    fn remove(&mut self, visitor: Visitor) {
        let secrets = self.copies.remove(&visitor).map(|copy| copy.secrets);
        for secret in secrets.into_iter().flatten() {
            self.makers.remove(&secret);
        }
    }
}
