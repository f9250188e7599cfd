//! Walks of random lists, compared with the filter and the order of the model.
//!
//! The keys are written by SQL, so that every combination of dates, equal instants and null values occurs. Between pages,
//! keys are created and used and time passes. Values are few and near the limits of the filters.

use std::sync::LazyLock;

use proptest::{collection::vec, option, prelude::*, sample::select};
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::page;
use crate::{
    model::{
        Actor, ApiKey, Choice, Direction, FilterText, KeyFilter, KeyId, KeyOrder, KeyPageRequest,
        KeyQuery, KeySort, KeyStatus, KeyUsage, OrganizationId, OrganizationRef, Timestamp, UserId,
    },
    store::sqlite::{keys, memory, query_plan_tests::in_memory},
};

const DAY: i64 = 86_400_000;
const NOW: i64 = 1000 * DAY;
const ORGANIZATIONS: [OrganizationId; 2] = [
    OrganizationId(Uuid::from_u128(1)),
    OrganizationId(Uuid::from_u128(2)),
];

/// A database without organizations; copying it is faster than creating one.
static EMPTY: LazyLock<Vec<u8>> = LazyLock::new(|| memory::serialize(&in_memory()).unwrap());

/// The columns of a key that lists depend on.
#[derive(Debug, Clone)]
struct Columns {
    organization: usize,
    id: u64,
    created_at: i64,
    dates: [Option<i64>; 3],
    last_used_at: Option<i64>,
    counts: (i64, i64),
    texts: (&'static str, Option<&'static str>),
    created_by: Option<&'static str>,
    external_id: Option<&'static str>,
}

/// An instant near one at which a key changes its status or usage.
fn instant() -> impl Strategy<Value = i64> {
    let days = select(vec![-31, -30, -1, 0, 1, 14, 30]);
    (days, -1..=1i64).prop_map(|(days, millis)| NOW + days * DAY + millis)
}

fn columns() -> impl Strategy<Value = Columns> {
    let dates = (
        option::weighted(0.3, instant()),
        option::weighted(0.6, instant()),
        option::weighted(0.3, instant()),
    );
    let texts = (
        select(vec![
            "Alpha",
            "aLPHA 2",
            "100 %",
            "under_score",
            "back\\slash",
            "Ñandú",
        ]),
        option::of(select(vec!["beta", "BETA", ""])),
    );
    let users = option::of(select(vec!["ana", "beto"]));
    let external_ids = option::of(select(vec!["customer-1", "customer-2"]));
    let used = (option::weighted(0.7, instant()), 1..4i64, 0..3i64);
    (
        proptest::bool::weighted(0.2),
        any::<u64>(),
        0..4i64,
        dates,
        used,
        texts,
        users,
        external_ids,
    )
        .prop_map(
            |(other, id, created_at, dates, used, texts, created_by, external_id)| Columns {
                organization: usize::from(other),
                id,
                created_at,
                dates: [dates.0, dates.1, dates.2],
                last_used_at: used.0,
                counts: used.0.map_or((0, 0), |_| (used.1, used.2)),
                texts,
                created_by,
                external_id,
            },
        )
}

fn all_of<T: Choice + std::fmt::Debug>() -> impl Strategy<Value = T> {
    select(T::ALL.to_vec())
}

fn query() -> impl Strategy<Value = KeyQuery> {
    let text = |texts: &[&str]| {
        let texts = texts.iter().filter_map(|text| FilterText::new(*text));
        option::weighted(0.2, select(texts.collect::<Vec<_>>()))
    };
    let filter = (
        option::weighted(0.4, all_of::<KeyStatus>()),
        option::weighted(0.3, all_of::<KeyUsage>()),
        option::weighted(0.3, select(vec![1, 14, 30, 365])),
        option::weighted(0.2, select(vec!["ana", "nobody"])),
        text(&["customer-1", "customer-", "CUSTOMER-1"]),
        text(&["alpha", "BETA", "%", "_", "\\", "ñ", "Ñ", "a 2"]),
    );
    (filter, all_of::<KeySort>(), all_of::<Direction>()).prop_map(|(filter, sort, direction)| {
        KeyQuery {
            filter: KeyFilter {
                status: filter.0,
                usage: filter.1,
                expires_within_days: filter.2,
                created_by: filter.3.and_then(UserId::new),
                external_id: filter.4,
                search: filter.5,
            },
            order: KeyOrder { sort, direction },
        }
    })
}

/// What happens between two pages, besides a creation and a use.
type Step = (Columns, usize, u32, i64);

struct World(Connection);

impl World {
    fn new(keys: &[Columns]) -> Self {
        let conn = memory::deserialize(&EMPTY, 1 << 24).unwrap();
        for organization in ORGANIZATIONS {
            let insert =
                "INSERT INTO organizations (id, slug, name, created_at) VALUES (?1, ?2, 'x', 0)";
            let slug = format!("o{}", organization.0.as_u128());
            conn.execute(insert, params![organization, slug]).unwrap();
        }
        let world = Self(conn);
        for key in keys {
            world.insert(key);
        }
        world
    }

    fn insert(&self, key: &Columns) {
        let insert = "INSERT OR IGNORE INTO api_keys (
                id, organization_id, secret_hash, preview, name, description, created_by, external_id, created_at,
                revoked_at, expires_at, disabled_at, last_used_at, successful_requests, rate_limit_hits)
             VALUES (?1, ?2, ?3, 'sk_...abcd', ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&key.id.to_be_bytes());
        let (name, description) = key.texts;
        let [revoked_at, expires_at, disabled_at] = key.dates;
        let (successful, hits) = key.counts;
        let values = params![
            KeyId(Uuid::from_u64_pair(key.id, 0)),
            ORGANIZATIONS[key.organization],
            hash,
            name,
            description,
            key.created_by,
            key.external_id,
            key.created_at,
            revoked_at,
            expires_at,
            disabled_at,
            key.last_used_at,
            successful,
            hits,
        ];
        self.0.execute(insert, values).unwrap();
    }

    /// Uses a key now, as the writer does.
    fn use_key(&self, id: KeyId, now: Timestamp) {
        let update = "UPDATE api_keys
                SET last_used_at = max(coalesce(last_used_at, 0), ?2), successful_requests = successful_requests + 1
              WHERE id = ?1";
        self.0.execute(update, params![id, now]).unwrap();
    }

    /// All keys of the first organization, read one by one.
    fn keys(&self, now: Timestamp) -> Vec<ApiKey> {
        let mut ids = self.0.prepare("SELECT id FROM api_keys").unwrap();
        let ids = ids.query_map([], |row| row.get(0)).unwrap();
        let keys = ids.map(|id| keys::by_id(&self.0, id.unwrap(), now).unwrap().unwrap());
        keys.filter(|key| key.organization == ORGANIZATIONS[0])
            .collect()
    }

    /// The list as the model defines it.
    fn expected(&self, query: &KeyQuery, now: Timestamp) -> Vec<ApiKey> {
        let mut keys = self.keys(now);
        keys.retain(|key| query.filter.matches(key, now));
        keys.sort_by(|a, b| query.order.compare(a, b));
        keys
    }

    /// Walks the list to its end. `between` is called after each page, and returns the size of the next page and the time.
    fn walk(
        &self,
        query: &KeyQuery,
        mut between: impl FnMut(&Self, usize) -> (u32, Timestamp),
    ) -> Vec<ApiKey> {
        let organization = OrganizationRef::Id(ORGANIZATIONS[0]);
        let mut listed = Vec::new();
        let mut after = None;
        for number in 0.. {
            let (limit, now) = between(self, number);
            let query = query.clone();
            let request = KeyPageRequest {
                query,
                after,
                limit,
                days: None,
            };
            let page = page(&self.0, &organization, &Actor::Operator, &request, now).unwrap();
            assert!(
                page.keys.len() <= limit as usize && number < 1000,
                "the walk does not end"
            );
            listed.extend(page.keys);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        listed
    }
}

fn ids(keys: &[ApiKey]) -> Vec<KeyId> {
    keys.iter().map(|key| key.id).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn pages_make_up_the_models_list(
        keys in vec(columns(), 0..30),
        query in query(),
        limits in vec(1..8u32, 1..6),
    ) {
        let world = World::new(&keys);
        let now = Timestamp::from_millis(NOW);
        let listed = world.walk(&query, |_, number| (limits[number % limits.len()], now));
        let expected = world.expected(&query, now);
        prop_assert_eq!(ids(&listed), ids(&expected));
        prop_assert_eq!(listed, expected);
    }

    #[test]
    fn walk_has_each_lasting_key_once_while_keys_are_created_and_used(
        keys in vec(columns(), 1..30),
        query in query(),
        steps in vec((columns(), any::<usize>(), 1..6u32, 0..2 * DAY), 40),
    ) {
        let world = World::new(&keys);
        let mut now = Timestamp::from_millis(NOW);
        let before = world.expected(&query, now);
        let mut changed = Vec::new();
        let mut matched_at = Vec::new();
        let listed = world.walk(&query, |world, number| {
            let (created, used, limit, passed): &Step = &steps[number % steps.len()];
            if number > 0 {
                now = Timestamp::from_millis(now.as_millis() + passed);
                world.insert(created);
                let all = world.keys(now);
                if let Some(used) = all.get(used % (all.len() * 2)) {
                    world.use_key(used.id, now);
                    changed.push(used.id);
                }
            }
            matched_at.push(ids(&world.expected(&query, now)));
            (*limit, now)
        });
        let lasting = |id: &KeyId| {
            !changed.contains(id) && matched_at.iter().all(|matched| matched.contains(id))
        };
        let expected: Vec<KeyId> = ids(&before).into_iter().filter(lasting).collect();
        let listed: Vec<KeyId> = ids(&listed).into_iter().filter(|id| expected.contains(id)).collect();
        prop_assert_eq!(listed, expected);
    }
}
