//! `--listen`: reading it, the same for every command, and where a client on this machine finds who listens there.
//!
//! Used by `serve`, which binds it, by `healthcheck`, which asks it, and by the demo's greeting.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

/// Where the server listens.
#[derive(Debug, clap::Args)]
pub(super) struct ListenArgs {
    /// The address and port that the server listens on; port 0 takes a free one
    #[arg(
        long = "listen",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:3001",
        env = "LLAVERO_LISTEN",
        value_parser = parse
    )]
    pub(super) address: SocketAddr,
}

/// The address of `--listen`: `127.0.0.1:3001`, `[::]:3001`, or a host name, of which IPv4 comes first.
pub(super) fn parse(text: &str) -> Result<SocketAddr, String> {
    let addresses: Vec<SocketAddr> = text
        .to_socket_addrs()
        .map_err(|error| format!("{error}; write an address and a port, like 127.0.0.1:3001"))?
        .collect();
    let ipv4 = addresses.iter().find(|address| address.is_ipv4());
    let address = ipv4.or(addresses.first()).copied();
    address.ok_or_else(|| "the name resolves to no address".to_owned())
}

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
