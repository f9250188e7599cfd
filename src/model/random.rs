//! The source of randomness: the operating system, or a function for tests and the sandbox.
//!
//! Only [`Random::system`] reads the operating system's generator. aws-lc's own generator is not used, because it
//! gathers entropy for 25 ms at first use.

use std::sync::Arc;

use uuid::{Builder, Uuid};

/// The operating system returned no random bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the operating system returned no random bytes: {0}")]
pub struct RandomError(String);

type Fill = dyn Fn(&mut [u8]) -> Result<(), RandomError> + Send + Sync;

/// A source of random bytes. Clones share it.
#[derive(Clone)]
pub struct Random(Arc<Fill>);

impl Random {
    /// Creates a source that reads the operating system's generator, which is suitable for secrets.
    #[must_use]
    pub fn system() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the only place that reads the system's generator"
        )]
        Self::from_fn(|bytes| {
            getrandom::fill(bytes).map_err(|error| RandomError(error.to_string()))
        })
    }

    /// Creates a source that calls `fill` for every buffer.
    #[must_use]
    pub fn from_fn(
        fill: impl Fn(&mut [u8]) -> Result<(), RandomError> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(fill))
    }

    /// Returns `N` random bytes.
    ///
    /// # Errors
    /// If the operating system does not return random bytes.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], RandomError> {
        let mut bytes = [0; N];
        (self.0)(&mut bytes)?;
        Ok(bytes)
    }

    /// Returns a random UUID, version 4 (RFC 9562, section 5.4).
    ///
    /// # Errors
    /// If the operating system does not return random bytes.
    pub fn uuid(&self) -> Result<Uuid, RandomError> {
        Ok(Builder::from_random_bytes(self.bytes()?).into_uuid())
    }
}
