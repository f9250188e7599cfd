//! Tests of the decisions: who is evicted, served and refused, and that the counts return to zero.
//!
//! Connections are numbered from 0 in the order of their accept.

use super::*;

fn limits(total: usize, per_address: usize) -> ConnectionLimits {
    ConnectionLimits {
        total: NonZeroUsize::new(total).unwrap(),
        per_address: NonZeroUsize::new(per_address),
    }
}

fn peer(text: &str) -> PeerNetwork {
    text.parse::<IpAddr>().unwrap().into()
}

/// No connections are evicted.
const NONE: [ConnectionId; 0] = [];

/// Connections `0..`, each of which is its own handle.
struct Table(ConnectionLimit<ConnectionId>);

impl Table {
    fn new(total: usize, per_address: usize) -> Self {
        Self(ConnectionLimit::new(limits(total, per_address)))
    }

    /// Adds a silent connection; returns the evicted ones.
    fn wait(&mut self, peer: PeerNetwork) -> Vec<ConnectionId> {
        let handle = self.0.next_id;
        let connected = self.0.connect(peer, handle);
        assert_eq!(connected.id, handle);
        connected.evicted
    }

    /// Adds a connection that sends a request.
    fn request(&mut self, peer: PeerNetwork) -> (ConnectionId, Admission) {
        let id = self.0.next_id;
        self.wait(peer);
        (id, self.0.admit(peer, id))
    }
}

#[test]
fn peer_network_is_an_ipv4_address_or_an_ipv6_64() {
    assert_eq!(peer("192.0.2.1"), peer("::ffff:192.0.2.1"));
    assert_ne!(peer("192.0.2.1"), peer("192.0.2.2"));
    assert_eq!(peer("2001:db8:0:1::1"), peer("2001:db8:0:1:ffff::2"));
    assert_ne!(peer("2001:db8:0:1::1"), peer("2001:db8:0:2::1"));
}

#[test]
fn address_limit_evicts_its_oldest_waiting_connection() {
    let mut table = Table::new(100, 2);
    let (one, other) = (peer("192.0.2.1"), peer("192.0.2.2"));
    assert_eq!(table.wait(other), NONE);
    assert_eq!(table.wait(one), NONE);
    assert_eq!(table.wait(one), NONE);
    assert_eq!(table.wait(one), [1]);
    assert_eq!(table.wait(one), [2]);
}

#[test]
fn total_limit_evicts_from_the_address_with_most_waiting_connections() {
    let mut table = Table::new(4, 0);
    let (many, few) = (peer("192.0.2.1"), peer("192.0.2.2"));
    assert_eq!(table.wait(few), NONE);
    for _ in 0..3 {
        assert_eq!(table.wait(many), NONE);
    }
    assert_eq!(table.wait(peer("192.0.2.3")), [1]);
    assert_eq!(table.wait(peer("192.0.2.4")), [2]);
    // Now each has one: the oldest of all.
    assert_eq!(table.wait(peer("192.0.2.5")), [0]);
}

#[test]
fn newest_connection_is_not_evicted_for_itself() {
    let mut table = Table::new(2, 0);
    assert_eq!(table.request(peer("192.0.2.1")).1, Admission::Serve);
    assert_eq!(table.wait(peer("192.0.2.2")), NONE);
    assert_eq!(table.wait(peer("192.0.2.3")), [1]);
}

#[test]
fn served_connections_are_not_evicted_and_further_requests_are_refused() {
    let mut table = Table::new(3, 2);
    let (one, other) = (peer("192.0.2.1"), peer("192.0.2.2"));
    let (first, admission) = table.request(one);
    assert_eq!(admission, Admission::Serve);
    assert_eq!(table.request(one).1, Admission::Serve);
    let refused = Admission::Refuse(Exceeded::PerAddress);
    let (third, admission) = table.request(one);
    assert_eq!(admission, refused);
    assert_eq!(table.request(other).1, Admission::Serve);
    let (_, admission) = table.request(other);
    assert_eq!(admission, Admission::Refuse(Exceeded::Total));

    // A refused connection takes no room, a served one does until it is closed.
    table.0.disconnect(one, third, Some(refused));
    assert_eq!(table.request(one).1, refused);
    table.0.disconnect(one, first, Some(Admission::Serve));
    assert_eq!(table.request(one).1, Admission::Serve);
}

#[test]
fn waiting_connections_are_bounded_while_served_ones_use_up_the_limit() {
    let mut table = Table::new(100, 1);
    let one = peer("192.0.2.1");
    assert_eq!(table.request(one).1, Admission::Serve);
    for _ in 0..MIN_WAITING {
        assert_eq!(table.wait(one), NONE);
    }
    assert_eq!(table.wait(one), [1]);
}

#[test]
fn evicted_connection_whose_request_arrived_is_served_if_there_is_room() {
    let mut table = Table::new(100, 2);
    let one = peer("192.0.2.1");
    for _ in 0..3 {
        table.wait(one);
    }
    assert_eq!(table.0.admit(one, 0), Admission::Serve);
    assert_eq!(table.0.admit(one, 1), Admission::Serve);
    let refused = Admission::Refuse(Exceeded::PerAddress);
    assert_eq!(table.0.admit(one, 2), refused);
}

#[test]
fn eviction_is_deferred_while_the_total_permits() {
    let mut table = Table::new(4, 2);
    let one = peer("192.0.2.1");
    let evictions: Vec<_> = (0..6)
        .map(|id| table.0.connect(one, id))
        .map(|connected| (connected.evicted, connected.may_defer))
        .collect();
    let expected = [
        (vec![], true),
        (vec![], true),
        (vec![0], true),
        (vec![1], true),
        (vec![2], false),
        (vec![3], false),
    ];
    assert_eq!(evictions, expected);

    // Connection 0 is gone, and leaves room.
    table.0.disconnect(one, 0, None);
    let connected = table.0.connect(one, 6);
    assert_eq!((connected.evicted, connected.may_defer), (vec![4], true));
}

#[test]
fn deferred_evictions_count_against_the_total() {
    let mut table = Table::new(4, 2);
    let one = peer("192.0.2.1");
    for _ in 0..4 {
        table.wait(one);
    }
    // Two wait, two have a moment: another address takes the place of one that waits.
    assert_eq!(table.wait(peer("192.0.2.2")), [2]);
}

#[test]
fn refused_connections_are_bounded() {
    let mut table = Table::new(1, 0);
    let one = peer("192.0.2.1");
    table.request(one);
    for _ in 0..MAX_REFUSED {
        assert_eq!(table.request(one).1, Admission::Refuse(Exceeded::Total));
    }
    assert_eq!(table.request(one).1, Admission::Drop);
}

#[test]
fn table_is_empty_after_all_connections_closed() {
    let mut table = Table::new(2, 2);
    let (one, other) = (peer("192.0.2.1"), peer("192.0.2.2"));
    for peer in [one, one, one, other] {
        table.wait(peer);
    }
    let admissions: Vec<_> = (0..3).map(|id| table.0.admit(one, id)).collect();
    for (id, admission) in (0..).zip(admissions) {
        table.0.disconnect(one, id, Some(admission));
    }
    table.0.disconnect(other, 3, None);
    let counts = [table.0.waiting, table.0.served, table.0.refused];
    assert_eq!(counts, [0, 0, 0]);
    assert!(table.0.peers.is_empty() && table.0.deferred.is_empty());
}

#[test]
fn without_a_limit_per_address_the_total_decides() {
    let mut table = Table::new(600, 0);
    for _ in 0..600 {
        assert_eq!(table.request(peer("192.0.2.1")).1, Admission::Serve);
    }
    let (_, admission) = table.request(peer("192.0.2.1"));
    assert_eq!(admission, Admission::Refuse(Exceeded::Total));
}
