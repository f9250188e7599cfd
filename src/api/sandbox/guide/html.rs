//! The start page of the sandbox: the guide as HTML, for browsers.
//!
//! Rendered from the same [`Guide`] that programs get as JSON. The page is complete without its script, which adds buttons
//! that copy a text and that send a request. Names in it may be any text; `maud` escapes them.

use maud::{DOCTYPE, Markup, html};
use poem::{
    Response,
    http::{HeaderValue, header},
};

use super::{
    AnswerOut, Guide, OperationOut, OrganizationOut, SampleRequestOut, UserOut, VisitorsOut,
};
use crate::api::{pages::markup, sandbox::prefer::MAX_DELAY};

/// Permits the stylesheet, and the script, which sends the examples to this server.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

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
                (markup::head("Sandbox"))
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                header.top {
                    div.width {
                        a.brand href="/sandbox" { "llavero" }
                        nav.parts aria-label="Documentation" {
                            a href=(guide.reference) { "Reference" }
                            a href=(guide.document) { "OpenAPI" }
                        }
                    }
                }
                main #content .width tabindex="-1" {
                    div.title { h1 { "Sandbox" } }
                    (introduction(guide, clock, origin))
                    section { h2 { "Users and tokens" } (tokens(guide)) }
                    section {
                        h2 { "Organizations" }
                        @for organization in &guide.organizations { (self::organization(organization)) }
                    }
                    section { h2 { "Choose a response" } (choices(&guide.operations)) }
                    section { h2 { "Changes" } (changes(&guide.visitors)) }
                }
            }
        }
    }
}

fn introduction(guide: &Guide, clock: &str, origin: &str) -> Markup {
    let first = guide.users.first();
    let request = first.and_then(|user| Some((user, user.reaches.first()?)));
    html! {
        section {
            p {
                "This is the real service on fixed data in memory. The data is the same at every start, and the clock shows "
                code.whole { (clock) } "."
            }
            @if let Some((user, request)) = request {
                p { "The first request, as " (user.name) ":" }
                (copyable("the command", &format!(
                    "curl '{origin}{}' \\\n  -H 'Authorization: Bearer {}'", request.path, user.token
                )))
            }
            p { "This page as JSON:" }
            (copyable("the command for this page", &format!("curl {origin}/sandbox")))
        }
    }
}

/// A text that the script adds a button to, which copies it. Screen readers read `name` with the button.
fn copyable(name: &str, text: &str) -> Markup {
    html! { div.copy data-copy=(name) { pre { code { (text) } } } }
}

fn organization(organization: &OrganizationOut) -> Markup {
    html! {
        article.entry {
            h3 { (organization.name) }
            p.soft { code { (organization.slug) } " · " code { (organization.id) } }
            p { b { (organization.scenario) "." } " " (organization.about) }
            @if organization.total_keys > 0 {
                details {
                    summary { "Keys: " (organization.total_keys) }
                    @for key in &organization.keys {
                        p { (key.name) br; code.soft { (key.id) } }
                        (copyable(&format!("the secret of {}", key.name), &key.secret))
                    }
                    @if organization.total_keys > organization.keys.len() {
                        p.soft { "… and " (organization.total_keys - organization.keys.len()) " more" }
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
        article.entry data-token=(guide.expired.token) {
            h3 { "Expired token" }
            p.soft { "The response is a 401." }
            (copyable("the expired token", &guide.expired.token))
            (requests(&guide.expired.reaches))
        }
        p.entry {
            "To sign other tokens, use " (guide.signing.algorithm) " with the secret " code { (guide.signing.secret) }
            ". A token must have the claims " code { "sub" } " and " code { "exp" } ". Leave out " code { "iat" } " and "
            code { "nbf" } ", because the clock may stand still."
        }
    }
}

fn user(user: &UserOut) -> Markup {
    html! {
        article.entry data-token=(user.token) {
            h3 { (user.name) }
            @if user.memberships.is_empty() {
                p.soft { "Not a member of any organization" }
            } @else {
                @for memberships in user.memberships.chunk_by(|a, b| a.role == b.role) {
                    @let slugs: Vec<&str> = memberships.iter().map(|one| one.organization.as_str()).collect();
                    p.soft { (markup::capitalized(memberships[0].role)) " of " (slugs.join(", ")) }
                }
            }
            (copyable(&format!("the token of {}", user.name), &user.token))
            (requests(&user.reaches))
        }
    }
}

/// Requests to be sent with the token of the element around them. The script adds a button that sends one.
fn requests(requests: &[SampleRequestOut]) -> Markup {
    html! {
        details {
            summary { "Sample requests" }
            ul.plain {
                @for request in requests {
                    @let body = request.body.as_ref().map(ToString::to_string);
                    li data-method=(request.method) data-path=(request.path) data-body=[&body] {
                        b { (request.status) } " "
                        code { (request.method) " " (request.path) @if let Some(body) = &body { " " (body) } }
                    }
                }
            }
        }
    }
}

fn choices(operations: &[OperationOut]) -> Markup {
    html! {
        p {
            "The " code { "Prefer" } " header selects a documented response for one request: by status, "
            code { "Prefer: code=503" } ", by example, " code { "Prefer: example=revoked" }
            ", or by both, separated by a comma. " code { "Prefer: delay=2" } " delays the response by 2 seconds. A delay may be up to "
            (MAX_DELAY.as_secs()) " seconds, and can be combined with the others. These requests need no token."
        }
        @for operation in operations {
            details.entry data-method=(operation.method) data-path=(operation.path) {
                summary { code { (operation.method) " " (operation.path) } }
                ul.plain {
                    @for answer in &operation.answers { (self::answer(answer)) }
                }
            }
        }
    }
}

/// The examples of a response. The script adds a button to each that requests it.
fn answer(answer: &AnswerOut) -> Markup {
    let prefers = |example: &str| match example {
        "" => format!("code={}", answer.code),
        example => format!("code={}, example={example}", answer.code),
    };
    let examples: Vec<&str> = answer.examples.iter().map(String::as_str).collect();
    let shown = if examples.is_empty() {
        vec![""]
    } else {
        examples
    };
    html! {
        @for example in shown {
            li data-prefer=(prefers(example)) { b { (answer.code) } " " (example) }
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
