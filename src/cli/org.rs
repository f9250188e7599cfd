//! `llavero org`: creates, renames and lists organizations.
//!
//! `create` is the first command of a new deployment. It is therefore the only command besides `serve` that creates the
//! database file if it does not exist.

use clap::builder::NonEmptyStringValueParser;
use serde::Serialize;
use uuid::Uuid;

use super::{
    Error, System,
    database::DatabaseArgs,
    organization,
    output::{
        self,
        Column::{Fixed, Wrapped},
        OutputArgs,
    },
    parse_arg,
};
use crate::{
    model::{Name, Organization, OrganizationId, RenameOutcome, Slug},
    store::Store,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Create an organization.
    Create(Create),
    /// Give an organization another name or slug. Takes effect with the next request.
    Rename(Rename),
    /// List all organizations.
    List(List),
}

#[derive(Debug, clap::Args)]
pub(super) struct Create {
    /// The name: 1 to 100 characters, not only white space
    #[arg(long, value_parser = parse_arg::<Name>)]
    name: Name,

    /// The name in URLs: lower-case letters, digits and inner hyphens [default: derived from the name]
    #[arg(long, value_parser = parse_arg::<Slug>)]
    slug: Option<Slug>,

    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Rename {
    /// The organization's slug or id
    #[arg(value_name = "ORG", value_parser = NonEmptyStringValueParser::new())]
    organization: String,

    /// The new name: 1 to 100 characters, not only white space
    #[arg(long, value_parser = parse_arg::<Name>)]
    name: Option<Name>,

    /// The new name in URLs: lower-case letters, digits and inner hyphens. The old one is unknown from the next request on
    #[arg(long, value_parser = parse_arg::<Slug>)]
    slug: Option<Slug>,

    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Command {
    pub(super) fn run(self, system: &System) -> Result<(), Error> {
        match self {
            Self::Create(args) => args.run(system),
            Self::Rename(args) => args.run(system),
            Self::List(args) => args.run(),
        }
    }
}

impl Create {
    fn run(self, system: &System) -> Result<(), Error> {
        let slug = self.slug.or_else(|| self.name.slug()).ok_or_else(|| {
            Error::usage("cannot derive a slug from this name: choose one with --slug")
        })?;
        let random = &system.random;
        let organization = Organization {
            id: OrganizationId(random.uuid()?),
            slug,
            name: self.name,
            created_at: system.clock.now(),
        };
        // The first command of a new deployment: no server has created the database yet.
        let path = &self.database.path;
        let is_new = Store::create_if_missing(path, &random.bytes()?)?;
        let created = self
            .database
            .with_store(async |store| Ok(store.create_organization(organization.clone()).await?));
        if is_new {
            match &created {
                Ok(_) => output::note(&format!("created the database {}", path.display())),
                Err(_) => Store::discard_unused(path),
            }
        }
        let created = created?;
        if !created {
            return Err(slug_taken(&organization.slug));
        }
        print(&self.output, &organization)
    }
}

impl Rename {
    fn run(self, system: &System) -> Result<(), Error> {
        if self.name.is_none() && self.slug.is_none() {
            return Err(Error::usage(
                "nothing to change: give the new name with --name, the new slug with --slug, or both",
            ));
        }
        let outcome = self.database.with_store(async |store| {
            let organization = organization::find(store, &self.organization).await?;
            let now = system.clock.now();
            let renamed = store.rename_organization(organization.id, self.name, self.slug, now);
            Ok(renamed.await?)
        })?;
        match outcome {
            RenameOutcome::Renamed(organization) | RenameOutcome::Unchanged(organization) => {
                print(&self.output, &organization)
            }
            RenameOutcome::SlugTaken(slug) => Err(slug_taken(&slug)),
        }
    }
}

fn slug_taken(slug: &Slug) -> Error {
    Error::failed(format!(
        "the slug {slug} is taken: choose another with --slug"
    ))
}

/// Prints one organization.
fn print(output: &OutputArgs, organization: &Organization) -> Result<(), Error> {
    output.print(
        || OrganizationOut::from(organization),
        || {
            output::details(vec![
                ("ID", output::text(organization.id.0.to_string())),
                ("Slug", output::text(organization.slug.as_str())),
                ("Name", output::text(organization.name.as_str())),
                ("Created", output::text(organization.created_at.to_string())),
            ])
        },
    )
}

impl List {
    fn run(self) -> Result<(), Error> {
        let organizations = self
            .database
            .with_store(async |store| Ok(store.organizations().await?))?;
        self.output.print(
            || {
                organizations
                    .iter()
                    .map(OrganizationOut::from)
                    .collect::<Vec<_>>()
            },
            || {
                let row = |organization: &Organization| {
                    [
                        output::text(organization.slug.as_str()),
                        output::text(organization.name.as_str()),
                        output::text(organization.id.0.to_string()),
                        output::day(organization.created_at),
                    ]
                };
                let rows = organizations.iter().map(row).collect();
                output::table(
                    [
                        Wrapped("SLUG"),
                        Wrapped("NAME"),
                        Fixed("ID"),
                        Fixed("CREATED"),
                    ],
                    rows,
                )
            },
        )
    }
}

/// An organization as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OrganizationOut<'a> {
    id: Uuid,
    slug: &'a str,
    name: &'a str,
    created_at: String,
}

impl<'a> From<&'a Organization> for OrganizationOut<'a> {
    fn from(organization: &'a Organization) -> Self {
        Self {
            id: organization.id.0,
            slug: organization.slug.as_str(),
            name: organization.name.as_str(),
            created_at: organization.created_at.to_string(),
        }
    }
}
