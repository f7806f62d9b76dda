//! The roles for people: admin, edit and view, each aggregated from labelled parts.

use super::{Role, parse, role_document};
use skiff_apimachinery::{Document, doc};

pub(super) const TABLE: &str = "
role system:aggregate-to-admin
  create authorization.k8s.io localsubjectaccessreviews
  create,delete,deletecollection,get,list,patch,update,watch rbac.authorization.k8s.io rolebindings,roles
role system:aggregate-to-edit
  get,list,watch core pods/attach,pods/exec,pods/portforward,pods/proxy,secrets,services/proxy
  impersonate core serviceaccounts
  create,delete,deletecollection,patch,update core pods,pods/attach,pods/exec,pods/portforward,pods/proxy
  create core pods/eviction
  create,delete,deletecollection,patch,update core configmaps,events,persistentvolumeclaims,replicationcontrollers,replicationcontrollers/scale,secrets,serviceaccounts,services,services/proxy
  create core serviceaccounts/token
  create,delete,deletecollection,patch,update apps daemonsets,deployments,deployments/rollback,deployments/scale,replicasets,replicasets/scale,statefulsets,statefulsets/scale
  create,delete,deletecollection,patch,update autoscaling horizontalpodautoscalers
  create,delete,deletecollection,patch,update batch cronjobs,jobs
  create,delete,deletecollection,patch,update extensions daemonsets,deployments,deployments/rollback,deployments/scale,ingresses,networkpolicies,replicasets,replicasets/scale,replicationcontrollers/scale
  create,delete,deletecollection,patch,update policy poddisruptionbudgets
  create,delete,deletecollection,patch,update networking.k8s.io ingresses,networkpolicies
  create,delete,deletecollection,get,list,patch,update,watch coordination.k8s.io leases
  create,delete,deletecollection,patch,update resource.k8s.io resourceclaims,resourceclaimtemplates
role system:aggregate-to-view
  get,list,watch core configmaps,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,pods,replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,services/status
  get,list,watch core bindings,events,limitranges,namespaces/status,pods/log,pods/status,replicationcontrollers/status,resourcequotas,resourcequotas/status
  get,list,watch core namespaces
  get,list,watch discovery.k8s.io endpointslices
  get,list,watch apps controllerrevisions,daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,replicasets,replicasets/scale,replicasets/status,statefulsets,statefulsets/scale,statefulsets/status
  get,list,watch autoscaling horizontalpodautoscalers,horizontalpodautoscalers/status
  get,list,watch batch cronjobs,cronjobs/status,jobs,jobs/status
  get,list,watch extensions daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,ingresses,ingresses/status,networkpolicies,replicasets,replicasets/scale,replicasets/status,replicationcontrollers/scale
  get,list,watch policy poddisruptionbudgets,poddisruptionbudgets/status
  get,list,watch networking.k8s.io ingresses,ingresses/status,networkpolicies
  get,list,watch resource.k8s.io resourceclaims,resourceclaims/status,resourceclaimtemplates
";

/// The parts, and the aggregated roles with the rules that the parts give them.
pub(super) fn documents() -> Vec<Document> {
    const PREFIX: &str = "rbac.authorization.k8s.io/aggregate-to-";
    let parts = parse(TABLE);
    let mut out = Vec::new();
    for part in &parts {
        let mut document = role_document("ClusterRole", "", part);
        let target = part.name.trim_start_matches("system:aggregate-to-");
        document.set(&["metadata", "labels", &format!("{PREFIX}{target}")], "true");
        out.push(document);
    }
    // Each wider role includes the narrower ones: view goes into edit, edit into admin.
    for (name, includes) in
        [("admin", vec!["admin", "edit", "view"]), ("edit", vec!["edit", "view"]), ("view", vec!["view"])]
    {
        let included =
            |part: &&Role| includes.iter().any(|i| part.name == format!("system:aggregate-to-{i}"));
        let rules = parts.iter().filter(included).flat_map(|part| part.rules.clone()).collect();
        let mut document = role_document("ClusterRole", "", &Role { name: name.to_owned(), rules });
        document.insert(
            "aggregationRule",
            doc!({"clusterRoleSelectors": [{"matchLabels": {(format!("{PREFIX}{name}")): "true"}}]}),
        );
        if let Some(wider) = match name {
            "view" => Some("edit"),
            "edit" => Some("admin"),
            _ => None,
        } {
            document.set(&["metadata", "labels", &format!("{PREFIX}{wider}")], "true");
        }
        out.push(document);
    }
    out
}
