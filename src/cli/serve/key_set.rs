//! The verifier of bearer tokens, and the source of its JWK set: a URL that is fetched, or a file that is read.
//!
//! Called by [`super::database`]. SIGHUP fetches the URL or reads the file again. Invariant: a file that cannot be read, or
//! has no usable key, leaves the set as it is.

use std::{path::PathBuf, sync::Arc};

use tokio::task::{self, JoinSet};

use crate::{
    cli::{
        Error,
        signal::Hangups,
        token_key::{self, ConfiguredKeySet, TokenKeySource},
    },
    key_set::{self, KeySetSource},
    metrics::KeySetMetrics,
    model::Clock,
    store::Store,
    token::{ExpectedClaims, HmacSecret, ParsedKeySet, TrustedKey, Verifier},
};

/// The verifier of tokens, and the secret that signs them.
pub(super) struct TokenKeys {
    pub(super) verifier: Arc<Verifier>,
    /// The secret that the verifier trusts. Only an issuer has the private keys of public ones.
    pub(super) signer: Option<HmacSecret>,
    reloading: Option<Reloading>,
}

/// A JWK set, and the signal to load it again.
enum Reloading {
    File(KeySetFile, ParsedKeySet, Hangups),
    Url(KeySetSource, Hangups),
}

/// A JWK set in a file.
struct KeySetFile {
    path: PathBuf,
    verifier: Arc<Verifier>,
    metrics: KeySetMetrics,
}

impl TokenKeys {
    /// Creates the verifier for the keys that the flags select. Receives SIGHUP from now on, if there is a JWK set.
    pub(super) async fn new(
        source: TokenKeySource,
        expected: ExpectedClaims,
        store: &Store,
        clock: &Clock,
    ) -> Result<Self, Error> {
        let secret = match source {
            TokenKeySource::PublicKey(key) => {
                return Ok(Self {
                    verifier: Arc::new(Verifier::new(key, expected)),
                    signer: None,
                    reloading: None,
                });
            }
            TokenKeySource::KeySet(set, secret) => {
                return Self::with_key_set(set, secret, expected, store, clock);
            }
            TokenKeySource::Secret(secret) => secret,
            TokenKeySource::Database => HmacSecret::from(store.signing_secret().await?),
        };
        let trusted = TrustedKey::from_secret(&secret);
        Ok(Self {
            verifier: Arc::new(Verifier::new(trusted, expected)),
            signer: Some(secret),
            reloading: None,
        })
    }

    fn with_key_set(
        set: ConfiguredKeySet,
        secret: Option<HmacSecret>,
        expected: ExpectedClaims,
        store: &Store,
        clock: &Clock,
    ) -> Result<Self, Error> {
        let trusted = secret.as_ref().map(TrustedKey::from_secret);
        let verifier = Arc::new(Verifier::with_key_set(trusted, expected));
        let hangups = Hangups::new()?;
        let reloading = match set {
            ConfiguredKeySet::Url(url) => {
                let (store, clock) = (store.clone(), clock.clone());
                let source = KeySetSource::new(url, Arc::clone(&verifier), store, clock);
                Reloading::Url(source, hangups)
            }
            ConfiguredKeySet::File(path, content) => {
                let file = KeySetFile {
                    path,
                    verifier: Arc::clone(&verifier),
                    metrics: store.metrics().key_set.clone(),
                };
                Reloading::File(file, content, hangups)
            }
        };
        Ok(Self {
            verifier,
            signer: secret,
            reloading: Some(reloading),
        })
    }

    /// Returns the source for requests that wait for a fetch, if the set has a URL.
    pub(super) fn source(&self) -> Option<KeySetSource> {
        match &self.reloading {
            Some(Reloading::Url(source, _)) => Some(source.clone()),
            _ => None,
        }
    }

    /// Uses the JWK set at hand, and starts the tasks that keep it current.
    pub(super) async fn start(self, background: &mut JoinSet<()>) {
        match self.reloading {
            Some(Reloading::File(file, content, hangups)) => {
                file.install(content);
                background.spawn(file.read_after_each(hangups));
            }
            Some(Reloading::Url(source, mut hangups)) => {
                let has_set = source.use_stored_set().await;
                if !has_set {
                    // The first requests would have to wait as well.
                    source.wait_for_set().await;
                }
                background.spawn(source.clone().run());
                background.spawn(async move {
                    loop {
                        hangups.next().await;
                        tracing::info!("SIGHUP: the JWK set is fetched");
                        source.request_fetch();
                    }
                });
            }
            None => {}
        }
    }
}

impl KeySetFile {
    fn install(&self, content: ParsedKeySet) {
        self.metrics.fetched(true);
        key_set::install(&self.verifier, content, None, &self.metrics);
    }

    /// Reads the file after each SIGHUP. Never ends.
    async fn read_after_each(self, mut hangups: Hangups) {
        loop {
            hangups.next().await;
            tracing::info!(file = %self.path.display(), "SIGHUP: the JWK set is read");
            let path = self.path.clone();
            let content = task::spawn_blocking(move || token_key::read_key_set(&path));
            match content.await {
                Ok(Ok(content)) => self.install(content),
                Ok(Err(error)) => self.log_failure(&error.to_string()),
                Err(error) => self.log_failure(&error.to_string()),
            }
        }
    }

    fn log_failure(&self, error: &str) {
        self.metrics.fetched(false);
        tracing::error!(error, "the JWK set cannot be read; the last one is used");
    }
}
