//! A connection's place under the connection limits.
//!
//! [`Slots`] is the shared table of a listener. A connection holds its [`Slot`] from its accept until its socket is
//! closed, lingering included; dropping it makes room for another connection.

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::connection_limit::{
    Admission, ConnectionId, ConnectionLimit, ConnectionLimits, Exceeded, PeerNetwork,
};

/// The time from its accept that a connection has for its first request, if the limits permit, before it is evicted: in
/// a burst of connections, the requests come a moment later.
const FIRST_REQUEST_GRACE: Duration = Duration::from_secs(1);

type Table = ConnectionLimit<Arc<Eviction>>;

/// The connections of a listener. Clones share them.
#[derive(Clone)]
pub(super) struct Slots(Arc<Mutex<Table>>);

/// One connection among them.
pub(super) struct Slot {
    slots: Slots,
    peer: PeerNetwork,
    id: ConnectionId,
    accepted_at: Instant,
    /// Decided at the first request.
    admission: OnceLock<Admission>,
    eviction: Arc<Eviction>,
}

/// The signal to close a connection before its first request.
#[derive(Default)]
pub(super) struct Eviction {
    is_due: AtomicBool,
    signal: Notify,
}

/// Marks a request, in its data, whose connection exceeds a limit: the response is a 503.
#[derive(Debug, Clone, Copy)]
pub(in crate::api) struct Refused(Exceeded);

impl Slots {
    pub(super) fn new(limits: ConnectionLimits) -> Self {
        Self(Arc::new(Mutex::new(ConnectionLimit::new(limits))))
    }

    /// Counts a new connection from `address`, and evicts others if there are too many now.
    pub(super) fn take(&self, address: IpAddr) -> Slot {
        let peer = PeerNetwork::from(address);
        let eviction = Arc::<Eviction>::default();
        // Signals under the lock: a connection that is admitted afterwards voids its signal.
        let mut table = self.lock();
        let connected = table.connect(peer, Arc::clone(&eviction));
        for evicted in connected.evicted {
            evicted.signal(connected.may_defer);
        }
        drop(table);
        Slot {
            slots: self.clone(),
            peer,
            id: connected.id,
            accepted_at: Instant::now(),
            admission: OnceLock::new(),
            eviction,
        }
    }

    /// Evicts a connection that has not sent a request yet, if there is one.
    pub(super) fn evict_oldest(&self) {
        let mut table = self.lock();
        if let Some(connection) = table.evict(None) {
            connection.signal(false);
        }
        drop(table);
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Decides at the connection's first request whether this and the following ones are served.
    pub(super) fn admit(&self) -> Admission {
        *self.admission.get_or_init(|| {
            let admission = self.slots.lock().admit(self.peer, self.id);
            // No longer among those that can be evicted; an earlier signal is void.
            self.eviction.is_due.store(false, Ordering::Relaxed);
            admission
        })
    }

    pub(super) fn eviction(&self) -> &Arc<Eviction> {
        &self.eviction
    }

    /// Resolves when the connection is evicted and has not sent a request. Its stream fails from then on.
    pub(super) async fn evicted(&self) {
        self.eviction.signal.notified().await;
        if !self.eviction.is_due() {
            sleep_until(self.accepted_at + FIRST_REQUEST_GRACE).await;
            if self.admission.get().is_some() {
                return std::future::pending().await;
            }
            self.eviction.is_due.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let admission = self.admission.get().copied();
        self.slots.lock().disconnect(self.peer, self.id, admission);
    }
}

impl Eviction {
    /// Evicts the connection, at once or after its grace.
    fn signal(&self, is_deferred: bool) {
        self.is_due.store(!is_deferred, Ordering::Relaxed);
        self.signal.notify_one();
    }

    /// Whether the stream of the connection is to fail.
    pub(super) fn is_due(&self) -> bool {
        self.is_due.load(Ordering::Relaxed)
    }
}

impl From<Exceeded> for Refused {
    fn from(exceeded: Exceeded) -> Self {
        Self(exceeded)
    }
}

impl Refused {
    /// The cause for the log.
    pub(in crate::api) fn cause(self) -> &'static str {
        match self.0 {
            Exceeded::PerAddress => "more connections than --max-connections-per-address",
            Exceeded::Total => "more connections than --max-connections",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    fn slots() -> Slots {
        Slots::new(ConnectionLimits {
            total: NonZeroUsize::MIN,
            per_address: None,
        })
    }

    #[test]
    fn slot_is_evicted_for_a_newer_one_until_it_has_sent_a_request() {
        let slots = slots();
        let address = [192, 0, 2, 1].into();
        let silent = slots.take(address);
        let active = slots.take(address);
        assert!(silent.eviction.is_due());
        assert_eq!(active.admit(), Admission::Serve);
        let newer = slots.take(address);
        assert!(!active.eviction.is_due());
        assert_eq!(newer.admit(), Admission::Refuse(Exceeded::Total));
    }

    #[test]
    fn slot_whose_eviction_is_deferred_can_still_send_its_request() {
        let slots = Slots::new(ConnectionLimits {
            total: NonZeroUsize::new(4).unwrap(),
            per_address: Some(NonZeroUsize::MIN),
        });
        let address = [192, 0, 2, 1].into();
        let (first, second) = (slots.take(address), slots.take(address));
        assert!(!first.eviction.is_due());
        assert_eq!(first.admit(), Admission::Serve);
        let refused = Admission::Refuse(Exceeded::PerAddress);
        assert_eq!(second.admit(), refused);
    }

    #[test]
    fn slot_makes_room_when_it_is_dropped() {
        let slots = slots();
        let address = [192, 0, 2, 1].into();
        for _ in 0..3 {
            assert_eq!(slots.take(address).admit(), Admission::Serve);
        }
    }

    #[test]
    fn evict_oldest_without_connections_does_nothing() {
        slots().evict_oldest();
    }
}
