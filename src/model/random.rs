//! The source of randomness: the operating system, or a function for tests and the sandbox.
//!
//! Only [`Random::system`] reads the operating system's generator. aws-lc's own generator is not used, because it
//! gathers entropy for 25 ms at first use. On Linux, the system call is made directly: the crate `getrandom` looks the
//! C function up at run time, does not find it in a static binary, and then needs `/dev`.

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
        Self::from_fn(|bytes| fill(bytes).map_err(|error| RandomError(error.to_string())))
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

/// Fills `bytes` from the operating system's generator.
#[cfg(target_os = "linux")]
#[expect(
    clippy::disallowed_methods,
    reason = "the only place that reads the system's generator"
)]
fn fill(mut bytes: &mut [u8]) -> std::io::Result<()> {
    use rustix::{
        io::Errno,
        rand::{GetRandomFlags, getrandom},
    };
    while !bytes.is_empty() {
        match getrandom(&mut *bytes, GetRandomFlags::empty()) {
            Ok(length) => bytes = bytes.get_mut(length..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Fills `bytes` from the operating system's generator.
#[cfg(not(target_os = "linux"))]
#[expect(
    clippy::disallowed_methods,
    reason = "the only place that reads the system's generator"
)]
fn fill(bytes: &mut [u8]) -> Result<(), getrandom::Error> {
    getrandom::fill(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_fills_buffers_of_every_length() {
        let random = Random::system();
        // The odds that 64 random bytes end with 8 zeros are 1 to 2^64.
        assert_ne!(random.bytes::<64>().unwrap()[56..], [0; 8]);
        assert_ne!(random.bytes::<100_000>().unwrap()[99_992..], [0; 8]);
        assert_eq!(random.bytes::<0>().unwrap(), [0; 0]);
    }
}
