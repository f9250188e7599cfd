//! TLS connections to other services, with the certificates of the system.
//!
//! Used to fetch a JWK set. The certificates are read for each connection, which is rare: a renewed authority is trusted
//! without a restart, and no memory is held in between. `SSL_CERT_FILE` and `SSL_CERT_DIR` replace the certificates of
//! the system. Invariant: certificates and names are always checked.

use std::{io, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{InvalidDnsNameError, ServerName},
};
use tokio::{net::TcpStream, task};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// The reason why a TLS connection failed.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The system has no certificates of authorities.
    #[error(
        "no certificates of authorities found{0}; install ca-certificates, or set SSL_CERT_FILE"
    )]
    NoCertificates(String),
    /// The host cannot be the name in a certificate.
    #[error("the host is not valid: {0}")]
    Host(#[from] InvalidDnsNameError),
    /// The library rejects the configuration.
    #[error("TLS cannot be configured: {0}")]
    Configuration(#[from] rustls::Error),
    /// The handshake failed, for instance because of the certificate.
    #[error("the TLS handshake failed: {0}")]
    Handshake(io::Error),
    /// The certificates could not be read, because the process ends.
    #[error("the certificates were not read: {0}")]
    Interrupted(#[from] task::JoinError),
}

/// Returns the configuration of a client that trusts the authorities of the system. Blocks for some milliseconds.
///
/// # Errors
/// If no certificate is found.
pub fn client_config() -> Result<ClientConfig, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Ignores certificates that rustls cannot parse; a system has some.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let reason = found.errors.first();
        let reason = reason.map_or_else(String::new, |error| format!(": {error}"));
        return Err(TlsError::NoCertificates(reason));
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

/// Starts TLS on a connection to `host`, a name or an IP address.
///
/// # Errors
/// If the certificate of the server is not valid for `host`, or the handshake fails otherwise.
pub async fn connect(host: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>, TlsError> {
    let name = ServerName::try_from(host.to_owned())?;
    let config = task::spawn_blocking(client_config).await??;
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .map_err(TlsError::Handshake)
}
