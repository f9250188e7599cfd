//! The demo's data at several instants of loading, as the API responds with it.

use llavero::{fixtures::Fixtures, model::Timestamp};

use crate::support::{ACME, ANA, DAY, TestApp, key_path};

/// The beginning, the middle and the end of a month, a leap day, and the end of a year.
const INSTANTS: [&str; 6] = [
    "2026-02-01T00:00:00.000Z",
    "2026-02-01T00:30:00.000Z",
    "2026-02-15T12:00:00.000Z",
    "2026-02-28T23:59:59.999Z",
    "2028-02-29T06:00:00.000Z",
    "2028-12-31T23:59:59.999Z",
];

#[tokio::test]
async fn demo_has_a_disabled_key_one_near_its_quota_and_one_that_expires_soon() {
    for instant in INSTANTS {
        let now = Timestamp::parse(instant).unwrap();
        let app = TestApp::with_seed(Fixtures::load().unwrap().seed(now)).await;
        app.set_clock(now);
        let key = async |end: &str| {
            let id = format!("0b7e5f7c-3d1a-4c56-9d0e-8a4b1f2c6d{end}");
            app.json(ANA, &key_path(ACME, &id)).await
        };

        assert_eq!(key("0a").await["status"], "disabled", "{instant}");

        let near = key("0b").await;
        assert_eq!(near["status"], "active", "{instant}");
        assert_eq!(near["quota"]["period"], "month", "{instant}");
        let (used, limit) = (&near["quota"]["used"], &near["quota"]["limit"]);
        let percent = used.as_i64().unwrap() * 100 / limit.as_i64().unwrap();
        assert_eq!(percent, 96, "{instant}");
        let last_used_at = near["lastUsedAt"].as_str().unwrap();
        assert!(last_used_at <= instant, "{instant}: {last_used_at}");

        let expiring = key("0c").await;
        assert_eq!(expiring["status"], "active", "{instant}");
        let expires_at = Timestamp::parse(expiring["expiresAt"].as_str().unwrap()).unwrap();
        let left = expires_at.as_millis() - now.as_millis();
        assert!((1..=14 * DAY).contains(&left), "{instant}: {left}");
        app.stop().await;
    }
}
