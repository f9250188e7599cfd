//! The start page of the sandbox: the guide for people, in a browser.
//!
//! Made of the same description that scripts get as JSON, without a script of its own. Names in it are anybody's text
//! and are escaped.

use std::{collections::BTreeSet, fmt::Write};

use poem::{
    Response,
    http::{HeaderValue, header},
};

use super::{Guide, OperationOut, OrganizationOut, UserOut};

const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>llavero sandbox</title>
<style>
  :root { color-scheme: light dark; }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
  th, td { border-bottom: 1px solid #8886; padding: .4rem .6rem .4rem 0; text-align: left; vertical-align: top; }
  code { font: 13px/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
  pre { background: #8882; padding: .6rem .8rem; margin: .4rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
  section { margin: 1.2rem 0; }
  details { margin: .2rem 0; }
  summary { cursor: pointer; white-space: nowrap; }
  td:first-child { min-width: 19rem; }
</style>
"#;

/// The page.
pub(super) fn response(guide: &Guide, clock: &str) -> Response {
    Response::builder()
        .content_type("text/html; charset=utf-8")
        .header(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY)
        .body(html(guide, clock))
}

fn html(guide: &Guide, clock: &str) -> String {
    let mut page = HEAD.to_owned();
    // Writing to a string cannot fail.
    let _ = write!(
        page,
        "<h1>llavero sandbox</h1>
<p>The API-key operations of the Timbrix API, on the same data at every start. Its clock says <code>{clock}</code>. See the
<a href=\"{reference}\">interactive reference</a>, the <a href=\"{document}\">OpenAPI document</a>, or this page as JSON:
<code>curl $SANDBOX/sandbox</code>.</p>
{try_it}
<h2>What there is</h2>
<table><tr><th>Organization<th>Shows<th>Keys</tr>{organizations}</table>
<h2>Who can ask</h2>
<p>Send <code>Authorization: Bearer TOKEN</code>. The tokens never expire and open nothing but a sandbox. Others can be signed
with {algorithm} and the secret <code>{secret}</code>; they need <code>sub</code> and <code>exp</code>, and no <code>iat</code> or
<code>nbf</code>, for the clock may stand still.</p>
{users}
<section><b>Nobody</b>: a token that has expired, for a 401<pre>{expired}</pre></section>
<h2>Any answer on demand</h2>
<p><code>Prefer: code=503</code>, <code>Prefer: example=revoked</code>, or both, with a comma between them, for the one request
that has it.</p>
<table><tr><th>Operation<th>Answers</tr>{operations}</table>
<h2>Changing things</h2>
<p>What you create, rotate, revoke or use, only you see: whoever sends the same <code>{session}</code>, a name of 1 to 128
letters, digits and <code>-._~:/+=@</code>. Without one it is whoever sends the same token, and everybody knows those above;
a key without a token belongs to who made it, or to the owner of its organization. It is dropped by <code>{reset}</code>,
after {idle} minutes without a request, or when its room is needed for others: {most} visitors' changes are kept, and as
many bytes as a machine can spare. Whoever has made hundreds of keys gets a 507, and begins again.</p>
",
        reference = escape(&guide.reference),
        document = escape(&guide.document),
        try_it = try_it(guide),
        users = guide.users.iter().map(user).collect::<String>(),
        algorithm = guide.signing.algorithm,
        secret = escape(guide.signing.secret),
        expired = escape(&guide.expired.token),
        organizations = guide.organizations.iter().map(organization).collect::<String>(),
        operations = guide.operations.iter().map(operation).collect::<String>(),
        session = guide.visitors.header,
        idle = guide.visitors.idle_seconds / 60,
        most = guide.visitors.most,
        reset = escape(&guide.visitors.reset),
    );
    page
}

fn try_it(guide: &Guide) -> String {
    let first = guide.users.first();
    let reach = first.and_then(|user| Some((user, user.reaches.first()?)));
    reach.map_or_else(String::new, |(user, reach)| {
        let (path, token) = (escape(&reach.path), escape(&user.token));
        format!(
            "<pre>SANDBOX=http://localhost:3001\ncurl $SANDBOX{path} -H 'Authorization: Bearer {token}'</pre>"
        )
    })
}

fn user(user: &UserOut) -> String {
    let memberships = user.memberships.iter();
    let memberships = memberships.map(|of| format!("{} of {}", of.role, of.organization));
    let who = match memberships.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => "member of nothing".to_owned(),
        some => some,
    };
    let statuses: BTreeSet<u16> = user.reaches.iter().map(|reach| reach.status).collect();
    let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
    let reaches = user.reaches.iter().map(|reach| {
        let (method, path) = (reach.method, escape(&reach.path));
        let body = reach.body.as_ref().map(|body| escape(&body.to_string()));
        let body = body.unwrap_or_default();
        format!("<br>{} <code>{method} {path} {body}</code>", reach.status)
    });
    format!(
        "<section><b>{}</b>, {}<pre>{}</pre><details><summary>can get {}</summary>{}</details></section>",
        escape(&user.name),
        escape(&who),
        escape(&user.token),
        statuses.join(", "),
        reaches.collect::<String>(),
    )
}

fn organization(organization: &OrganizationOut) -> String {
    let keys = organization.keys.iter().map(|key| {
        let (name, id, secret) = (escape(&key.name), escape(&key.id), escape(&key.secret));
        format!("<br>{name}<br><code>{id}</code><br><code>{secret}</code>")
    });
    let more = match organization.total_keys - organization.keys.len() {
        0 => String::new(),
        more => format!("<br>… and {more} more"),
    };
    format!(
        "<tr><td><b>{}</b><br><code>{}</code><br><code>{}</code><td><b>{}.</b> {}<td><details><summary>{}</summary>{}{more}</details></tr>",
        escape(&organization.name),
        escape(&organization.slug),
        escape(&organization.id),
        escape(&organization.scenario),
        escape(&organization.about),
        organization.total_keys,
        keys.collect::<String>(),
    )
}

fn operation(operation: &OperationOut) -> String {
    let answers = operation.answers.iter().map(|answer| {
        let names = answer.examples.iter().map(|name| escape(name));
        let names = names.collect::<Vec<_>>().join(", ");
        format!("<b>{}</b> {names}<br>", answer.code)
    });
    let (method, path) = (escape(&operation.method), escape(&operation.path));
    let answers = answers.collect::<String>();
    format!("<tr><td><code>{method} {path}</code><td>{answers}</tr>")
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_text_and_no_markup() {
        assert_eq!(escape("<b a='\"&amp;"), "&lt;b a=&#39;&quot;&amp;amp;");
    }
}
