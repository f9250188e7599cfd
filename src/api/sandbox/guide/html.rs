//! The start page of the sandbox: the guide as HTML, for browsers.
//!
//! Rendered from the same [`Guide`] that scripts get as JSON. The page has no script. Names in it may be any text;
//! `maud` escapes them.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use poem::{
    Response,
    http::{HeaderValue, header},
};

use super::{Guide, OperationOut, OrganizationOut, UserOut, VisitorsOut};
use crate::api::sandbox::prefer::MAX_DELAY;

const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// On a narrow screen, a table becomes a list: one cell per line.
const STYLE: &str = "
  :root { color-scheme: light dark; }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  code { font: 13px/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
  pre { background: #8882; padding: .6rem .8rem; margin: .4rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
  section { margin: 1.2rem 0; }
  h3 { font-size: 1rem; margin: 0; }
  summary { cursor: pointer; white-space: nowrap; }
  ul.plain { list-style: none; margin: 0; padding: 0; }
  table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
  th, td { border-bottom: 1px solid #8886; padding: .4rem .6rem .4rem 0; text-align: left; vertical-align: top; }
  @media (min-width: 48rem) { td:first-child { min-width: 19rem; } }
  @media (max-width: 48rem) {
    table, tbody, tr, td { display: block; }
    tr:has(th) { display: none; }
    tr { border-bottom: 1px solid #8886; padding: .6rem 0; }
    td { border: 0; padding: .1rem 0; }
  }
";

/// The page for a client that reaches the sandbox at `origin`.
pub(super) fn response(guide: &Guide, clock: &str, origin: &str) -> Response {
    Response::builder()
        .content_type("text/html; charset=utf-8")
        .header(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY)
        .body(page(guide, clock, origin).into_string())
}

fn page(guide: &Guide, clock: &str, origin: &str) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "llavero sandbox" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "llavero sandbox" }
                (introduction(guide, clock, origin))
                h2 { "Organizations" }
                table {
                    tr { th { "Organization" } th { "Purpose" } th { "Keys" } }
                    @for organization in &guide.organizations { (self::organization(organization)) }
                }
                h2 { "Users and tokens" }
                (tokens(guide))
                h2 { "Choose a response" }
                p {
                    "The " code { "Prefer" } " header selects a documented response for one request: by status, "
                    code { "Prefer: code=503" } ", by example, " code { "Prefer: example=revoked" }
                    ", or by both, separated by a comma. " code { "Prefer: delay=2" } " delays the response by 2 seconds. A delay may be up to "
                    (MAX_DELAY.as_secs()) " seconds, and can be combined with the others."
                }
                table {
                    tr { th { "Operation" } th { "Responses" } }
                    @for operation in &guide.operations { (self::operation(operation)) }
                }
                h2 { "Changes" }
                (changes(&guide.visitors))
            }
        }
    }
}

fn introduction(guide: &Guide, clock: &str, origin: &str) -> Markup {
    let first = guide.users.first();
    let request = first.and_then(|user| Some((user, user.reaches.first()?)));
    html! {
        p {
            "This is the real service on fixed data in memory. The data is the same at every start, and the clock shows "
            code { (clock) } "."
        }
        p {
            "See the " a href=(guide.reference) { "interactive reference" } ", the "
            a href=(guide.document) { "OpenAPI document" } ", or this page as JSON: "
            code { "curl " (origin) "/sandbox" }
        }
        @if let Some((user, request)) = request {
            pre { "curl '" (origin) (request.path) "' -H 'Authorization: Bearer " (user.token) "'" }
        }
    }
}

fn organization(organization: &OrganizationOut) -> Markup {
    html! {
        tr {
            td {
                b { (organization.name) }
                br; code { (organization.slug) }
                br; code { (organization.id) }
            }
            td { b { (organization.scenario) "." } " " (organization.about) }
            td {
                details {
                    summary { (organization.total_keys) " keys" }
                    @for key in &organization.keys {
                        p { (key.name) br; code { (key.id) } br; code { (key.secret) } }
                    }
                    @if organization.total_keys > organization.keys.len() {
                        p { "… and " (organization.total_keys - organization.keys.len()) " more" }
                    }
                }
            }
        }
    }
}

fn tokens(guide: &Guide) -> Markup {
    html! {
        p {
            "Send a token as " code { "Authorization: Bearer TOKEN" }
            ". These tokens never expire, and only a sandbox accepts them."
        }
        @for user in &guide.users { (self::user(user)) }
        section {
            h3 { "Expired token" }
            p { "The response is a 401." }
            pre { (guide.expired.token) }
        }
        p {
            "To sign other tokens, use " (guide.signing.algorithm) " with the secret " code { (guide.signing.secret) }
            ". A token must have the claims " code { "sub" } " and " code { "exp" } ". Leave out " code { "iat" } " and "
            code { "nbf" } ", because the clock may stand still."
        }
    }
}

fn user(user: &UserOut) -> Markup {
    let memberships: Vec<String> = user
        .memberships
        .iter()
        .map(|membership| format!("{} of {}", membership.role, membership.organization))
        .collect();
    html! {
        section {
            h3 { (user.name) }
            @if memberships.is_empty() {
                p { "Not a member of any organization" }
            } @else {
                p { (memberships.join(", ")) }
            }
            pre { (user.token) }
            details {
                summary { "Sample requests" }
                ul.plain {
                    @for request in &user.reaches {
                        li {
                            (request.status) " "
                            code {
                                (request.method) " " (request.path)
                                @if let Some(body) = &request.body { " " (body) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn operation(operation: &OperationOut) -> Markup {
    html! {
        tr {
            td { code { (operation.method) " " (operation.path) } }
            td {
                ul.plain {
                    @for answer in &operation.answers {
                        li { b { (answer.code) } " " (answer.examples.join(", ")) }
                    }
                }
            }
        }
    }
}

fn changes(visitors: &VisitorsOut) -> Markup {
    html! {
        p {
            "Your changes are visible to you only. The sandbox identifies you by the first of these that a request has:"
        }
        ol {
            li {
                "The header " code { (visitors.header) } ": any name of 1 to 128 letters, digits and "
                code { "-._~:/+=@" }
            }
            li { "The bearer token. The tokens above are public: other people may use them, too." }
            li { "The API key: its creator, or the owner of the organization that had the key from the start" }
        }
        p { "The sandbox drops your changes" }
        ul {
            li { "on " code { (visitors.reset) } "," }
            li { "after " (visitors.idle_seconds / 60) " minutes without a request from you," }
            li {
                "when it needs the room. It keeps the changes of " (visitors.most) " visitors, up to "
                (mebibytes(visitors.most_bytes)) " in all, and drops those that were unused for the longest time first."
            }
        }
        p {
            "The changes of one visitor may take " (mebibytes(visitors.most_bytes_each))
            ". Then the response to a change is a 507 until you reset."
        }
    }
}

fn mebibytes(bytes: usize) -> String {
    format!("{} MiB", bytes >> 20)
}
