//! Limits the number of connections, in total and per peer network.
//!
//! A connection *waits* from its accept until its first complete request head, and is *served* from then on. The
//! limits apply to both kinds together. A new connection always gets in: when a limit is exceeded, the oldest waiting
//! connection is evicted; as long as the total permits, it may still send its request for a moment. Served connections
//! are never evicted. When they alone reach a limit, a new connection may still send its request, and is refused then,
//! so that the client reads a 503 and not a reset.
//!
//! Called by [`super::slot`], which holds the lock. No I/O and no clock in here.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap, HashSet},
    net::{IpAddr, Ipv6Addr},
    num::NonZeroUsize,
};

/// Waiting connections that are admitted although served connections use up a limit.
const MIN_WAITING: usize = 64;

/// Connections at once that are refused; further ones are closed without a response.
const MAX_REFUSED: usize = 256;

/// The maximum number of connections.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// From all addresses.
    pub total: NonZeroUsize,
    /// From one address (IPv6: one /64); `None` for no limit.
    pub per_address: Option<NonZeroUsize>,
}

/// The unit of the limit per address: one IPv4 address, or one IPv6 /64, which is what one customer gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct PeerNetwork(IpAddr);

impl From<IpAddr> for PeerNetwork {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) => {
                let prefix = v6.to_bits() & !u128::from(u64::MAX);
                Ipv6Addr::from_bits(prefix).into()
            }
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

/// Identifies a connection; later ones have larger ids.
pub(super) type ConnectionId = u64;

/// The limit that a connection would exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exceeded {
    PerAddress,
    Total,
}

/// The decision on a connection, made at its first request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// Serve this request and the following ones.
    Serve,
    /// Respond 503 and close.
    Refuse(Exceeded),
    /// Close without a response.
    Drop,
}

/// A connection that was added, and those that it displaces.
#[derive(Debug)]
pub(super) struct Connected<T> {
    pub(super) id: ConnectionId,
    /// The handles of the connections to evict.
    pub(super) evicted: Vec<T>,
    /// Whether there is room to evict them a moment later, in case their requests are under way.
    pub(super) may_defer: bool,
}

/// All connections of a listener. `T` is the handle by which a waiting connection is evicted.
pub(super) struct ConnectionLimit<T> {
    limits: ConnectionLimits,
    next_id: ConnectionId,
    waiting: usize,
    served: usize,
    refused: usize,
    /// Evicted connections that still have a moment.
    deferred: HashSet<ConnectionId>,
    /// Networks without connections are removed.
    peers: HashMap<PeerNetwork, PeerConnections<T>>,
}

struct PeerConnections<T> {
    waiting: BTreeMap<ConnectionId, T>,
    served: usize,
}

impl<T> ConnectionLimit<T> {
    pub(super) fn new(limits: ConnectionLimits) -> Self {
        Self {
            limits,
            next_id: 0,
            waiting: 0,
            served: 0,
            refused: 0,
            deferred: HashSet::new(),
            peers: HashMap::new(),
        }
    }

    /// Adds a connection, which waits for its first request, and chooses the connections to evict.
    pub(super) fn connect(&mut self, peer: PeerNetwork, handle: T) -> Connected<T> {
        let id = self.next_id;
        self.next_id += 1;
        let of_peer = self.peers.entry(peer).or_default();
        of_peer.waiting.insert(id, handle);
        self.waiting += 1;

        let open = self.waiting + self.served + self.deferred.len();
        let may_defer = open <= self.limits.total.get();
        let mut evicted = Vec::new();
        let max_of_peer = max_waiting(self.limits.per_address, of_peer.served);
        while of_peer.waiting.len() > max_of_peer
            && let Some((id, oldest)) = of_peer.waiting.pop_first()
        {
            self.waiting -= 1;
            if may_defer {
                self.deferred.insert(id);
            }
            evicted.push(oldest);
        }
        let others = self.served + self.deferred.len();
        let max_in_total = max_waiting(Some(self.limits.total), others);
        while self.waiting > max_in_total
            && let Some(oldest) = self.evict(Some(id))
        {
            evicted.push(oldest);
        }
        Connected {
            id,
            evicted,
            may_defer,
        }
    }

    /// Decides on a connection that has sent its first request head. An evicted connection may be among them: its
    /// request arrived before the eviction took effect.
    pub(super) fn admit(&mut self, peer: PeerNetwork, id: ConnectionId) -> Admission {
        self.remove_waiting(peer, id);
        let of_peer = self.peers.get(&peer).map_or(0, |peer| peer.served);
        let per_address = self.limits.per_address.map(NonZeroUsize::get);
        let exceeded = if per_address.is_some_and(|limit| of_peer >= limit) {
            Exceeded::PerAddress
        } else if self.served >= self.limits.total.get() {
            Exceeded::Total
        } else {
            self.served += 1;
            self.peers.entry(peer).or_default().served += 1;
            return Admission::Serve;
        };
        if self.refused >= MAX_REFUSED {
            return Admission::Drop;
        }
        self.refused += 1;
        Admission::Refuse(exceeded)
    }

    /// Removes a connection; `admission` is what [`ConnectionLimit::admit`] returned, `None` if it never sent a
    /// request.
    pub(super) fn disconnect(
        &mut self,
        peer: PeerNetwork,
        id: ConnectionId,
        admission: Option<Admission>,
    ) {
        match admission {
            None => self.remove_waiting(peer, id),
            Some(Admission::Serve) => {
                self.served -= 1;
                if let Some(of_peer) = self.peers.get_mut(&peer) {
                    of_peer.served -= 1;
                }
                self.remove_if_empty(peer);
            }
            Some(Admission::Refuse(_)) => self.refused -= 1,
            Some(Admission::Drop) => {}
        }
    }

    /// Removes a waiting connection other than `except`, and returns its handle: the oldest of the network that has
    /// most of them. A flood from one network then costs no other network a connection.
    pub(super) fn evict(&mut self, except: Option<ConnectionId>) -> Option<T> {
        let oldest = self.peers.iter().filter_map(|(peer, of_peer)| {
            let (id, _) = of_peer.waiting.first_key_value()?;
            (Some(*id) != except).then_some((of_peer.waiting.len(), Reverse(*id), *peer))
        });
        let (_, Reverse(id), peer) = oldest.max_by_key(|(count, id, _)| (*count, *id))?;
        let handle = self.peers.get_mut(&peer)?.waiting.remove(&id);
        self.waiting -= 1;
        self.remove_if_empty(peer);
        handle
    }

    /// Removes a connection that waits or was evicted.
    fn remove_waiting(&mut self, peer: PeerNetwork, id: ConnectionId) {
        self.deferred.remove(&id);
        let of_peer = self.peers.get_mut(&peer);
        if of_peer.and_then(|peer| peer.waiting.remove(&id)).is_some() {
            self.waiting -= 1;
            self.remove_if_empty(peer);
        }
    }

    fn remove_if_empty(&mut self, peer: PeerNetwork) {
        let of_peer = self.peers.get(&peer);
        if of_peer.is_some_and(|peer| peer.served == 0 && peer.waiting.is_empty()) {
            self.peers.remove(&peer);
        }
    }
}

impl<T> Default for PeerConnections<T> {
    fn default() -> Self {
        Self {
            waiting: BTreeMap::new(),
            served: 0,
        }
    }
}

/// The number of waiting connections that `limit` permits beside `served` ones; never 0.
fn max_waiting(limit: Option<NonZeroUsize>, served: usize) -> usize {
    let Some(limit) = limit else {
        return usize::MAX;
    };
    match limit.get().saturating_sub(served) {
        0 => MIN_WAITING,
        left => left,
    }
}

#[cfg(test)]
mod tests;
