//! What an API server serves: its resources and the verbs that each has.
//!
//! Read from the group and version documents (`/api/v1`, `/apis`, `/apis/GROUP/VERSION`). A group that does not answer
//! (an aggregated API server that is down) is reported beside what the others serve.

use crate::{Client, Resource, Result};
use skiff_apimachinery::{Document, GroupVersion, Status};

/// A served resource.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Served {
    /// Where it is served.
    pub resource: Resource,
    /// What can be done with it, such as `list` and `deletecollection`.
    pub verbs: Vec<String>,
}

/// What was discovered.
#[derive(Debug, Clone, Default)]
pub struct Discovered {
    /// The resources of each group's preferred version, without subresources.
    pub preferred: Vec<Served>,
    /// Group versions that did not answer.
    pub failures: Vec<(GroupVersion, Status)>,
}

impl Served {
    /// Whether a verb is served.
    pub fn can(&self, verb: &str) -> bool {
        self.verbs.iter().any(|v| v == verb)
    }
}

impl Client {
    /// Asks what the API server serves, each resource in the preferred version of its group; a resource that is only in
    /// another version of the group is listed in that one.
    ///
    /// # Errors
    /// If the list of groups cannot be read.
    pub async fn discover(&self) -> Result<Discovered> {
        let mut found = Discovered::default();
        self.add_group(&mut found, &[GroupVersion::new("", "v1")]).await;
        let groups = self.transport().get_path("/apis").await?;
        for group in groups.array_at(&["groups"]) {
            self.add_group(&mut found, &versions(group)).await;
        }
        Ok(found)
    }

    async fn add_group(&self, found: &mut Discovered, versions: &[GroupVersion]) {
        let mut of_group: Vec<Served> = Vec::new();
        for version in versions {
            let path =
                if version.group.is_empty() { format!("/api/{version}") } else { format!("/apis/{version}") };
            match self.transport().get_path(&path).await {
                Ok(list) => {
                    let served = list.array_at(&["resources"]).iter().filter_map(|doc| served(version, doc));
                    let known =
                        |s: &Served, of: &[Served]| of.iter().any(|k| k.resource.plural == s.resource.plural);
                    let new: Vec<Served> = served.filter(|s| !known(s, &of_group)).collect();
                    of_group.extend(new);
                }
                Err(status) => found.failures.push((version.clone(), status)),
            }
        }
        found.preferred.extend(of_group);
    }
}

/// The versions of a group, the preferred one first.
fn versions(group: &Document) -> Vec<GroupVersion> {
    let preferred = group.str_at(&["preferredVersion", "groupVersion"]);
    let others = group.array_at(&["versions"]).iter().map(|version| version.str_at(&["groupVersion"]));
    let others = others.filter(|version| *version != preferred);
    std::iter::once(preferred).chain(others).filter_map(GroupVersion::parse).collect()
}

fn served(version: &GroupVersion, doc: &Document) -> Option<Served> {
    let plural = doc.str_at(&["name"]);
    if plural.is_empty() || plural.contains('/') {
        return None;
    }
    let verbs = doc.array_at(&["verbs"]).iter().filter_map(Document::as_str).map(str::to_owned).collect();
    let resource = Resource {
        group: version.group.clone(),
        version: version.version.clone(),
        plural: plural.to_owned().into(),
        kind: doc.str_at(&["kind"]).to_owned().into(),
        namespaced: doc.bool_at(&["namespaced"]).unwrap_or(false),
    };
    Some(Served { resource, verbs })
}
