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

use tokio::sync::{Mutex as TurnMutex, OwnedMutexGuard};

use super::{Limits, Visitor, changes::Changes};
use crate::model::{Clock, SecretHash};

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
}

/// What is kept of a copy between two visits.
#[derive(Default)]
pub(super) struct Kept {
    /// What differs from the world.
    pub(super) changes: Changes,
    /// How often something random was drawn.
    pub(super) drawn: u64,
    /// The secrets that were made.
    pub(super) secrets: Vec<SecretHash>,
}

impl Copies {
    pub(super) fn new(limits: Limits, time: Clock) -> Self {
        Self {
            limits,
            time,
            all: Mutex::default(),
        }
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
            }),
        };
        copy.used = now;
        Some(Arc::clone(&copy.kept))
    }

    /// Takes note of what a visit has changed. If there is too much now, the oldest copies go; so may this one have,
    /// meanwhile.
    pub(super) fn changed(&self, visitor: Visitor, kept: &OwnedMutexGuard<Kept>) {
        let mut all = self.all();
        let of_this_visit = OwnedMutexGuard::mutex(kept);
        let copy = all.copies.get_mut(&visitor);
        let Some(copy) = copy.filter(|copy| Arc::ptr_eq(&copy.kept, of_this_visit)) else {
            return;
        };
        copy.bytes = kept.changes.bytes();
        for secret in &kept.secrets {
            all.makers.insert(*secret, visitor);
        }
        all.make_room(&self.limits);
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
        self.copies.remove(&visitor);
        self.makers.retain(|_, maker| *maker != visitor);
    }
}
