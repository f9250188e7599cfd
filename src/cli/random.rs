//! The operating system's randomness: asked for here, handed to everything else as a parameter.

use super::Error;

/// `N` random bytes.
pub(super) fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that asks the system"
    )]
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::refused(format!(
            "cannot get random bytes from the operating system: {error}"
        ))
    })?;
    Ok(bytes)
}
