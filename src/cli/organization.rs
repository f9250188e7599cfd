//! `--org`: which organization, and what to say when there is none of that name.

use std::cmp::Reverse;

use super::Error;
use crate::{
    model::{Organization, OrganizationRef},
    store::Store,
};

/// How many slugs are suggested.
const SUGGESTIONS: usize = 3;

/// The organization that a command is about.
#[derive(Debug, clap::Args)]
pub(super) struct OrganizationArgs {
    /// The organization's slug or id
    #[arg(long = "org", value_name = "ORG")]
    org: String,
}

impl OrganizationArgs {
    /// The organization; if there is none, an error that names those that are spelled most like it.
    pub(super) async fn find(&self, store: &Store) -> Result<Organization, Error> {
        let named = OrganizationRef::parse(&self.org);
        match store.organization(named).await? {
            Some(organization) => Ok(organization),
            None => Err(self.unknown(&store.organizations().await?)),
        }
    }

    fn unknown(&self, all: &[Organization]) -> Error {
        let likeness = |organization: &&Organization| {
            let likeness = strsim::jaro_winkler(&self.org, organization.slug.as_str());
            // Floats have no order of their own; this one is between 0 and 1.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a number from 0 to 1000"
            )]
            let per_mille = (likeness * 1000.0) as u32;
            Reverse(per_mille)
        };
        let mut nearest: Vec<&Organization> = all.iter().collect();
        nearest.sort_by_cached_key(likeness);
        let slugs: Vec<&str> = nearest
            .iter()
            .take(SUGGESTIONS)
            .map(|organization| organization.slug.as_str())
            .collect();
        let hint = if slugs.is_empty() {
            "there is none yet: create one with `llavero org create`".to_owned()
        } else {
            format!("the nearest slugs are: {}", slugs.join(", "))
        };
        Error::negative(format!("no organization is called {}; {hint}", self.org))
    }
}
