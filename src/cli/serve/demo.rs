//! What a start with `--demo` or `--sandbox` prints: everybody's token, and lines that work when they are pasted.
//!
//! What the demo holds is in [`crate::fixtures`], what the sandbox adds to it in [`crate::sandbox`].

use std::{fmt::Write, time::Duration};

use super::Error;
use crate::{
    fixtures::{Demo, DemoUser},
    model::Timestamp,
    token::{Expected, HmacSecret, NewToken, mint},
};

/// How long the demo's tokens are good for.
const TTL: Duration = Duration::from_hours(7 * 24);

/// What to try, under `/organizations/`.
const EXAMPLES: [&str; 2] = [
    "acme-corp/api-keys/0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d01",
    "acme-corp/api-keys/stats?days=7",
];

/// In place of the tokens when a public key is trusted, which cannot sign.
pub(super) const NO_SIGNER: &str =
    "\nTokens for the demo users come from whoever holds the private key.\n";

/// The demo's tokens, signed with `secret` and saying what is `expected`, for the API at the URL `api`.
pub(super) fn tokens(
    demo: &Demo,
    secret: &HmacSecret,
    expected: &Expected,
    api: &str,
    now: Timestamp,
) -> Result<String, Error> {
    let token_for = |user: &DemoUser| {
        let token = NewToken {
            user: user.id.clone(),
            ttl: TTL,
            audience: expected.audience.clone(),
            issuer: expected.issuer.clone(),
        };
        mint(secret, &token, now)
    };
    let users = demo.users();
    let tokens: Vec<String> = users.iter().map(token_for).collect::<Result<_, _>>()?;
    let people = greeting(users.iter().zip(tokens.iter().map(String::as_str)), api);
    Ok(format!(
        "\nDemo users and their bearer tokens, good for 7 days:\n{people}"
    ))
}

/// Each user and their token, and what the first of them may try.
pub(super) fn greeting<'a>(
    users: impl Iterator<Item = (&'a DemoUser, &'a str)>,
    api: &str,
) -> String {
    let mut tokens = String::new();
    let mut examples = String::new();
    for (user, token) in users {
        if examples.is_empty() {
            examples = curl_lines(api, token);
        }
        let memberships = user.memberships.iter();
        let memberships =
            memberships.map(|of| format!("{} of {}", of.role.as_str(), of.organization));
        let memberships = match memberships.collect::<Vec<_>>().join(", ") {
            none if none.is_empty() => "member of nothing".to_owned(),
            some => some,
        };
        // Writing to a string cannot fail.
        let _ = write!(tokens, "\n# {}, {memberships}\n{token}\n", user.name);
    }
    format!("{tokens}\nTry it:\n{examples}")
}

fn curl_lines(api: &str, token: &str) -> String {
    let line =
        |path| format!("\ncurl '{api}/organizations/{path}' -H 'Authorization: Bearer {token}'\n");
    EXAMPLES.map(line).concat()
}
