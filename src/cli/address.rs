//! The flag `--listen`, and the address at which a client on this machine reaches the server.
//!
//! Used by `serve`, which binds the address and prints it, and by `healthcheck`, which connects to it.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

/// The listen address.
#[derive(Debug, clap::Args)]
pub(super) struct ListenArgs {
    /// The address and port to listen on; port 0 selects a free port
    #[arg(
        long = "listen",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:3001",
        env = "LLAVERO_LISTEN",
        value_parser = parse
    )]
    pub(super) address: SocketAddr,
}

/// Parses an address: `127.0.0.1:3001`, `[::]:3001`, or a host name, for which IPv4 is preferred.
pub(super) fn parse(text: &str) -> Result<SocketAddr, String> {
    let addresses: Vec<SocketAddr> = text
        .to_socket_addrs()
        .map_err(|error| {
            format!("{error}; write an address and a port, for instance 127.0.0.1:3001")
        })?
        .collect();
    let ipv4 = addresses.iter().find(|address| address.is_ipv4());
    let address = ipv4.or(addresses.first()).copied();
    address.ok_or_else(|| "the host name does not resolve to an address".to_owned())
}

/// Replaces the unspecified address (`0.0.0.0`, `[::]`) by the loopback address, to which clients can connect.
pub(super) fn reachable(mut listening: SocketAddr) -> SocketAddr {
    if listening.ip().is_unspecified() {
        listening.set_ip(match listening {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    listening
}
