//! Where randomness comes from: the operating system, or whatever a test or a repeatable deployment says.
//!
//! Nothing in this crate asks the system but [`Random::system`]. aws-lc has a generator of its own, which first
//! spends 25 ms on gathering entropy.

use std::sync::Arc;

use uuid::{Builder, Uuid};

/// The operating system gave no random bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no random bytes: {0}")]
pub struct RandomError(String);

type Fill = dyn Fn(&mut [u8]) -> Result<(), RandomError> + Send + Sync;

/// A source of random bytes. Clones share it.
#[derive(Clone)]
pub struct Random(Arc<Fill>);

impl Random {
    /// The operating system's generator, fit for secrets.
    #[must_use]
    pub fn system() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that asks the system"
        )]
        Self::from_fn(|bytes| {
            getrandom::fill(bytes).map_err(|error| RandomError(error.to_string()))
        })
    }

    /// A source that fills with what `fill` writes.
    #[must_use]
    pub fn from_fn(
        fill: impl Fn(&mut [u8]) -> Result<(), RandomError> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(fill))
    }

    /// `N` random bytes.
    ///
    /// # Errors
    /// When the operating system has none.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], RandomError> {
        let mut bytes = [0; N];
        (self.0)(&mut bytes)?;
        Ok(bytes)
    }

    /// A random UUID, version 4 (RFC 9562, section 5.4).
    ///
    /// # Errors
    /// When the operating system has no random bytes.
    pub fn uuid(&self) -> Result<Uuid, RandomError> {
        Ok(Builder::from_random_bytes(self.bytes()?).into_uuid())
    }
}
