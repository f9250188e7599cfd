//! Names of the demo's organizations, users and keys, the instant at which tests begin, and paths of the API.
//!
//! The ids are those of `fixtures/demo.json`; they are documented, so tests spell them out.

use llavero::model::Timestamp;

pub(crate) const ACME: &str = "550e8400-e29b-41d4-a716-446655440000";
pub(crate) const GLOBEX: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
pub(crate) const INITECH: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
pub(crate) const ANA: &str = "11111111-1111-4111-8111-111111111111";
pub(crate) const BETO: &str = "22222222-2222-4222-8222-222222222222";
pub(crate) const CARLA: &str = "33333333-3333-4333-8333-333333333333";
pub(crate) const DIEGO: &str = "44444444-4444-4444-8444-444444444444";
pub(crate) const EVA: &str = "55555555-5555-4555-8555-555555555555";
/// Acme Corp's busiest key.
pub(crate) const PRODUCTION: &str = "0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d01";
/// The secret of [`PRODUCTION`]; public, like all of the demo's.
pub(crate) const PRODUCTION_SECRET: &str = "sk_qBhy02hoi8ucTVyAmSRnraF4p0Azww0IZk3Q";
pub(crate) const GLOBEX_WEBSITE: &str = "0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d11";

/// Below the API's base path: Acme Corp's busiest key.
pub(crate) const PRODUCTION_PATH: &str =
    "/organizations/acme-corp/api-keys/0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d01";
/// Below the API's base path: Acme Corp's keys.
pub(crate) const KEYS_PATH: &str = "/organizations/acme-corp/api-keys";
/// Below the API's base path: Acme Corp's statistics.
pub(crate) const STATS_PATH: &str = "/organizations/acme-corp/api-keys/stats";

/// The database when no flag names one.
pub(crate) const DATABASE: &str = "llavero.db";

/// The files of a database that a server has stopped serving.
pub(crate) const STOPPED: [&str; 2] = [DATABASE, "llavero.db-lock"];

/// An HS256 secret for `--jwt-secret`.
pub(crate) const JWT_SECRET: &str = "a shared secret of more than 32 bytes";

/// Milliseconds.
pub(crate) const DAY: i64 = 86_400_000;

/// 2026-01-15T12:00:00.000Z, where the clock of every test begins.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_768_478_400_000);

/// `millis` after [`NOW`].
pub(crate) fn later(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() + millis)
}

/// `/api/organizations/ORGANIZATION/api-keys/KEY`
pub(crate) fn key_path(organization: &str, key: &str) -> String {
    format!("/api/organizations/{organization}/api-keys/{key}")
}

/// `/api/organizations/ORGANIZATION/api-keys/stats`
pub(crate) fn stats_path(organization: &str) -> String {
    key_path(organization, "stats")
}

/// `/api/organizations/ORGANIZATION/api-keys`
pub(crate) fn keys_path(organization: &str) -> String {
    format!("/api/organizations/{organization}/api-keys")
}
