//! Bearer tokens: which key is trusted, who a token speaks for, and minting one.
//!
//! Used by the API's door and by `llavero token`. Pure: the time comes in, nothing is read or stored. What
//! jsonwebtoken is asked for is the signature alone; the claims are checked here, because the library lets
//! several malformed ones pass and reads its own clock. Sources: RFC 7515, RFC 7519, RFC 8725.

mod claims;
mod header;
mod key;
mod mint;
mod verify;

pub use claims::ExpectedClaims;
pub use key::{HmacSecret, KeyError, TrustedKey};
pub use mint::{MintError, NewToken, mint};
pub use verify::{TokenError, Verifier};
