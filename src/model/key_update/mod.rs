//! A change of a key's settings, and its pause.
//!
//! [`KeyUpdate::decide`] is the rule: which settings the key has afterwards, and what the audit log records. The API and
//! the commands build a [`KeyUpdate`]; the store calls `decide` in the transaction that changes the key.

use serde_json::{Value, json};

use super::{
    ApiKey, Changes, Description, ExternalId, KeyEvent, KeySettings, Metadata, Name, Quota,
    RateLimit, Scopes, Timestamp,
};

/// The change of a setting that a key may lack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Edit<T> {
    /// Keeps the setting.
    #[default]
    Keep,
    /// Removes the setting.
    Remove,
    /// Sets or replaces the setting.
    Set(T),
}

impl<T> Edit<T> {
    /// Returns the setting after the change of `current`.
    #[must_use]
    pub fn apply(self, current: Option<T>) -> Option<T> {
        match self {
            Self::Keep => current,
            Self::Remove => None,
            Self::Set(value) => Some(value),
        }
    }

    /// Converts the value that is set. The setting is kept if `convert` returns `None`.
    #[must_use]
    pub fn filter_map<U>(self, convert: impl FnOnce(T) -> Option<U>) -> Edit<U> {
        match self {
            Self::Keep => Edit::Keep,
            Self::Remove => Edit::Remove,
            Self::Set(value) => convert(value).map_or(Edit::Keep, Edit::Set),
        }
    }
}

/// The settings to be changed. The default changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyUpdate {
    /// The new name.
    pub name: Option<Name>,
    /// The description.
    pub description: Edit<Description>,
    /// The caller's own id of the key's holder.
    pub external_id: Edit<ExternalId>,
    /// The caller's own data, replaced as a whole.
    pub metadata: Edit<Metadata>,
    /// The new scopes, replaced as a whole.
    pub scopes: Option<Scopes>,
    /// The rate limit.
    pub rate_limit: Edit<RateLimit>,
    /// The quota.
    pub quota: Edit<Quota>,
    /// The expiry, which must be in the future.
    pub expires_at: Edit<Timestamp>,
    /// Whether the key is enabled. Disabling pauses it.
    pub enabled: Option<bool>,
}

/// The reason why a key cannot be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateRefused {
    /// The key is revoked, which is permanent.
    Revoked,
}

/// A key after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Updated {
    /// All settings of the key.
    pub settings: KeySettings,
    /// The instant at which the key was disabled; `None` if it is enabled.
    pub disabled_at: Option<Timestamp>,
    /// The changed settings.
    pub changes: Changes,
    /// Whether the change disables or enables the key.
    pub switch: Option<Switch>,
}

/// A change between enabled and disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// The key is disabled.
    Disable,
    /// The key is enabled.
    Enable,
}

impl KeyUpdate {
    /// Decides what `key` is like after the change at `now`. A value that a setting already has changes nothing. A new
    /// expiry revives an expired key.
    ///
    /// # Errors
    /// When the key is revoked.
    pub fn decide(&self, key: &ApiKey, now: Timestamp) -> Result<Updated, UpdateRefused> {
        if key.revoked_at.is_some() {
            return Err(UpdateRefused::Revoked);
        }
        let (before, update) = (key.settings(), self.clone());
        let after = KeySettings {
            name: update.name.unwrap_or_else(|| before.name.clone()),
            description: update.description.apply(before.description.clone()),
            external_id: update.external_id.apply(before.external_id.clone()),
            metadata: update
                .metadata
                .apply(Some(before.metadata.clone()))
                .unwrap_or_default(),
            scopes: update.scopes.unwrap_or_else(|| before.scopes.clone()),
            rate_limit: update.rate_limit.apply(before.rate_limit),
            quota: update.quota.apply(before.quota),
            expires_at: update.expires_at.apply(before.expires_at),
        };
        let switch = match self.enabled {
            Some(false) if key.disabled_at.is_none() => Some(Switch::Disable),
            Some(true) if key.disabled_at.is_some() => Some(Switch::Enable),
            _ => None,
        };
        Ok(Updated {
            changes: changes(&before, &after),
            disabled_at: match switch {
                None => key.disabled_at,
                Some(Switch::Disable) => Some(now),
                Some(Switch::Enable) => None,
            },
            switch,
            settings: after,
        })
    }
}

impl Updated {
    /// Returns the entries for the audit log, in their order. Empty if nothing changed.
    #[must_use]
    pub fn events(&self) -> Vec<KeyEvent> {
        let updated = (!self.changes.is_empty()).then(|| KeyEvent::Updated(self.changes.clone()));
        let switched = self.switch.map(|switch| match switch {
            Switch::Disable => KeyEvent::Disabled,
            Switch::Enable => KeyEvent::Enabled,
        });
        updated.into_iter().chain(switched).collect()
    }
}

/// Compares settings by the names and values that the API has for them, in its order.
fn changes(before: &KeySettings, after: &KeySettings) -> Changes {
    let mut changes = Changes::default();
    for ((field, from), (_, to)) in fields(before).into_iter().zip(fields(after)) {
        changes.record(field, from, to);
    }
    changes
}

fn fields(settings: &KeySettings) -> [(&'static str, Value); 8] {
    let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    let rate_limit = settings
        .rate_limit
        .map(|rate| json!({ "limit": rate.limit(), "windowSeconds": rate.window_seconds() }));
    let quota = settings
        .quota
        .map(|quota| json!({ "limit": quota.limit(), "period": quota.period().as_str() }));
    let expires_at = settings.expires_at.map(|at| at.to_string());
    [
        ("name", settings.name.as_str().into()),
        (
            "description",
            text(settings.description.as_ref().map(Description::as_str)),
        ),
        (
            "externalId",
            text(settings.external_id.as_ref().map(ExternalId::as_str)),
        ),
        ("metadata", settings.metadata.as_object().clone().into()),
        ("scopes", settings.scopes.iter().collect()),
        ("rateLimit", rate_limit.unwrap_or_default()),
        ("quota", quota.unwrap_or_default()),
        ("expiresAt", expires_at.into()),
    ]
}

#[cfg(test)]
mod tests;
