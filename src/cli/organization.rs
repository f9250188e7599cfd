//! The flag `--org`, and the lookup of the organization that it names.
//!
//! Used by every command with that flag, and by `llavero org rename`. A command looks the organization up once and then uses its id, which never
//! changes.

use clap::builder::NonEmptyStringValueParser;

use super::Error;
use crate::{
    model::{Organization, OrganizationRef},
    store::Store,
};

/// The maximum number of suggested slugs, and their minimum Jaro-Winkler similarity, from 0 to 1.
const MAX_SUGGESTIONS: usize = 3;
const MIN_SIMILARITY: f64 = 0.7;

/// The organization to act on.
#[derive(Debug, clap::Args)]
pub(super) struct OrganizationArgs {
    /// The organization's slug or id
    #[arg(long = "org", value_name = "ORG", value_parser = NonEmptyStringValueParser::new())]
    org: String,
}

impl OrganizationArgs {
    /// Looks the organization up.
    ///
    /// # Errors
    /// If it does not exist. The error suggests similar slugs.
    pub(super) async fn find(&self, store: &Store) -> Result<Organization, Error> {
        find(store, &self.org).await
    }
}

/// Looks up the organization with this slug or id.
///
/// # Errors
/// If it does not exist. The error suggests similar slugs.
pub(super) async fn find(store: &Store, name: &str) -> Result<Organization, Error> {
    let named = OrganizationRef::parse(name);
    match store.organization(named).await? {
        Some(organization) => Ok(organization),
        None => Err(unknown(name, &store.organizations().await?)),
    }
}

fn unknown(name: &str, all: &[Organization]) -> Error {
    let nearest = nearest(name, all);
    let hint = if all.is_empty() {
        "no organization exists yet: create one with `llavero org create`".to_owned()
    } else if nearest.is_empty() {
        "`llavero org list` lists all organizations".to_owned()
    } else {
        format!("similar slugs: {}", nearest.join(", "))
    };
    Error::failed(format!("no organization has the slug or id {name}; {hint}"))
}

/// Returns the slugs that are most similar to `name`.
fn nearest<'a>(name: &str, all: &'a [Organization]) -> Vec<&'a str> {
    let wanted = name.to_lowercase();
    let similarity = |slug| strsim::jaro_winkler(&wanted, slug);
    let slugs = all.iter().map(|organization| organization.slug.as_str());
    let mut near: Vec<(f64, &str)> = slugs
        .map(|slug| (similarity(slug), slug))
        .filter(|(similarity, _)| *similarity > MIN_SIMILARITY)
        .collect();
    near.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let slugs = near.into_iter().map(|(_, slug)| slug);
    slugs.take(MAX_SUGGESTIONS).collect()
}
