//! The page that gives a key a new secret. For owners and admins.
//!
//! A form is carried out once: its token is stored in the transaction that rotates the key. A repetition redirects to the
//! key's page, and the secret is not shown again.

use std::{mem, time::Duration};

use maud::{Markup, html};
use poem::{Response, Result};
use serde::Deserialize;

use super::{form, format::exact_time, layout, once, response::see_other, secret, session::Visit};
use crate::{
    api::ApiError,
    model::{ApiKey, KeyId, Rotation, Secret, Submission, Timestamp},
};

/// The choice that is selected.
const DEFAULT_GRACE: &str = "day";

/// The choices for the previous secret: the value of the field, seconds of grace, and the words.
const GRACES: [(&str, u64, &str); 4] = [
    ("hour", 3600, "for one hour"),
    ("day", 86_400, "for 24 hours"),
    ("week", 604_800, "for 7 days"),
    ("now", 0, "not at all: it stops working at once"),
];

#[derive(Deserialize)]
struct RotateForm {
    form: String,
    grace: String,
}

impl RotateForm {
    fn rotation(&self, secret: Secret, at: Timestamp) -> Result<Rotation, ApiError> {
        let replace_new = self.grace == "replace";
        let mut graces = GRACES.iter();
        let seconds = match graces.find(|(value, ..)| *value == self.grace) {
            Some((_, seconds, _)) => *seconds,
            None if replace_new => 1,
            None => {
                return Err(ApiError::BadRequest(
                    "Choose one of the options.".to_owned(),
                ));
            }
        };
        Ok(Rotation {
            secret,
            at,
            grace: Duration::from_secs(seconds),
            replace_new,
        })
    }
}

/// `GET /dashboard/{slug}/keys/{id}/rotate`
pub(super) async fn show(visit: Visit) -> Result<Response> {
    let (slug, id): (String, String) = visit.path().await?;
    let membership = visit.manager(&slug)?;
    let key = visit.key(membership, &id).await?;
    let token = once::token_field(&visit.app)?;
    let path = Visit::key_path(&slug, key.id);
    let content = content(&key, &path, &token, visit.now);
    Ok(layout::organization_page(
        &visit,
        membership,
        "Rotate the secret",
        &content,
    ))
}

/// `POST /dashboard/{slug}/keys/{id}/rotate`
pub(super) async fn submit(mut visit: Visit) -> Result<Response> {
    let (slug, id): (String, String) = visit.path().await?;
    let form: RotateForm = form::parse(mem::take(&mut visit.request)).await?;
    let membership = visit.manager(&slug)?;
    let user = visit.session.user.clone();
    let secret = Secret::generate(visit.app.random.bytes().map_err(ApiError::from)?);
    let rotation = form.rotation(secret.clone(), visit.now)?;
    let organization = membership.organization_ref();
    let form_id = once::form_id(&user, &form.form);
    let key = KeyId::parse_or_nil(&id);
    let rotated =
        visit
            .app
            .store
            .rotate_key_once(form_id, organization, visit.actor(), key, rotation);
    Ok(match rotated.await.map_err(ApiError::from)? {
        Submission::First(outcome) => {
            secret::page(&visit, membership, &outcome.key, &secret, "New secret")
        }
        Submission::Repeated(id) => see_other(&Visit::key_path(&slug, id)),
    })
}

fn content(key: &ApiKey, path: &str, token: &Markup, now: Timestamp) -> Markup {
    let previous = key.grace_end.filter(|end| *end > now);
    html! {
        div.title { h1 { "Rotate the secret of " (key.name) } }
        section {
            p { "The key gets a new secret. Its id, settings and statistics stay the same." }
            form method="post" {
                (token)
                @match previous {
                    None => (choices()),
                    Some(end) => (choices_during_rotation(key.secret_end(end), now)),
                }
                div.buttons {
                    button.primary type="submit" { "Rotate" }
                    a href=(path) { "Cancel" }
                }
            }
        }
    }
}

fn choices() -> Markup {
    html! {
        fieldset {
            legend { "How long should the present secret still work?" }
            @for (value, _, words) in GRACES {
                label.choice { input type="radio" name="grace" value=(value) checked[value == DEFAULT_GRACE]; (words) }
            }
        }
    }
}

fn choices_during_rotation(end: Timestamp, now: Timestamp) -> Markup {
    html! {
        p { "A rotation is in progress: the previous secret works until " (exact_time(end, now)) "." }
        fieldset {
            legend { "Which secrets should stop working?" }
            label.choice {
                input type="radio" name="grace" value="replace" checked;
                "only the newest one, for example because it was lost; the previous one works as long as before"
            }
            label.choice { input type="radio" name="grace" value="now"; "both, at once" }
        }
    }
}
