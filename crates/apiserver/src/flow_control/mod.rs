//! Priority and fairness: which FlowSchema a request belongs to and which priority level that leads to (KEP-1040). Requests
//! of exempt levels are never turned away; those of all others share the limits on requests at once.
//!
//! Input: FlowSchemas and PriorityLevelConfigurations as they are now, a request's head and its user; output: a [`Flow`].
//! The schemas are read anew when one of them changed.

pub(crate) mod policy;
mod schema;

use crate::authentication::UserInfo;
use crate::objects::Objects;
use crate::request::{RequestInfo, Verb};
use http::HeaderValue;
use schema::Schema;
use skiff_apimachinery::{Document, GroupResource};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

const GROUP: &str = "flowcontrol.apiserver.k8s.io";

/// Tells requests apart.
pub(crate) struct FlowControl {
    objects: Arc<dyn Objects>,
    ordered: RwLock<Arc<Ordered>>,
}

/// Where a request belongs; clients are told the UIDs.
#[derive(Debug, Clone)]
pub(crate) struct Flow {
    /// UID of the FlowSchema.
    pub(crate) schema: HeaderValue,
    /// UID of the PriorityLevelConfiguration.
    pub(crate) level: HeaderValue,
    /// Whether requests of the level are never turned away.
    pub(crate) exempt: bool,
}

/// Schemas in the order in which they are asked.
#[derive(Default)]
struct Ordered {
    counts: Option<[u64; 2]>,
    schemas: Vec<(Schema, Flow)>,
}

fn resource(plural: &'static str) -> GroupResource {
    GroupResource::new(GROUP, plural)
}

impl FlowControl {
    /// Over current configuration.
    pub(crate) fn new(objects: Arc<dyn Objects>) -> Self {
        Self { objects, ordered: RwLock::default() }
    }

    /// Where a request belongs; streams belong nowhere.
    pub(crate) fn classify(&self, info: &RequestInfo, user: &UserInfo) -> Option<Flow> {
        if info.is_long_running() && info.verb != Verb::Watch {
            return None;
        }
        let ordered = self.ordered();
        let found = ordered.schemas.iter().find(|(schema, _)| schema.matches(info, user));
        found.map(|(_, flow)| flow.clone())
    }

    fn ordered(&self) -> Arc<Ordered> {
        let counts = ["flowschemas", "prioritylevelconfigurations"]
            .map(|plural| self.objects.change_count(&resource(plural)));
        let current = self.ordered.read().unwrap_or_else(PoisonError::into_inner).clone();
        if current.counts == Some(counts) {
            return current;
        }
        let fresh = Arc::new(self.read(counts));
        *self.ordered.write().unwrap_or_else(PoisonError::into_inner) = fresh.clone();
        fresh
    }

    fn read(&self, counts: [u64; 2]) -> Ordered {
        let levels = self.objects.list(&resource("prioritylevelconfigurations"), "");
        let levels: HashMap<&str, &Arc<Document>> =
            levels.iter().map(|level| (level.name(), level)).collect();
        let mut schemas = self.objects.list(&resource("flowschemas"), "");
        let precedence = |schema: &Document| schema.i64_at(&["spec", "matchingPrecedence"]).unwrap_or(1_000);
        schemas.sort_by(|a, b| precedence(a).cmp(&precedence(b)).then_with(|| a.name().cmp(b.name())));
        let with_flow = |schema: Arc<Document>| {
            // One that leads to no level is not asked.
            let level = levels.get(schema.str_at(&["spec", "priorityLevelConfiguration", "name"]))?;
            let flow = Flow {
                schema: HeaderValue::from_str(schema.uid()).ok()?,
                level: HeaderValue::from_str(level.uid()).ok()?,
                exempt: level.str_at(&["spec", "type"]) == "Exempt",
            };
            Some((Schema::read(&schema), flow))
        };
        Ordered { counts: Some(counts), schemas: schemas.into_iter().filter_map(with_flow).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Query;
    use http::Method;

    /// What every cluster has, with names for UIDs.
    struct Policy;

    impl Objects for Policy {
        fn get(&self, _: &GroupResource, _: &str, _: &str) -> Option<Arc<Document>> {
            None
        }

        fn list(&self, resource: &GroupResource, _: &str) -> Vec<Arc<Document>> {
            let all = if resource.resource == "flowschemas" {
                policy::flow_schemas()
            } else {
                policy::priority_levels()
            };
            let with_uid = |mut object: Document| {
                let name = object.name().to_owned();
                object.set(&["metadata", "uid"], name);
                Arc::new(object)
            };
            all.into_iter().map(with_uid).collect()
        }

        fn change_count(&self, _: &GroupResource) -> u64 {
            1
        }
    }

    fn classified(method: Method, uri: &str, user: &str, groups: &[&str]) -> String {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let info = RequestInfo::parse(&method, path, &Query::parse(query));
        let user = UserInfo::authenticated(user, groups.iter().copied());
        let flow = FlowControl::new(Arc::new(Policy)).classify(&info, &user);
        flow.map_or_else(String::new, |flow| {
            let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
            format!("{} {}{}", text(&flow.schema), text(&flow.level), if flow.exempt { " !" } else { "" })
        })
    }

    #[test]
    fn requests_belong_where_upstream_puts_them() {
        let nodes: &[&str] = &["system:nodes"];
        let accounts: &[&str] = &["system:serviceaccounts"];
        let cases: [(Method, &str, &str, &[&str], &str); 11] = [
            (Method::GET, "/api/v1/pods", "root", &["system:masters"], "exempt exempt !"),
            (Method::GET, "/livez", "jane", &[], "probes exempt !"),
            (Method::GET, "/livez/etcd", "jane", &[], "global-default global-default"),
            (Method::GET, "/api/v1/pods", "jane", &[], "global-default global-default"),
            (
                Method::PUT,
                "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/l",
                "system:kube-scheduler",
                &[],
                "system-leader-election leader-election",
            ),
            (
                Method::GET,
                "/api/v1/pods?watch=1",
                "system:kube-scheduler",
                &[],
                "kube-scheduler workload-high",
            ),
            (Method::PATCH, "/api/v1/nodes/n/status", "system:node:n", nodes, "system-node-high node-high"),
            (Method::GET, "/api/v1/namespaces/a/pods/p", "system:node:n", nodes, "system-nodes system"),
            (
                Method::GET,
                "/api/v1/pods",
                "system:serviceaccount:kube-system:x",
                accounts,
                "kube-system-service-accounts workload-high",
            ),
            (
                Method::GET,
                "/api/v1/pods",
                "system:serviceaccount:a:x",
                accounts,
                "service-accounts workload-low",
            ),
            (Method::GET, "/api/v1/namespaces/a/pods/p/exec", "jane", &[], ""),
        ];
        for (method, uri, user, groups, expected) in cases {
            assert_eq!(classified(method, uri, user, groups), expected, "{user} {uri}");
        }
    }
}
