//! Random updates: the store applies exactly what the model decides, and records exactly its events.

use llavero::model::{
    Actor, AuditEvent, AuditFilter, Description, Edit, ExternalId, KeyEvent, KeyId, KeyUpdate,
    Metadata, Name, OrganizationId, OrganizationRef, Quota, QuotaPeriod, RateLimit, Scopes,
    Timestamp,
};
use proptest::{collection::vec, option, prelude::*};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::support::{ACME, ANA, NOW, PRODUCTION, TestApp, later, stats_path};

fn edit<T: std::fmt::Debug + Clone + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Edit<T>> {
    prop_oneof![
        2 => Just(Edit::Keep),
        1 => Just(Edit::Remove),
        2 => value.prop_map(Edit::Set),
    ]
}

/// One of few texts, so that updates without an effect occur often.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ab]", "\\PC{1,100}"]
        .prop_filter("not only white space", |text| !text.trim().is_empty())
}

fn limits() -> impl Strategy<Value = (Edit<RateLimit>, Edit<Quota>)> {
    let rate_limit =
        (1..3i64, 1..3i64).prop_map(|(limit, window)| RateLimit::new(limit, window * 60).unwrap());
    let quota = (1..3i64, any::<bool>()).prop_map(|(limit, is_day)| {
        let period = if is_day {
            QuotaPeriod::Day
        } else {
            QuotaPeriod::Month
        };
        Quota::new(limit, period).unwrap()
    });
    (edit(rate_limit), edit(quota))
}

fn update() -> impl Strategy<Value = KeyUpdate> {
    let metadata = text().prop_map(|text| {
        let object = json!({ "a": text });
        Metadata::new(object.as_object().unwrap().clone()).unwrap()
    });
    let scopes = vec("[a-c]", 0..3).prop_map(|scopes| {
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        Scopes::new(&scopes).unwrap()
    });
    (
        option::of(text().prop_map(|text| Name::new(text).unwrap())),
        edit(text().prop_map(|text| Description::new(text).unwrap())),
        edit(text().prop_map(|text| ExternalId::new(text).unwrap())),
        edit(metadata),
        option::of(scopes),
        limits(),
        edit((1..4i64).prop_map(|seconds| later(seconds * 1000))),
        option::of(any::<bool>()),
    )
        .prop_map(
            |(
                name,
                description,
                external_id,
                metadata,
                scopes,
                (rate_limit, quota),
                expires_at,
                enabled,
            )| {
                KeyUpdate {
                    name,
                    description,
                    external_id,
                    metadata,
                    scopes,
                    rate_limit,
                    quota,
                    expires_at,
                    enabled,
                }
            },
        )
}

/// The key's events in the audit log.
async fn events(app: &TestApp, acme: OrganizationId) -> Vec<KeyEvent> {
    let log = app
        .store
        .audit_log(acme, AuditFilter::default())
        .await
        .unwrap();
    let event = |event| match event {
        AuditEvent::Key(key, event) => {
            assert_eq!(key.id, KeyId::parse(PRODUCTION).unwrap());
            event
        }
        other => panic!("{other:?}"),
    };
    log.into_iter().map(|entry| event(entry.event)).collect()
}

async fn check(updates: Vec<(KeyUpdate, i64)>) {
    let app = TestApp::demo().await;
    let id = KeyId::parse(PRODUCTION).unwrap();
    let acme = OrganizationId(ACME.parse().unwrap());
    let read = async |now| app.store.key_by_id(id, now).await.unwrap().unwrap();
    let (mut now, mut recorded) = (NOW, Vec::new());
    for (update, wait) in updates {
        now = Timestamp::from_millis(now.as_millis() + wait);
        app.set_clock(now);
        let before = read(now).await;
        let decided = update.decide(&before, now).unwrap();
        let organization = OrganizationRef::Id(acme);
        let stored = app
            .store
            .update_key(organization, Actor::Operator, id, update, now);
        let stored = stored.await.unwrap();
        assert_eq!(stored, read(now).await);
        assert_eq!(stored.settings(), decided.settings);
        assert_eq!(stored.disabled_at, decided.disabled_at);
        assert_eq!(stored.usage, before.usage);
        recorded.extend(decided.events());
        let stats = app.json(ANA, &stats_path(ACME)).await;
        assert_statuses_are_counted(&app, &stats, now);
    }
    assert_eq!(events(&app, acme).await, recorded);
    app.stop().await;
}

/// Compares the kept counts with the keys.
fn assert_statuses_are_counted(app: &TestApp, stats: &serde_json::Value, now: Timestamp) {
    let counted = "SELECT count(*) FILTER (WHERE revoked_at IS NULL AND expires_at <= ?2),
                          count(*) FILTER (WHERE revoked_at IS NULL AND disabled_at IS NOT NULL
                                             AND (expires_at IS NULL OR expires_at > ?2))
                     FROM api_keys
                    WHERE organization_id = ?1";
    let conn = app.other_connection();
    let parameters = (ACME, now.as_millis());
    let counted: (i64, i64) = conn
        .query_row(counted, parameters, |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    let kept = ["expiredKeys", "disabledKeys"].map(|field| stats[field].as_i64().unwrap());
    assert_eq!(kept, [counted.0, counted.1]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn store_applies_what_the_model_decides(updates in vec((update(), 0..1500i64), 1..10)) {
        Runtime::new().unwrap().block_on(check(updates));
    }
}
