//! The output of `serve --demo` and `serve --sandbox`: a link to the dashboard, a bearer token for each user, and `curl`
//! commands to try.
//!
//! Called before the server accepts connections. The data itself is in [`crate::fixtures`] and [`crate::sandbox`].

use std::{fmt::Write, time::Duration};

use uuid::uuid;

use super::Error;
use crate::{
    dashboard,
    fixtures::UserFixture,
    model::{DEMO_CODE_TTL, OrganizationId, RandomToken, SignInCode, Timestamp},
    store::Store,
    token::{ExpectedClaims, HmacSecret, NewToken, mint},
};

/// The lifetime of the demo's tokens.
const TOKEN_TTL: Duration = Duration::from_hours(7 * 24);

/// Acme Corp, whose keys the `curl` commands read.
const ACME: OrganizationId = OrganizationId(uuid!("550e8400-e29b-41d4-a716-446655440000"));

/// The paths of the `curl` commands, relative to Acme Corp's keys.
const EXAMPLE_PATHS: [&str; 2] = ["0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d01", "stats?days=7"];

/// Printed in place of the tokens if the database contains other organizations.
pub(super) const NOT_LOADED: &str = "\nThe demo data was not loaded: the database contains other organizations. \
     Choose a new file with --database.\n";

/// Printed in place of the tokens if a public key is trusted, which cannot sign.
pub(super) const CANNOT_SIGN: &str = "\nThe server trusts public keys only, so it cannot sign tokens for the demo users. \
     Get tokens from the issuer, which has the private keys.\n";

/// Stores `code`, and returns a link that signs the first member of an organization in with it, as often as wanted. Empty
/// if the demo data was not loaded.
pub(super) async fn sign_in_link(
    store: &Store,
    users: Option<&[UserFixture]>,
    origin: &str,
    code: &RandomToken,
    now: Timestamp,
) -> Result<String, Error> {
    let mut users = users.unwrap_or_default().iter();
    let Some(user) = users.find(|user| !user.memberships.is_empty()) else {
        return Ok(String::new());
    };
    let stored = store.create_sign_in_code(
        SignInCode {
            hash: code.hash(),
            user: user.id.clone(),
            reusable: true,
            expires_at: now.after(DEMO_CODE_TTL),
        },
        now,
    );
    stored.await?;
    let (name, link) = (&user.name, dashboard::sign_in_link(origin, code));
    Ok(format!(
        "\nThe dashboard, as {name}, for 24 hours:\n{link}\n"
    ))
}

/// Returns tokens for the demo users, signed with `secret` and with the `expected` claims, and `curl` commands for the API
/// at the URL `api`.
pub(super) fn tokens(
    users: &[UserFixture],
    secret: &HmacSecret,
    expected: &ExpectedClaims,
    api: &str,
    now: Timestamp,
) -> Result<String, Error> {
    let token_for = |user: &UserFixture| {
        let token = NewToken {
            user: user.id.clone(),
            ttl: TOKEN_TTL,
            audience: expected.audience.clone(),
            issuer: expected.issuer.clone(),
            further_claims: serde_json::Map::new(),
        };
        mint(secret, &token, now)
    };
    let tokens: Vec<String> = users.iter().map(token_for).collect::<Result<_, _>>()?;
    let users = list_users(users.iter().zip(tokens.iter().map(String::as_str)), api);
    Ok(format!(
        "\nDemo users and their bearer tokens, valid for 7 days:\n{users}"
    ))
}

/// Returns each user with a token, and the `curl` commands.
pub(super) fn list_users<'a>(
    users: impl Iterator<Item = (&'a UserFixture, &'a str)>,
    api: &str,
) -> String {
    let mut tokens = String::new();
    let mut examples = String::new();
    for (user, token) in users {
        if examples.is_empty() {
            examples = curl_lines(api, user, token);
        }
        let memberships = user.memberships.iter();
        let memberships =
            memberships.map(|of| format!("{} of {}", of.role.as_str(), of.organization));
        let memberships = match memberships.collect::<Vec<_>>().join(", ") {
            memberships if memberships.is_empty() => "not a member of an organization".to_owned(),
            memberships => memberships,
        };
        // Writing to a string cannot fail.
        let _ = write!(tokens, "\n# {}, {memberships}\n{token}\n", user.name);
    }
    tokens + &examples
}

/// Returns the `curl` commands for a user. Empty if the user is not a member of Acme Corp.
fn curl_lines(api: &str, user: &UserFixture, token: &str) -> String {
    let mut memberships = user.memberships.iter();
    let Some(acme) = memberships.find(|of| of.organization_id == ACME) else {
        return String::new();
    };
    let keys = format!("{api}/organizations/{}/api-keys", acme.slug);
    let line = |path| format!("\ncurl '{keys}/{path}' -H 'Authorization: Bearer {token}'\n");
    format!("\nTry it:\n{}", EXAMPLE_PATHS.map(line).concat())
}
