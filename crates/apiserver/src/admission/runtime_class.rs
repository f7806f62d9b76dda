//! `RuntimeClass`: a new pod gets the overhead, the node selector and the tolerations of its runtime class (KEP-688).

use super::{Operation, Plugin, Request, tolerations};
use crate::objects::Objects;
use futures::future::BoxFuture;
use skiff_api::resource_list::ResourceList;
use skiff_apimachinery::{Document, GroupResource, Map, Status};
use std::sync::Arc;

/// Where a class has its overhead.
const POD_FIXED: [&str; 2] = ["overhead", "podFixed"];
const MISMATCH: &str = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

/// The plugin.
pub struct RuntimeClass {
    objects: Arc<dyn Objects>,
}

impl RuntimeClass {
    /// Over current runtime classes.
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self { objects }
    }

    /// The class that the pod names, if it names one.
    fn class_of(&self, request: &Request<'_>, pod: &Document) -> Result<Option<Arc<Document>>, Status> {
        let Some(name) = pod.at(&["spec", "runtimeClassName"]).and_then(Document::as_str) else {
            return Ok(None);
        };
        let classes = GroupResource::new("node.k8s.io", "runtimeclasses");
        match self.objects.get(&classes, "", name) {
            Some(class) => Ok(Some(class)),
            None => Err(request.forbidden(&format!("pod rejected: RuntimeClass {name:?} not found"))),
        }
    }

    fn apply(&self, request: &Request<'_>, pod: &mut Document) -> Result<(), Status> {
        if !is_new_pod(request) {
            return Ok(());
        }
        let Some(class) = self.class_of(request, pod)? else { return Ok(()) };
        if class.object_at(&["overhead"]).is_some() {
            let given = amounts(pod, &["spec", "overhead"]);
            if !given.is_empty() && given != amounts(&class, &POD_FIXED) {
                return Err(request.forbidden(MISMATCH));
            }
            match class.at(&POD_FIXED).filter(|fixed| !fixed.is_empty()) {
                Some(fixed) => pod.set(&["spec", "overhead"], fixed),
                None => drop(pod.remove(&["spec", "overhead"])),
            }
        }
        schedule(request, &class, pod)
    }

    fn check(&self, request: &Request<'_>, pod: &Document) -> Result<(), Status> {
        if !is_new_pod(request) {
            return Ok(());
        }
        let class = self.class_of(request, pod)?;
        let given = amounts(pod, &["spec", "overhead"]);
        if given.is_empty() {
            return Ok(());
        }
        match class.as_deref().filter(|class| class.object_at(&["overhead"]).is_some()) {
            Some(class) if given == amounts(class, &POD_FIXED) => Ok(()),
            Some(_) => Err(request.forbidden(MISMATCH)),
            None => Err(request.forbidden(
                "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
            )),
        }
    }
}

fn is_new_pod(request: &Request<'_>) -> bool {
    request.operation == Operation::Create && request.is("", "pods")
}

fn amounts(object: &Document, path: &[&str]) -> ResourceList {
    ResourceList::read(object.object_at(path))
}

/// Gives the pod the node selector and the tolerations of its class.
fn schedule(request: &Request<'_>, class: &Document, pod: &mut Document) -> Result<(), Status> {
    for (key, value) in class.object_at(&["scheduling", "nodeSelector"]).into_iter().flat_map(Map::iter) {
        let wanted = value.as_str().unwrap_or_default();
        match pod.at(&["spec", "nodeSelector", key]).and_then(Document::as_str) {
            Some(given) if given != wanted => {
                return Err(request.forbidden(&format!(
                    "conflict: runtimeClass.scheduling.nodeSelector[{key}] = {wanted}; pod.spec.nodeSelector[{key}] = {given}"
                )));
            }
            _ => pod.set(&["spec", "nodeSelector", key], wanted),
        }
    }
    if class.object_at(&["scheduling"]).is_some() {
        let more = class.array_at(&["scheduling", "tolerations"]);
        let merged = tolerations::merge(pod.array_at(&["spec", "tolerations"]), more);
        if !merged.is_empty() {
            pod.set(&["spec", "tolerations"], merged);
        }
    }
    Ok(())
}

impl Plugin for RuntimeClass {
    fn name(&self) -> &'static str {
        "RuntimeClass"
    }

    fn admit<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a mut Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(self.apply(request, object)))
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
    use crate::admission::testing::{self, Write};
    use skiff_apimachinery::doc;

    fn plugin() -> RuntimeClass {
        let sandbox = doc!({
            "metadata": {"name": "sandbox"},
            "overhead": {"podFixed": {"cpu": "250m"}},
            "scheduling": {
                "nodeSelector": {"runtime": "sandbox"},
                "tolerations": [{"key": "sandbox", "operator": "Exists"}]
            }
        });
        let plain = doc!({"metadata": {"name": "plain"}});
        RuntimeClass::new(testing::objects(vec![("runtimeclasses", sandbox), ("runtimeclasses", plain)]))
    }

    fn admitted(spec: Document) -> Result<Document, String> {
        let pod = Write::create("", "pods").admit(&plugin(), doc!({"spec": spec}));
        pod.map(|mut pod| pod.remove(&["spec"]).unwrap()).map_err(|status| status.message)
    }

    #[test]
    fn a_pod_gets_what_its_class_says() {
        let spec = doc!({"runtimeClassName": "sandbox", "nodeSelector": {"disk": "fast"}});
        assert_eq!(
            admitted(spec).unwrap(),
            doc!({
                "runtimeClassName": "sandbox",
                "overhead": {"cpu": "250m"},
                "nodeSelector": {"disk": "fast", "runtime": "sandbox"},
                "tolerations": [{"key": "sandbox", "operator": "Exists"}]
            })
        );
    }

    #[test]
    fn a_pod_without_a_class_is_left_alone() {
        let spec = doc!({"containers": []});
        assert_eq!(admitted(spec.clone()).unwrap(), spec);
    }

    #[test]
    fn a_class_must_exist_and_fit() {
        let refusals = [
            (doc!({"runtimeClassName": "gone"}), r#"pod rejected: RuntimeClass "gone" not found"#),
            (doc!({"runtimeClassName": "sandbox", "overhead": {"cpu": "1"}}), MISMATCH),
            (
                doc!({"runtimeClassName": "sandbox", "nodeSelector": {"runtime": "other"}}),
                "conflict: runtimeClass.scheduling.nodeSelector[runtime] = sandbox; pod.spec.nodeSelector[runtime] = other",
            ),
        ];
        for (spec, why) in refusals {
            assert_eq!(admitted(spec).unwrap_err(), format!("pods \"x\" is forbidden: {why}"));
        }
    }

    #[test]
    fn the_same_amount_in_other_words_is_no_mismatch() {
        assert!(admitted(doc!({"runtimeClassName": "sandbox", "overhead": {"cpu": "0.25"}})).is_ok());
    }

    #[test]
    fn overhead_without_a_class_that_defines_it_is_refused() {
        let create = Write::create("", "pods");
        for spec in
            [doc!({"overhead": {"cpu": "1"}}), doc!({"runtimeClassName": "plain", "overhead": {"cpu": "1"}})]
        {
            assert_eq!(
                create.refusal(&plugin(), &doc!({"spec": spec})),
                r#"pods "x" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"#
            );
        }
    }
}
