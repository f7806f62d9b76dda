//! What may change in a pod.

use super::super::pod_template::{self, Within};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// Changes of the pod itself: images, a shorter deadline, more tolerations, fewer scheduling gates.
pub(super) fn validate(new: &Document, old: &Document) -> FieldErrors {
    static EMPTY: Document = Document::NULL;
    let field = FieldPath::new("spec");
    let (new_spec, old_spec) = (new.get("spec").unwrap_or(&EMPTY), old.get("spec").unwrap_or(&EMPTY));
    let mut out = FieldErrors::new();
    if new_spec == old_spec {
        return out;
    }
    out.extend(pod_template::validate_spec(new_spec, &field, Within::Pod));
    for list in ["containers", "initContainers"] {
        let (new, old) = (new_spec.array_at(&[list]).len(), old_spec.array_at(&[list]).len());
        if new != old {
            let why = "pod updates may not add or remove containers";
            out.push(FieldError::forbidden(&field.child(list), why));
            return out;
        }
    }
    out.extend(deadline(new_spec, old_spec, &field));
    out.extend(added_gates(new_spec, old_spec, &field));
    out.extend(changed_tolerations(new_spec, old_spec, &field));
    let gated = !old_spec.array_at(&["schedulingGates"]).is_empty();
    if masked(new_spec, old_spec, gated) != *old_spec {
        let why = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
        out.push(FieldError::forbidden(&field, why));
    }
    out
}

/// The new spec with the changes that are allowed taken back: equal to the old one if nothing else changed.
fn masked(new: &Document, old: &Document, gated: bool) -> Document {
    let mut masked = new.clone();
    for list in ["containers", "initContainers"] {
        if let Some(containers) = masked.get_mut(list).and_then(Document::as_array_mut) {
            for (container, old) in containers.iter_mut().zip(old.array_at(&[list])) {
                restore(container, old, "image");
            }
        }
    }
    for field in ["activeDeadlineSeconds", "tolerations", "schedulingGates"] {
        restore(&mut masked, old, field);
    }
    if old.i64_at(&["terminationGracePeriodSeconds"]).is_some_and(|s| s < 0)
        && new.i64_at(&["terminationGracePeriodSeconds"]) == Some(1)
    {
        restore(&mut masked, old, "terminationGracePeriodSeconds");
    }
    // A gated pod may be narrowed: labels may be added to what its node must have.
    if gated {
        let added_only = old
            .object_at(&["nodeSelector"])
            .is_none_or(|old| old.iter().all(|(k, v)| new.at(&["nodeSelector", k]) == Some(v)));
        if added_only {
            restore(&mut masked, old, "nodeSelector");
        }
    }
    masked
}

fn restore(doc: &mut Document, old: &Document, field: &str) {
    match old.get(field) {
        Some(value) => doc.insert(field, value),
        None => drop(doc.remove(&[field])),
    }
}

fn deadline(new: &Document, old: &Document, field: &FieldPath) -> Option<FieldError> {
    let field = field.child("activeDeadlineSeconds");
    let new = new.i64_at(&["activeDeadlineSeconds"]);
    let old = old.i64_at(&["activeDeadlineSeconds"])?;
    match new {
        Some(new) if new > old => {
            let why = "must be less than or equal to previous value";
            Some(FieldError::invalid(&field, new, why))
        }
        Some(_) => None,
        None => {
            let why = "must not update from a positive integer to nil value";
            Some(FieldError::invalid(&field, Document::NULL, why))
        }
    }
}

fn added_gates(new: &Document, old: &Document, field: &FieldPath) -> FieldErrors {
    let old = old.array_at(&["schedulingGates"]);
    let added = new.array_at(&["schedulingGates"]).iter().enumerate().filter(|(_, gate)| !old.contains(gate));
    added
        .map(|(i, gate)| {
            let at = field.child("schedulingGates").index(i).child("name");
            let why = format!(
                "only deletion is allowed, but found new scheduling gate '{}'",
                gate.str_at(&["name"])
            );
            FieldError::forbidden(&at, why)
        })
        .collect()
}

fn changed_tolerations(new: &Document, old: &Document, field: &FieldPath) -> Option<FieldError> {
    let strip = |toleration: &Document| {
        let mut toleration = toleration.clone();
        toleration.remove(&["tolerationSeconds"]);
        toleration
    };
    let kept: Vec<Document> = new.array_at(&["tolerations"]).iter().map(strip).collect();
    let lost = old.array_at(&["tolerations"]).iter().map(strip).any(|toleration| !kept.contains(&toleration));
    lost.then(|| {
        let why = "existing toleration can not be modified except its tolerationSeconds";
        FieldError::forbidden(&field.child("tolerations"), why)
    })
}

/// Changes of the status: a container that ended stays so in a pod that does not restart it.
pub(super) fn validate_status(new: &Document, old: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    if new.at(&["spec", "nodeName"]) != old.at(&["spec", "nodeName"]) {
        let why = "may not be changed directly";
        out.push(FieldError::forbidden(&FieldPath::new("status").child("nodeName"), why));
    }
    let policy = old.str_at(&["spec", "restartPolicy"]);
    if policy == "Always" {
        return out;
    }
    for before in old.array_at(&["status", "containerStatuses"]) {
        let Some(ended) = before.at(&["state", "terminated"]).filter(|t| !t.is_null()) else { continue };
        if policy == "OnFailure" && ended.i64_at(&["exitCode"]) != Some(0) {
            continue;
        }
        let name = before.str_at(&["name"]);
        let now = new.array_at(&["status", "containerStatuses"]).iter().find(|s| s.str_at(&["name"]) == name);
        if now.is_some_and(|now| now.at(&["state", "terminated"]).is_none_or(Document::is_null)) {
            let at = FieldPath::new("status").child("containerStatuses").key(name).child("state");
            out.push(FieldError::forbidden(&at, "may not be transitioned to non-terminated state"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Strategy;
    use skiff_apimachinery::doc;

    fn pod() -> Document {
        let mut pod = doc!({"spec": {"containers": [{"name": "a", "image": "a:1"}]}});
        super::super::Pod.default(&mut pod);
        pod
    }

    #[test]
    fn an_image_may_change_and_a_command_may_not() {
        let (old, mut new) = (pod(), pod());
        new.at_mut(&["spec", "containers"]).unwrap().as_array_mut().unwrap()[0].insert("image", "a:2");
        assert_eq!(validate(&new, &old), []);
        new.at_mut(&["spec", "containers"]).unwrap().as_array_mut().unwrap()[0].insert("command", vec!["x"]);
        let errors = validate(&new, &old);
        assert!(
            errors[0]
                .to_string()
                .starts_with("spec: Forbidden: pod updates may not change fields other than")
        );
    }
}
