//! The second baseline: a minimal server for `GET …/{id}`, as one would write it in an hour. Runs as a separate process.
//!
//! axum, r2d2, rusqlite and jsonwebtoken, over the same database. It checks an HS256 token and the membership, and returns
//! the same bytes. It has no log, metrics, request ids, limits, timeouts, or documented errors.

use std::{env, sync::Arc};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
    routing::get,
};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use llavero::model::Clock;
use r2d2::Pool;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{OpenFlags, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{net::TcpListener, runtime::Runtime};

/// The argument that starts this server instead of the benchmark.
pub(crate) const FLAG: &str = "--minimal";

/// The environment variables with the path of the database and its signing secret.
pub(crate) const DATABASE: &str = "BENCH_DATABASE";
pub(crate) const SECRET: &str = "BENCH_SECRET";

const KEY: &str = "
    SELECT k.id, k.organization_id, k.preview, k.name, k.description, k.external_id, k.metadata, k.scopes,
           k.rate_limit, k.rate_window_seconds, k.successful_requests, k.rate_limit_hits, k.errors, k.created_by,
           k.created_at, k.last_used_at, k.expires_at, k.revoked_at, k.disabled_at
      FROM organizations AS o
      JOIN memberships AS m ON m.organization_id = o.id AND m.user_id = ?2
      JOIN api_keys AS k ON k.organization_id = o.id AND k.id = ?3
     WHERE o.slug = ?1";

struct App {
    pool: Pool<SqliteConnectionManager>,
    key: DecodingKey,
    validation: Validation,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    id: String,
    organization_id: String,
    preview: String,
    name: String,
    description: Option<String>,
    external_id: Option<String>,
    metadata: Value,
    status: &'static str,
    scopes: Value,
    rate_limit: Option<RateLimit>,
    quota: Option<()>,
    usage: Usage,
    created_by: Option<String>,
    created_at: Option<String>,
    last_used_at: Option<String>,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    previous_secret_expires_at: Option<()>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RateLimit {
    limit: i64,
    window_seconds: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Usage {
    total_requests: i64,
    successful_requests: i64,
    rate_limit_hits: i64,
    errors: i64,
}

pub(crate) fn serve() {
    let database = env::var(DATABASE).expect("the path of a database");
    let secret = env::var(SECRET).expect("its signing secret");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connections = SqliteConnectionManager::file(database).with_flags(flags);
    let pool = Pool::builder()
        .max_size(4)
        .test_on_check_out(false)
        .build(connections)
        .expect("a pool");
    let app = App {
        pool,
        key: DecodingKey::from_secret(secret.as_bytes()),
        validation: Validation::new(Algorithm::HS256),
    };
    let routes = Router::new()
        .route("/api/organizations/{organization}/api-keys/{id}", get(key))
        .with_state(Arc::new(app));
    Runtime::new().expect("a runtime").block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        println!("listening on http://{address}");
        axum::serve(listener, routes)
            .await
            .expect("a server that runs");
    });
}

async fn key(
    State(app): State<Arc<App>>,
    Path((organization, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, StatusCode> {
    let token = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        .ok_or(StatusCode::UNAUTHORIZED)?;
    let token = jsonwebtoken::decode::<Claims>(token, &app.key, &app.validation)
        .map_err(|_| StatusCode::UNAUTHORIZED)?;
    let conn = app
        .pool
        .get()
        .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let mut statement = conn
        .prepare_cached(KEY)
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let key = statement
        .query_row(params![organization, token.claims.sub, id], read)
        .map_err(|_| StatusCode::NOT_FOUND)?;
    let body = serde_json::to_string(&key).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(([(CONTENT_TYPE, "application/json; charset=utf-8")], body))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Key> {
    let json = |column| -> rusqlite::Result<Value> {
        let text = row.get_ref(column)?.as_str()?;
        Ok(serde_json::from_str(text).expect("stored JSON"))
    };
    let time = |column| -> rusqlite::Result<Option<String>> {
        let millis: Option<i64> = row.get(column)?;
        Ok(millis.map(|millis| {
            let time = Timestamp::from_millisecond(millis).expect("a stored instant");
            time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
        }))
    };
    let now = Clock::system().now().as_millis();
    let expires_at: Option<i64> = row.get(16)?;
    let (revoked, disabled): (Option<i64>, Option<i64>) = (row.get(17)?, row.get(18)?);
    let status = match (revoked, expires_at, disabled) {
        (Some(_), _, _) => "revoked",
        (None, Some(end), _) if end <= now => "expired",
        (None, _, Some(_)) => "disabled",
        _ => "active",
    };
    let (limit, window): (Option<i64>, Option<i64>) = (row.get(8)?, row.get(9)?);
    let (successful_requests, rate_limit_hits, errors): (i64, i64, i64) =
        (row.get(10)?, row.get(11)?, row.get(12)?);
    Ok(Key {
        id: row.get(0)?,
        organization_id: row.get(1)?,
        preview: row.get(2)?,
        name: row.get(3)?,
        description: row.get(4)?,
        external_id: row.get(5)?,
        metadata: json(6)?,
        status,
        scopes: json(7)?,
        rate_limit: limit.zip(window).map(|(limit, window_seconds)| RateLimit {
            limit,
            window_seconds,
        }),
        quota: None,
        usage: Usage {
            total_requests: successful_requests + rate_limit_hits + errors,
            successful_requests,
            rate_limit_hits,
            errors,
        },
        created_by: row.get(13)?,
        created_at: time(14)?,
        last_used_at: time(15)?,
        expires_at: time(16)?,
        revoked_at: time(17)?,
        previous_secret_expires_at: None,
    })
}
