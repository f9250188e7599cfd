//! What a start with `--demo` prints: everybody's token, and lines that work when they are pasted.
//!
//! Called by `serve` alone, with the secret that the server trusts; what the demo holds is in [`crate::demo`].

use std::{fmt::Write, time::Duration};

use super::Error;
use crate::{
    demo::Demo,
    model::{Timestamp, UserId},
    token::{Expected, HmacSecret, NewToken, mint},
};

/// How long the tokens are good for.
const TTL: Duration = Duration::from_hours(7 * 24);

/// What to try, under `/organizations/`.
const EXAMPLES: [&str; 2] = [
    "acme-corp/api-keys/0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d01",
    "acme-corp/api-keys/stats?days=7",
];

/// In place of the greeting when a public key is trusted, which cannot sign.
pub(super) const NO_SIGNER: &str =
    "\nTokens for the demo users come from whoever holds the private key.\n";

/// Tokens signed with `secret` that say what is `expected`, for the API at the URL `api`.
pub(super) fn greeting(
    demo: &Demo,
    secret: &HmacSecret,
    expected: &Expected,
    api: &str,
    now: Timestamp,
) -> Result<String, Error> {
    let token_for = |user: &UserId| {
        let token = NewToken {
            user: user.clone(),
            ttl: TTL,
            audience: expected.audience.clone(),
            issuer: expected.issuer.clone(),
        };
        mint(secret, &token, now).map_err(|error| Error::refused(format!("cannot sign: {error}")))
    };
    let mut tokens = String::new();
    let mut examples = String::new();
    for user in demo.users() {
        let token = token_for(&user.id)?;
        if examples.is_empty() {
            examples = curl_lines(api, &token);
        }
        let memberships = match user.memberships.join(", ") {
            none if none.is_empty() => "member of nothing".to_owned(),
            some => some,
        };
        // Writing to a string cannot fail.
        let _ = write!(tokens, "\n# {}, {memberships}\n{token}\n", user.name);
    }
    Ok(format!(
        "\nDemo users and their bearer tokens, good for 7 days:\n{tokens}\nTry it:\n{examples}"
    ))
}

fn curl_lines(api: &str, token: &str) -> String {
    let line =
        |path| format!("\ncurl '{api}/organizations/{path}' -H 'Authorization: Bearer {token}'\n");
    EXAMPLES.map(line).concat()
}
