//! `--org`: which organization, and what to say when there is none of that name.
//!
//! The same for every command. A command looks its organization up first and acts by its id afterwards:
//! organizations do not go away, and keep their ids.

use clap::builder::NonEmptyStringValueParser;

use super::Error;
use crate::{
    model::{Organization, OrganizationRef},
    store::Store,
};

/// How many slugs are suggested, and how like they must be: from 0, nothing in common, to 1, the same.
const SUGGESTIONS: usize = 3;
const LEAST_LIKENESS: f64 = 0.7;

/// The organization that a command is about.
#[derive(Debug, clap::Args)]
pub(super) struct OrganizationArgs {
    /// The organization's slug or id
    #[arg(long = "org", value_name = "ORG", value_parser = NonEmptyStringValueParser::new())]
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
        let nearest = self.nearest(all);
        let hint = if all.is_empty() {
            "there is none yet: create one with `llavero org create`".to_owned()
        } else if nearest.is_empty() {
            "`llavero org list` shows all".to_owned()
        } else {
            format!("the nearest slugs are: {}", nearest.join(", "))
        };
        let name = &self.org;
        Error::negative(format!("no organization is called {name}; {hint}"))
    }

    /// The slugs that are spelled most like what was asked for, if any is at all.
    fn nearest<'a>(&self, all: &'a [Organization]) -> Vec<&'a str> {
        let asked = self.org.to_lowercase();
        let likeness = |slug| strsim::jaro_winkler(&asked, slug);
        let slugs = all.iter().map(|organization| organization.slug.as_str());
        let mut near: Vec<(f64, &str)> = slugs
            .map(|slug| (likeness(slug), slug))
            .filter(|(likeness, _)| *likeness > LEAST_LIKENESS)
            .collect();
        near.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        let slugs = near.into_iter().map(|(_, slug)| slug);
        slugs.take(SUGGESTIONS).collect()
    }
}
