//! Bearer tokens: verifies and signs them, and checks the trusted keys.
//!
//! Used by the API's bearer-token extractor and by `llavero token`. Pure: the time is a parameter, and no file is read.
//! jsonwebtoken verifies only the signature. The claims are checked here, because the library accepts several malformed
//! ones and reads the clock itself. Sources: RFC 7515, RFC 7519, RFC 8725.

mod claims;
mod error;
mod header;
mod jwk;
mod key;
mod key_set;
mod mint;
mod verify;

pub use claims::ExpectedClaims;
pub use error::TokenError;
pub use jwk::JwkError;
pub use key::{HmacSecret, KeyError, TrustedKey};
pub use key_set::{KeySet, KeySetError, MAX_KEY_SET_SIZE, ParsedKeySet, RejectedKey};
pub use mint::{MintError, NewToken, mint};
pub use verify::{MAX_TOKEN_LENGTH, Verifier};
