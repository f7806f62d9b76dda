//! Who gets the default roles.

use super::{API_VERSION, metadata};
use skiff_apimachinery::{Document, doc};

/// Roles in system namespaces, as tables.
pub(super) const ROLES: &[(&str, &str)] = &[
    (
        "kube-system",
        "
role extension-apiserver-authentication-reader
  get,list,watch core configmaps extension-apiserver-authentication
role system:controller:bootstrap-signer
  get,list,watch core secrets
role system:controller:cloud-provider
  create,get,list,watch core configmaps
role system:controller:token-cleaner
  delete,get,list,watch core secrets
  create,patch,update core,events.k8s.io events
role system::leader-locking-kube-controller-manager
  watch core configmaps
  get,update core configmaps kube-controller-manager
role system::leader-locking-kube-scheduler
  watch core configmaps
  get,update core configmaps kube-scheduler
",
    ),
    (
        "kube-public",
        "
role system:controller:bootstrap-signer
  get,list,watch core configmaps
  update core configmaps cluster-info
  create,patch,update core,events.k8s.io events
",
    ),
];

/// Cluster role bindings: name of binding and role, subjects joined by commas.
const CLUSTER: &[(&str, &str)] = &[
    ("cluster-admin", "group system:masters"),
    ("system:monitoring", "group system:monitoring"),
    ("system:discovery", "group system:authenticated"),
    ("system:basic-user", "group system:authenticated"),
    ("system:public-info-viewer", "group system:authenticated,group system:unauthenticated"),
    ("system:node-proxier", "user system:kube-proxy"),
    ("system:kube-controller-manager", "user system:kube-controller-manager"),
    ("system:kube-dns", "account kube-system/kube-dns"),
    ("system:coredns", "account kube-system/coredns"),
    ("system:kube-scheduler", "user system:kube-scheduler"),
    ("system:volume-scheduler", "user system:kube-scheduler"),
    ("system:service-account-issuer-discovery", "group system:serviceaccounts"),
];

/// Role bindings: namespace, name, role, subjects.
const NAMESPACED: &[(&str, &str, &str, &str)] = &[
    (
        "kube-system",
        "system::extension-apiserver-authentication-reader",
        "extension-apiserver-authentication-reader",
        "user system:kube-controller-manager,user system:kube-scheduler",
    ),
    (
        "kube-system",
        "system::leader-locking-kube-controller-manager",
        "system::leader-locking-kube-controller-manager",
        "user system:kube-controller-manager,account kube-system/kube-controller-manager",
    ),
    (
        "kube-system",
        "system::leader-locking-kube-scheduler",
        "system::leader-locking-kube-scheduler",
        "user system:kube-scheduler,account kube-system/kube-scheduler",
    ),
    (
        "kube-system",
        "system:controller:bootstrap-signer",
        "system:controller:bootstrap-signer",
        "account kube-system/bootstrap-signer",
    ),
    (
        "kube-system",
        "system:controller:cloud-provider",
        "system:controller:cloud-provider",
        "account kube-system/cloud-provider",
    ),
    (
        "kube-system",
        "system:controller:token-cleaner",
        "system:controller:token-cleaner",
        "account kube-system/token-cleaner",
    ),
    (
        "kube-public",
        "system:controller:bootstrap-signer",
        "system:controller:bootstrap-signer",
        "account kube-system/bootstrap-signer",
    ),
];

pub(super) fn cluster() -> Vec<Document> {
    let mut out: Vec<Document> = CLUSTER
        .iter()
        .map(|(name, subjects)| document("ClusterRoleBinding", "", name, "ClusterRole", name, subjects))
        .collect();
    // Bound to nobody since kubelets are authorized by the Node authorizer.
    let mut node = document("ClusterRoleBinding", "", "system:node", "ClusterRole", "system:node", "");
    node.remove(&["subjects"]);
    out.push(node);
    out
}

pub(super) fn namespaced() -> Vec<Document> {
    NAMESPACED
        .iter()
        .map(|(namespace, name, role, subjects)| {
            document("RoleBinding", namespace, name, "Role", role, subjects)
        })
        .collect()
}

pub(super) fn document(
    kind: &str,
    namespace: &str,
    name: &str,
    role_kind: &str,
    role: &str,
    subjects: &str,
) -> Document {
    const GROUP: &str = "rbac.authorization.k8s.io";
    let subjects: Document = subjects
        .split(',')
        .filter_map(|subject| subject.split_once(' '))
        .map(|(kind, name)| match (kind, name.split_once('/')) {
            ("account", Some((namespace, name))) => {
                doc!({"kind": "ServiceAccount", "name": name, "namespace": namespace})
            }
            ("group", _) => doc!({"apiGroup": GROUP, "kind": "Group", "name": name}),
            _ => doc!({"apiGroup": GROUP, "kind": "User", "name": name}),
        })
        .collect();
    doc!({
        "apiVersion": API_VERSION, "kind": kind, "metadata": metadata(name, namespace),
        "roleRef": {"apiGroup": GROUP, "kind": role_kind, "name": role}, "subjects": subjects
    })
}
