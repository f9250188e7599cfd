//! The window of one key: its successes, grouped into slots, and the decision about a request.
//!
//! Held by [`super::Limiter`], behind a lock. Slots are ordered by time, and `successes` is their sum.

use std::{collections::VecDeque, mem, time::Duration};

use super::{Decision, Moment, Slot};
use crate::model::MeteredLimit;

/// The successes of one key within its window, oldest first.
pub(super) struct Window {
    limit: MeteredLimit,
    slots: VecDeque<Slot>,
    successes: i64,
}

impl Window {
    /// Creates a window with the stored successes, oldest first.
    pub(super) fn new(limit: MeteredLimit, stored: Vec<Slot>) -> Self {
        Self {
            limit,
            successes: stored.iter().map(|slot| slot.successes).sum(),
            slots: stored.into(),
        }
    }

    /// Sets the limit. If it has changed, drops the successes that the new one does not count, and groups the others into
    /// its slots.
    pub(super) fn set_limit(&mut self, limit: MeteredLimit, at: Moment) {
        if self.limit == limit {
            return;
        }
        // A wall clock that was set back does not tell how long ago that was.
        let counts_after = limit.counts_after.filter(|after| *after <= at.now);
        if let Some(after) = counts_after
            && limit.counts_after != self.limit.counts_after
            && let Some(after) = at.elapsed.checked_sub(at.now.since(after))
        {
            self.drop_while(|slot| slot.last <= after);
        }
        let slots = mem::take(&mut self.slots);
        self.limit = limit;
        for slot in slots {
            self.push(slot);
        }
    }

    /// Decides about a request at `now` and counts it if admitted.
    pub(super) fn admit(&mut self, now: Duration) -> Decision {
        // Threads may get the lock in another order than they read the clock.
        let now = self.slots.back().map_or(now, |slot| slot.last.max(now));
        self.expire(now);
        let admitted = self.successes < self.limit.rate.limit();
        if admitted {
            self.successes += 1;
            self.push(Slot {
                last: now,
                successes: 1,
            });
        }
        self.decision(admitted, now)
    }

    /// Decides about a request at `now` without counting it.
    pub(super) fn peek(&mut self, now: Duration) -> Decision {
        let now = self.slots.back().map_or(now, |slot| slot.last.max(now));
        self.expire(now);
        self.decision(self.successes < self.limit.rate.limit(), now)
    }

    fn decision(&self, admitted: bool, now: Duration) -> Decision {
        let rate = self.limit.rate;
        let oldest = self.slots.front().map_or(now, |slot| slot.last);
        Decision {
            admitted,
            remaining: (rate.limit() - self.successes).max(0),
            reset: (oldest + rate.window()).saturating_sub(now),
            at: now,
        }
    }

    /// Returns whether every success has left the window.
    pub(super) fn has_ended(&self, now: Duration) -> bool {
        let window = self.limit.rate.window();
        self.slots
            .back()
            .is_none_or(|slot| slot.last + window <= now)
    }

    /// Drops successes that have left the window. A success counts for exactly the window's length.
    fn expire(&mut self, now: Duration) {
        let window = self.limit.rate.window();
        self.drop_while(|slot| slot.last + window <= now);
    }

    /// Drops the oldest slots while a condition holds.
    fn drop_while(&mut self, condition: impl Fn(&Slot) -> bool) {
        while let Some(slot) = self.slots.front()
            && condition(slot)
        {
            self.successes -= slot.successes;
            self.slots.pop_front();
        }
    }

    /// Appends successes, which the sum already counts, to the last slot or as a new one.
    fn push(&mut self, slot: Slot) {
        let start = |at| self.limit.rate.slot_start(at);
        match self.slots.back_mut() {
            Some(last) if start(last.last) == start(slot.last) => {
                last.last = slot.last;
                last.successes += slot.successes;
            }
            _ => self.slots.push_back(slot),
        }
    }

    /// Takes back a success at `at`. No-op once it has left the window.
    pub(super) fn refund(&mut self, at: Duration) {
        let rate = self.limit.rate;
        let start = rate.slot_start(at);
        let mut slots = self.slots.iter_mut();
        if let Some(slot) = slots.find(|slot| rate.slot_start(slot.last) == start) {
            slot.successes -= 1;
            self.successes -= 1;
            self.slots.retain(|slot| slot.successes > 0);
        }
    }
}
