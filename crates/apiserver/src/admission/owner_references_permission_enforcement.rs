//! `OwnerReferencesPermissionEnforcement`: who makes the garbage collector delete an object must be allowed to delete it,
//! and who makes an owner's deletion wait must be allowed to hold the owner.

use super::{Operation, Plugin, Request};
use crate::authorization::{Attributes, Authorizer, Decision};
use crate::table::Table;
use futures::future::BoxFuture;
use skiff_api::Resource;
use skiff_apimachinery::{Document, GroupVersion, GroupVersionKind, Status};
use std::sync::Arc;

/// Tells which resource holds the objects of a kind.
pub trait RestMapper: Send + Sync + 'static {
    /// The row of the kind in this version, if it is served.
    fn mapping(&self, kind: &GroupVersionKind) -> Option<Arc<Resource>>;
}

/// The plugin.
pub struct OwnerReferencesPermissionEnforcement {
    authorizer: Arc<dyn Authorizer>,
    mapper: Arc<dyn RestMapper>,
}

impl OwnerReferencesPermissionEnforcement {
    /// Asks this authorizer about resources that the mapper knows.
    pub fn new(authorizer: Arc<dyn Authorizer>, mapper: Arc<dyn RestMapper>) -> Self {
        Self { authorizer, mapper }
    }

    fn check(&self, request: &Request<'_>, object: &Document) -> Result<(), Status> {
        let concerned = matches!(request.operation, Operation::Create | Operation::Update);
        let before = request.old.map(Document::owner_references).unwrap_or_default();
        if !concerned || is_pod_status(request) || object.owner_references() == before {
            return Ok(());
        }
        // Whoever creates an object may say that it goes with another one.
        if request.operation != Operation::Create {
            self.may_delete(request)?;
        }
        let mut blocking = newly_blocking(object.owner_references(), before).peekable();
        // Most controllers may hold everything, and need no look at each owner.
        if blocking.peek().is_none() || self.refusal(&anything(request)).is_none() {
            return Ok(());
        }
        blocking.try_for_each(|owner| self.may_hold(request, owner))
    }

    fn may_delete(&self, request: &Request<'_>) -> Result<(), Status> {
        let attributes = Attributes {
            user: request.user,
            verb: "delete",
            group: &request.resource.gvk.group,
            version: &request.resource.gvk.version,
            resource: &request.resource.plural,
            subresource: request.subresource,
            namespace: request.namespace,
            name: request.name,
            path: "",
            field_selector: "",
        };
        match self.refusal(&attributes) {
            None => Ok(()),
            Some(reason) => Err(request.forbidden(&format!(
                "cannot set an ownerRef on a resource you can't delete: {reason}, <nil>"
            ))),
        }
    }

    fn may_hold(&self, request: &Request<'_>, owner: &Document) -> Result<(), Status> {
        let row = self.row_of(owner).map_err(|why| {
            let (version, kind) = (owner.str_at(&["apiVersion"]), owner.str_at(&["kind"]));
            request.forbidden(&format!(
                "cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion {version} Kind {kind}: {why}"
            ))
        })?;
        let attributes = Attributes {
            user: request.user,
            verb: "update",
            group: &row.gvk.group,
            version: &row.gvk.version,
            resource: &row.plural,
            subresource: "finalizers",
            // An owner in a namespace is in that of its dependents.
            namespace: if row.namespaced() { request.namespace } else { "" },
            name: owner.str_at(&["name"]),
            path: "",
            field_selector: "",
        };
        match self.refusal(&attributes) {
            None => Ok(()),
            Some(reason) => Err(request.forbidden(&format!(
                "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: {reason}, <nil>"
            ))),
        }
    }

    fn row_of(&self, owner: &Document) -> Result<Arc<Resource>, String> {
        let (version, kind) = (owner.str_at(&["apiVersion"]), owner.str_at(&["kind"]));
        let version = GroupVersion::parse(version)
            .ok_or_else(|| format!("unexpected GroupVersion string: {version}"))?;
        let missing = format!("no matches for kind {kind:?} in version \"{version}\"");
        let kind = GroupVersionKind::new(version.group, version.version, kind.to_owned());
        self.mapper.mapping(&kind).ok_or(missing)
    }

    /// The reason why not; `None` if the user may.
    fn refusal(&self, attributes: &Attributes<'_>) -> Option<String> {
        match self.authorizer.authorize(attributes) {
            Decision::Allow(_) => None,
            Decision::Deny(reason) | Decision::NoOpinion(reason) => Some(reason),
        }
    }
}

/// Kubelets send the status of a pod with whatever owners they saw; the strategy drops those.
fn is_pod_status(request: &Request<'_>) -> bool {
    let resource = request.resource;
    resource.gvk.group.is_empty() && resource.plural == "pods" && request.subresource == "status"
}

/// Holding everything: updating the finalizers of any resource.
fn anything<'a>(request: &Request<'a>) -> Attributes<'a> {
    Attributes {
        user: request.user,
        verb: "update",
        group: "*",
        version: "*",
        resource: "*",
        subresource: "finalizers",
        namespace: "",
        name: "*",
        path: "",
        field_selector: "",
    }
}

/// References that make their owner wait and did not before.
fn newly_blocking<'a>(now: &'a [Document], before: &'a [Document]) -> impl Iterator<Item = &'a Document> {
    let blocks = |reference: &Document| reference.bool_at(&["blockOwnerDeletion"]) == Some(true);
    now.iter().filter(move |reference| {
        let uid = reference.str_at(&["uid"]);
        blocks(reference) && !before.iter().any(|old| old.str_at(&["uid"]) == uid && blocks(old))
    })
}

impl RestMapper for Table {
    fn mapping(&self, kind: &GroupVersionKind) -> Option<Arc<Resource>> {
        self.rows().served().find(|row| row.gvk == *kind).cloned()
    }
}

impl Plugin for OwnerReferencesPermissionEnforcement {
    fn name(&self) -> &'static str {
        "OwnerReferencesPermissionEnforcement"
    }

    fn validate<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(self.check(request, object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::testing::{Allowing, Write};
    use skiff_apimachinery::doc;

    fn plugin(allowed: &'static [&'static str]) -> OwnerReferencesPermissionEnforcement {
        let table = Arc::new(Table::new(skiff_api::builtin()));
        OwnerReferencesPermissionEnforcement::new(Arc::new(Allowing(allowed)), table)
    }

    fn owned(api_version: &str, kind: &str, blocking: bool) -> Document {
        doc!({"metadata": {"name": "x", "ownerReferences": [{
            "apiVersion": api_version, "kind": kind, "name": "o", "uid": "1", "blockOwnerDeletion": blocking
        }]}})
    }

    fn alone() -> Document {
        doc!({"metadata": {"name": "x"}})
    }

    #[test]
    fn who_gives_an_object_an_owner_must_be_able_to_delete_it() {
        let update = Write::update("", "pods", alone());
        let owned = owned("apps/v1", "ReplicaSet", false);
        assert_eq!(update.refusal(&plugin(&["delete pods x"]), &owned), "");
        assert_eq!(
            update.refusal(&plugin(&[]), &owned),
            r#"pods "x" is forbidden: cannot set an ownerRef on a resource you can't delete: not listed, <nil>"#
        );
        assert_eq!(Write::create("", "pods").refusal(&plugin(&[]), &owned), "");
        assert_eq!(update.refusal(&plugin(&[]), &alone()), "");
    }

    #[test]
    fn the_status_of_a_pod_is_not_looked_at() {
        let update = Write::update("", "pods", alone()).through("status");
        assert_eq!(update.refusal(&plugin(&[]), &owned("apps/v1", "ReplicaSet", false)), "");
    }

    #[test]
    fn who_makes_an_owner_wait_must_be_able_to_hold_it() {
        let create = Write::create("", "pods");
        let owned = owned("apps/v1", "ReplicaSet", true);
        assert_eq!(create.refusal(&plugin(&["update replicasets/finalizers o"]), &owned), "");
        assert_eq!(create.refusal(&plugin(&["update */finalizers *"]), &owned), "");
        assert_eq!(
            create.refusal(&plugin(&[]), &owned),
            r#"pods "x" is forbidden: cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: not listed, <nil>"#
        );
    }

    #[test]
    fn an_owner_of_no_known_kind_cannot_be_made_to_wait() {
        assert_eq!(
            Write::create("", "pods").refusal(&plugin(&[]), &owned("example.com/v1", "Policy", true)),
            r#"pods "x" is forbidden: cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion example.com/v1 Kind Policy: no matches for kind "Policy" in version "example.com/v1""#
        );
    }

    #[test]
    fn an_owner_that_waited_before_needs_nothing_more() {
        let mut changed = owned("apps/v1", "ReplicaSet", true);
        changed.ensure(&["metadata", "ownerReferences"]).push(doc!({"kind": "Job", "name": "j", "uid": "2"}));
        let update = Write::update("", "pods", owned("apps/v1", "ReplicaSet", true));
        assert_eq!(update.refusal(&plugin(&["delete pods x"]), &changed), "");
    }
}
