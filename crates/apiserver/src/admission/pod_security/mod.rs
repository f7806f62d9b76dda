//! `PodSecurity`: holds pods to the Pod Security Standards, at the level that their namespace's labels ask
//! for (upstream's `k8s.io/pod-security-admission`).
//!
//! A pod that breaks the enforced level is refused. Of pods that break the warned level, and of workloads
//! whose pods would, the client is warned. A namespace is refused bad labels, and who tightens what it
//! enforces is warned of pods that are there already. Without labels nothing is asked; no user, namespace or
//! runtime class is exempt.
//!
//! Audit annotations are left out, because a [`Request`] has no place for them.

mod checks;
mod existing_pods;
mod pod;
mod pod_update;
pub mod policy;
mod profiles;
mod setters;
#[cfg(test)]
mod tests;
mod violation;
mod words;

use super::{Operation, Plugin, Request};
use crate::objects::Objects;
use checks::evaluate;
use futures::future::BoxFuture;
use pod::Pod;
use policy::{Level, LevelVersion, Policy};
use skiff_apimachinery::{Document, GroupResource, Status};
use std::sync::Arc;
use std::time::Instant;
use violation::forbidden_detail;

/// Subresources of pods that cannot change what the pod is. Any other is looked at (upstream's
/// `ignoredPodSubresources`), so that a new one does not become a way around the policy.
const IGNORED_POD_SUBRESOURCES: [&str; 8] =
    ["attach", "binding", "eviction", "exec", "log", "portforward", "proxy", "status"];

/// Workloads, and where each has its pod template (upstream's `PodSpecExtractor`).
const TEMPLATES: &[(&str, &str, &[&str])] = &[
    ("", "podtemplates", &["template"]),
    ("", "replicationcontrollers", &["spec", "template"]),
    ("apps", "daemonsets", &["spec", "template"]),
    ("apps", "deployments", &["spec", "template"]),
    ("apps", "replicasets", &["spec", "template"]),
    ("apps", "statefulsets", &["spec", "template"]),
    ("batch", "cronjobs", &["spec", "jobTemplate", "spec", "template"]),
    ("batch", "jobs", &["spec", "template"]),
];

/// The plugin.
pub struct PodSecurity {
    objects: Arc<dyn Objects>,
}

impl PodSecurity {
    /// Over current namespaces and pods.
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self { objects }
    }

    fn check(&self, request: &mut Request<'_>, object: &Document) -> Result<(), Status> {
        if !matches!(request.operation, Operation::Create | Operation::Update) {
            return Ok(());
        }
        match (request.resource.gvk.group.as_ref(), request.resource.plural.as_ref()) {
            ("", "namespaces") => self.check_namespace(request, object),
            ("", "pods") => self.check_pod(request, object),
            (group, plural) => {
                if let Some(template) = template(group, plural, object) {
                    self.check_workload(request, Pod::new(template));
                }
                Ok(())
            }
        }
    }

    fn check_namespace(&self, request: &mut Request<'_>, namespace: &Document) -> Result<(), Status> {
        if !request.subresource.is_empty() {
            return Ok(());
        }
        let (policy, errors) = Policy::of_labels(namespace);
        let before = request.old.map(Policy::of_labels);
        // Bad labels that were there already do not stand in the way of other changes.
        let is_old_news = before.as_ref().is_some_and(|(_, old)| *old == errors);
        if !errors.is_empty() && !is_old_news {
            return Err(Status::invalid(&request.resource.group_kind(), request.name, &errors));
        }
        if before.is_some_and(|(old, _)| is_tighter(policy.enforce, old.enforce)) {
            let pods = self.objects.list(&GroupResource::new("", "pods"), namespace.name());
            let deadline = Instant::now() + existing_pods::TIMEOUT;
            let warnings = existing_pods::warnings(namespace.name(), &pods, policy.enforce, deadline);
            request.warnings.extend(warnings);
        }
        Ok(())
    }

    fn check_pod(&self, request: &mut Request<'_>, object: &Document) -> Result<(), Status> {
        if IGNORED_POD_SUBRESOURCES.contains(&request.subresource) {
            return Ok(());
        }
        let Some(policy) = self.policy_of(request.namespace) else {
            return Err(Status::internal(format!("failed to lookup namespace {:?}", request.namespace)));
        };
        let is_insignificant = request.old.is_some_and(|old| !pod_update::is_significant(object, old));
        if policy.is_fully_privileged() || is_insignificant {
            return Ok(());
        }
        let pod = Pod::new(object);
        if let Some(what) = broken(policy.enforce, pod) {
            return Err(request.forbidden(&format!("violates {what}")));
        }
        warn(request, policy.warn, pod);
        Ok(())
    }

    /// Workloads are never refused: it is their pods that count.
    fn check_workload(&self, request: &mut Request<'_>, template: Pod<'_>) {
        if !request.subresource.is_empty() {
            return;
        }
        if let Some(policy) = self.policy_of(request.namespace) {
            warn(request, policy.warn, template);
        }
    }

    /// The policy of a namespace; bad labels count as [`Policy::of_labels`] says.
    fn policy_of(&self, namespace: &str) -> Option<Policy> {
        let namespace = self.objects.get(&GroupResource::new("", "namespaces"), "", namespace)?;
        Some(Policy::of_labels(&namespace).0)
    }
}

fn template<'a>(group: &str, plural: &str, object: &'a Document) -> Option<&'a Document> {
    let (_, _, path) = TEMPLATES.iter().find(|row| (row.0, row.1) == (group, plural))?;
    object.at(path)
}

/// Whether pods that were good enough may not be so any more.
fn is_tighter(new: LevelVersion, old: LevelVersion) -> bool {
    new.level != Level::Privileged && (new.version != old.version || new.level > old.level)
}

/// `PodSecurity "restricted:latest": reason (detail), ...`; `None` for a pod that keeps to the policy.
fn broken(policy: LevelVersion, pod: Pod<'_>) -> Option<String> {
    let violations = evaluate(policy, pod);
    (!violations.is_empty()).then(|| format!("PodSecurity \"{policy}\": {}", forbidden_detail(&violations)))
}

fn warn(request: &mut Request<'_>, policy: LevelVersion, pod: Pod<'_>) {
    if let Some(what) = broken(policy, pod) {
        request.warnings.push(format!("would violate {what}"));
    }
}

impl Plugin for PodSecurity {
    fn name(&self) -> &'static str {
        "PodSecurity"
    }

    fn validate<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(self.check(request, object)))
    }
}
