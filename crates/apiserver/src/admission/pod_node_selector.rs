//! `PodNodeSelector`: a namespace says on which nodes its pods run.

use super::{Operation, Plugin, Request, plain_error};
use crate::objects::Objects;
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, FieldError, FieldPath, GroupResource, Map, Status, names};
use std::sync::Arc;

/// The namespace's annotation: `KEY=VALUE`, more after commas.
const ANNOTATION: &str = "scheduler.alpha.kubernetes.io/node-selector";

/// The plugin.
pub struct PodNodeSelector {
    objects: Arc<dyn Objects>,
}

impl PodNodeSelector {
    /// Over current namespaces.
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self { objects }
    }

    /// What the namespace asks of nodes, if the pod does not contradict it.
    fn selector(&self, request: &Request<'_>, pod: &Document) -> Result<Map, Status> {
        let name = request.namespace;
        let Some(namespace) = self.objects.get(&GroupResource::new("", "namespaces"), "", name) else {
            return Err(Status::internal(format!("namespace {name} does not exist")));
        };
        let wanted = namespace.annotation(ANNOTATION).unwrap_or_default();
        let wanted = parse(wanted).map_err(|why| plain_error(&why))?;
        let given = |key: &str| pod.at(&["spec", "nodeSelector", key]);
        if wanted.iter().any(|(key, value)| given(key).is_some_and(|given| given != value)) {
            let why = "pod node label selector conflicts with its namespace node label selector";
            return Err(request.forbidden(why));
        }
        Ok(wanted)
    }

    fn apply(&self, request: &Request<'_>, pod: &mut Document) -> Result<(), Status> {
        if !is_new_pod(request) {
            return Ok(());
        }
        for (key, value) in self.selector(request, pod)?.iter() {
            pod.set(&["spec", "nodeSelector", key], value);
        }
        Ok(())
    }

    fn check(&self, request: &Request<'_>, pod: &Document) -> Result<(), Status> {
        if !is_new_pod(request) {
            return Ok(());
        }
        self.selector(request, pod).map(drop)
    }
}

fn is_new_pod(request: &Request<'_>) -> bool {
    request.operation == Operation::Create && request.is("", "pods")
}

/// Reads the labels of a selector that knows no other operator than `=`.
fn parse(selector: &str) -> Result<Map, String> {
    let mut labels = Map::new();
    if selector.is_empty() {
        return Ok(labels);
    }
    let field = FieldPath::root();
    for label in selector.split(',') {
        let parts: Vec<&str> = label.split('=').collect();
        let [key, value] = parts.as_slice() else {
            return Err(format!("invalid selector: [{}]", parts.join(" ")));
        };
        let (key, value) = (key.trim(), value.trim());
        let complaints = names::qualified_name(key);
        if !complaints.is_empty() {
            return Err(FieldError::invalid(&field, key, complaints.join("; ")).to_string());
        }
        let complaints = names::label_value(value);
        if !complaints.is_empty() {
            return Err(FieldError::invalid(&field.key(key), value, complaints.join("; ")).to_string());
        }
        labels.insert(key, value);
    }
    Ok(labels)
}

impl Plugin for PodNodeSelector {
    fn name(&self) -> &'static str {
        "PodNodeSelector"
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

    fn admitted(selector: &str, pod: Document) -> Result<Document, Status> {
        let namespace = doc!({"metadata": {"name": "a", "annotations": {(ANNOTATION): selector}}});
        let plugin = PodNodeSelector::new(testing::objects(vec![("namespaces", namespace)]));
        Write::create("", "pods").admit(&plugin, pod)
    }

    #[test]
    fn a_pod_gets_the_selector_of_its_namespace_beside_its_own() {
        let pod = doc!({"spec": {"nodeSelector": {"disk": "fast", "team": "red"}}});
        assert_eq!(
            admitted("team=red, env = prod", pod).unwrap()["spec"]["nodeSelector"],
            doc!({"disk": "fast", "team": "red", "env": "prod"})
        );
        assert_eq!(admitted("", doc!({"spec": {}})).unwrap(), doc!({"spec": {}}));
    }

    #[test]
    fn a_pod_cannot_contradict_its_namespace() {
        let pod = doc!({"spec": {"nodeSelector": {"team": "blue"}}});
        assert_eq!(
            admitted("team=red", pod).unwrap_err().message,
            r#"pods "x" is forbidden: pod node label selector conflicts with its namespace node label selector"#
        );
    }

    #[test]
    fn a_selector_that_is_none_fails_the_request() {
        let status = admitted("team", doc!({"spec": {}})).unwrap_err();
        assert_eq!((status.code, status.message.as_str()), (500, "invalid selector: [team]"));
        assert!(parse("team=a b").is_err());
        assert!(parse("=a").is_err());
    }

    #[test]
    fn a_namespace_that_is_not_there_fails_the_request() {
        let nowhere = PodNodeSelector::new(testing::objects(Vec::new()));
        assert_eq!(
            Write::create("", "pods").refusal(&nowhere, &doc!({"spec": {}})),
            "Internal error occurred: namespace a does not exist"
        );
    }
}
