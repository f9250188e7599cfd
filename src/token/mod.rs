//! Bearer tokens: which key is trusted, who a token speaks for, and minting one.
//!
//! Used by the API's door and by `llavero token`. Pure: the time comes in, nothing is read or stored. What
//! jsonwebtoken is asked for is the signature alone; the claims are checked here, because the library lets
//! several malformed ones pass and reads its own clock. Sources: RFC 7515, RFC 7519, RFC 8725.

mod claims;
mod header;
mod mint;
mod trust;
mod verify;

pub use claims::Expected;
pub use mint::{MintError, NewToken, mint};
pub use trust::{HmacSecret, KeyError, TrustedKey};
pub use verify::{TokenError, Verifier};
