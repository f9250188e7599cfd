//! The frame of all pages: head, navigation, menu; and the page of an error.
//!
//! Invariant: no page has an inline style or script, which the Content-Security-Policy would ignore.

use maud::{DOCTYPE, Markup, html};
use poem::{Response, error::ResponseError, http::StatusCode};

use super::{format::role_in, query::START, response, session::Visit};
use crate::{
    api::{ApiError, head},
    model::{Session, UserMembership},
};

/// A key, drawn as the icon of the tab.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Cg fill='none' \
     stroke='%231d7f68' stroke-width='4'%3E%3Ccircle cx='10' cy='16' r='6'/%3E%3Cpath d='M16 16h14M24 16v7'/%3E%3C/g%3E%3C/svg%3E";

/// A page of an organization, for one of its members.
pub(super) fn organization_page(
    visit: &Visit,
    membership: &UserMembership,
    title: &str,
    content: &Markup,
) -> Response {
    let organization = &membership.organization;
    let home = format!("{START}/{}", organization.slug);
    let title = if title == organization.name.as_str() {
        title.to_owned()
    } else {
        format!("{title} · {}", organization.name)
    };
    let header = html! {
        a.brand href=(home) { "llavero" }
        (navigation(&home, visit, membership))
        (menu(&visit.session, membership))
    };
    response::page(StatusCode::OK, frame(&title, &header, content))
}

/// A page for visitors who are not signed in.
pub(super) fn plain_page(title: &str, content: &Markup) -> Markup {
    let header = html! { a.brand href=(START) { "llavero" } };
    frame(title, &header, &html! { div.narrow { (content) } })
}

/// The page of an error, without its status and headers.
pub(super) fn error_page(error: &ApiError) -> Response {
    let status = error.status();
    let title = match status {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::METHOD_NOT_ALLOWED => "Not possible",
        status if status.is_server_error() => "Something went wrong",
        _ => "This request is not valid",
    };
    let message = match error {
        ApiError::NoRoute { .. } => "There is no page at this address.".to_owned(),
        ApiError::KeyNotFound => "This organization has no such API key.".to_owned(),
        ApiError::NotAMember => {
            "The organization does not exist, or you are not a member of it.".to_owned()
        }
        ApiError::Unavailable { .. } => {
            "The database cannot answer now. Reload the page in a moment.".to_owned()
        }
        error => error.to_string(),
    };
    let content = html! {
        h1 { (title) }
        p { (message) }
        p { a href=(START) { "Go to the dashboard" } }
    };
    response::page(status, plain_page(title, &content))
}

fn frame(title: &str, header: &Markup, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                (head(title))
                link rel="icon" href=(ICON);
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                header.top { div.width { (header) } }
                main #content .width tabindex="-1" { (content) }
            }
        }
    }
}

/// The parts of an organization that the role may see, if there are several.
fn navigation(home: &str, visit: &Visit, membership: &UserMembership) -> Markup {
    let link = |path: String, name: &str| {
        let is_below = path != home && visit.path.starts_with(&path);
        let current = if visit.path == path {
            Some("page")
        } else {
            is_below.then_some("true")
        };
        html! { a href=(path) aria-current=[current] { (name) } }
    };
    html! {
        @if membership.role.manages_keys() {
            nav.parts aria-label="Organization" {
                (link(home.to_owned(), "Overview"))
                (link(format!("{home}/keys"), "Keys"))
                (link(format!("{home}/audit"), "Audit"))
            }
        }
    }
}

/// The menu: the user, the user's organizations, and the way out.
fn menu(session: &Session, current: &UserMembership) -> Markup {
    html! {
        details.menu {
            summary { span { (current.organization.name) } }
            div.panel {
                p.soft { "Signed in as" br; code { (session.user) } br; (role_in(current)) }
                @if session.memberships.len() > 1 {
                    ul aria-label="Your organizations" {
                        @for membership in &session.memberships {
                            @let organization = &membership.organization;
                            @let is_current = organization.id == current.organization.id;
                            li {
                                a href={ (START) "/" (organization.slug) } aria-current=[is_current.then_some("true")] {
                                    (organization.name)
                                }
                            }
                        }
                    }
                }
                form method="post" action="/login/sign-out" { button type="submit" { "Sign out" } }
            }
        }
    }
}
