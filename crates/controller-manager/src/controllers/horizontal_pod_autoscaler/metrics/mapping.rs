//! Which resource a kind is served as, as discovery tells it.

use skiff_apimachinery::gvk::Str;
use skiff_apimachinery::{Document, GroupVersion};
use skiff_client::{Client, Resource};

/// Asks discovery.
pub(in super::super) struct Mapper<'m> {
    pub(in super::super) client: &'m Client,
}

impl Mapper<'_> {
    /// The resource of a kind: that of the group's preferred version, if it has the kind.
    ///
    /// # Errors
    /// Why there is none.
    pub(in super::super) async fn resource(&self, group: &str, kind: &str) -> Result<Resource, String> {
        for version in self.versions(group).await? {
            let root = if version.group.is_empty() { "/api" } else { "/apis" };
            let served = match self.client.transport().get_path(&format!("{root}/{version}")).await {
                Ok(served) => served,
                Err(status) if status.is_not_found() => continue,
                Err(status) => return Err(status.message),
            };
            let rows = served.array_at(&["resources"]);
            let is_kind =
                |row: &&Document| row.str_at(&["kind"]) == kind && !row.str_at(&["name"]).contains('/');
            if let Some(row) = rows.iter().find(is_kind) {
                return Ok(Resource {
                    group: version.group,
                    version: version.version,
                    plural: Str::Owned(row.str_at(&["name"]).to_owned()),
                    kind: Str::Owned(kind.to_owned()),
                    namespaced: row.bool_at(&["namespaced"]).unwrap_or(false),
                });
            }
        }
        Err(format!("no matches for kind {kind:?} in group {group:?}"))
    }

    /// The versions of a group, the preferred one first.
    pub(super) async fn versions(&self, group: &str) -> Result<Vec<GroupVersion>, String> {
        if group.is_empty() {
            return Ok(vec![GroupVersion::new("", "v1")]);
        }
        let served = match self.client.transport().get_path("/apis").await {
            Ok(served) => served,
            Err(status) => return Err(status.message),
        };
        let Some(group) = served.array_at(&["groups"]).iter().find(|g| g.str_at(&["name"]) == group) else {
            return Ok(Vec::new());
        };
        let preferred = group.str_at(&["preferredVersion", "groupVersion"]);
        let others = group.array_at(&["versions"]).iter().map(|version| version.str_at(&["groupVersion"]));
        let others = others.filter(|version| *version != preferred);
        Ok(std::iter::once(preferred).chain(others).filter_map(GroupVersion::parse).collect())
    }
}
