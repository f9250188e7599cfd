//! The demo data in the database of `serve --demo`.
//!
//! Called before the server accepts connections. Fills a database without organizations. Recognises a database with the
//! demo data by the ids of the demo organizations, so users may have changed and added records.

use super::Error;
use crate::{
    fixtures::{Fixtures, Membership, UserFixture},
    model::{Member, Organization, OrganizationId, OrganizationRef, Timestamp},
    store::Store,
};

/// Loads the demo data into a database without organizations. Returns the demo users with their memberships in this
/// database, or `None` if it does not contain the demo data.
pub(super) async fn load(
    store: &Store,
    demo: &Fixtures,
    now: Timestamp,
) -> Result<Option<Vec<UserFixture>>, Error> {
    store.seed_if_empty(demo.seed(now)).await?;
    let mut organizations = Vec::new();
    for fixture in demo.organizations() {
        let id = OrganizationId(fixture.id);
        let Some(organization) = store.organization(OrganizationRef::Id(id)).await? else {
            return Ok(None);
        };
        organizations.push((organization, store.members(id).await?));
    }
    let users = demo.users().into_iter();
    let users = users.map(|user| UserFixture {
        memberships: memberships(&user, &organizations),
        ..user
    });
    Ok(Some(users.collect()))
}

/// Returns the memberships of a user in the demo organizations, as they are in the database.
fn memberships(
    user: &UserFixture,
    organizations: &[(Organization, Vec<Member>)],
) -> Vec<Membership> {
    let membership = |(organization, members): &(Organization, Vec<Member>)| {
        let member = members.iter().find(|member| member.user == user.id)?;
        Some(Membership {
            organization_id: organization.id,
            slug: organization.slug.clone(),
            organization: organization.name.clone(),
            role: member.role,
        })
    };
    organizations.iter().filter_map(membership).collect()
}
