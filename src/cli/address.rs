//! Where a client on this machine finds a server that listens on an address.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// The address itself; for "all addresses", which none can connect to, the loopback one.
pub(super) fn reachable(mut listening: SocketAddr) -> SocketAddr {
    if listening.ip().is_unspecified() {
        listening.set_ip(match listening {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    listening
}
