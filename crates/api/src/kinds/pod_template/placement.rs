//! Where a pod may go: node selector, affinity, tolerations, topology spread.

use crate::validation::{invalid, labels, one_of};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, names};

pub(super) fn validate(spec: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = labels::labels(&field.child("nodeSelector"), spec.object_at(&["nodeSelector"]));
    out.extend(affinity(spec, &field.child("affinity")));
    out.extend(tolerations_errors(spec.array_at(&["tolerations"]), &field.child("tolerations")));
    out.extend(spread(spec, &field.child("topologySpreadConstraints")));
    out
}

fn affinity(spec: &Document, field: &FieldPath) -> FieldErrors {
    const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
    const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
    let mut out = FieldErrors::new();
    let at = field.child("nodeAffinity");
    if let Some(required) = spec.at(&["affinity", "nodeAffinity", REQUIRED]).filter(|r| !r.is_null()) {
        let at = at.child(REQUIRED).child("nodeSelectorTerms");
        let terms = required.array_at(&["nodeSelectorTerms"]);
        if terms.is_empty() {
            out.push(FieldError::required(&at, "must have at least one node selector term"));
        }
        for (i, term) in terms.iter().enumerate() {
            out.extend(node_term(term, &at.index(i)));
        }
    }
    for (i, preference) in spec.array_at(&["affinity", "nodeAffinity", PREFERRED]).iter().enumerate() {
        let at = at.child(PREFERRED).index(i);
        out.extend(weight(preference, &at));
        if let Some(term) = preference.get("preference") {
            out.extend(node_term(term, &at.child("preference")));
        }
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let at = field.child(kind);
        for (i, term) in spec.array_at(&["affinity", kind, REQUIRED]).iter().enumerate() {
            out.extend(pod_term(term, &at.child(REQUIRED).index(i)));
        }
        for (i, preference) in spec.array_at(&["affinity", kind, PREFERRED]).iter().enumerate() {
            let at = at.child(PREFERRED).index(i);
            out.extend(weight(preference, &at));
            if let Some(term) = preference.get("podAffinityTerm") {
                out.extend(pod_term(term, &at.child("podAffinityTerm")));
            }
        }
    }
    out
}

fn weight(preference: &Document, field: &FieldPath) -> Option<FieldError> {
    let weight = preference.i64_at(&["weight"]).unwrap_or(0);
    (!(1..=100).contains(&weight))
        .then(|| FieldError::invalid(&field.child("weight"), weight, "must be in the range 1-100"))
}

fn node_term(term: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    for (i, requirement) in term.array_at(&["matchExpressions"]).iter().enumerate() {
        let at = field.child("matchExpressions").index(i);
        let (key, values) = (requirement.str_at(&["key"]), requirement.array_at(&["values"]));
        match requirement.str_at(&["operator"]) {
            "In" | "NotIn" if values.is_empty() => {
                let why = "must be specified when `operator` is 'In' or 'NotIn'";
                out.push(FieldError::required(&at.child("values"), why));
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                let why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                out.push(FieldError::forbidden(&at.child("values"), why));
            }
            "Gt" | "Lt" if values.len() != 1 => {
                let why = "must be specified single value when `operator` is 'Lt' or 'Gt'";
                out.push(FieldError::required(&at.child("values"), why));
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
            other => {
                out.push(FieldError::invalid(&at.child("operator"), other, "not a valid selector operator"))
            }
        }
        out.extend(invalid(&at.child("key"), key, names::qualified_name(key)));
    }
    for (i, requirement) in term.array_at(&["matchFields"]).iter().enumerate() {
        let at = field.child("matchFields").index(i);
        match requirement.str_at(&["operator"]) {
            "In" | "NotIn" if requirement.array_at(&["values"]).len() == 1 => {}
            "In" | "NotIn" => out.push(FieldError::required(
                &at.child("values"),
                "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
            )),
            other => {
                out.push(FieldError::invalid(&at.child("operator"), other, "not a valid selector operator"))
            }
        }
        if requirement.str_at(&["key"]) != "metadata.name" {
            let key = requirement.str_at(&["key"]);
            out.push(FieldError::invalid(&at.child("key"), key, "not a valid field selector key"));
        }
    }
    out
}

fn pod_term(term: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = labels::selector(&field.child("labelSelector"), term.get("labelSelector"));
    out.extend(labels::selector(&field.child("namespaceSelector"), term.get("namespaceSelector")));
    for (i, namespace) in term.array_at(&["namespaces"]).iter().filter_map(Document::as_str).enumerate() {
        out.extend(invalid(&field.child("namespaces").index(i), namespace, names::dns1123_label(namespace)));
    }
    let key = term.str_at(&["topologyKey"]);
    let at = field.child("topologyKey");
    if key.is_empty() {
        out.push(FieldError::required(&at, "can not be empty"));
    } else {
        out.extend(invalid(&at, key, names::qualified_name(key)));
    }
    out
}

/// What is wrong with tolerations.
pub(super) fn tolerations_errors(tolerations: &[Document], field: &FieldPath) -> FieldErrors {
    tolerations.iter().enumerate().flat_map(|(i, t)| toleration_errors(t, &field.index(i))).collect()
}

/// What is wrong with a toleration.
fn toleration_errors(toleration: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    let text = |name: &str| toleration.str_at(&[name]);
    let (key, operator, value, effect) = (text("key"), text("operator"), text("value"), text("effect"));
    if !key.is_empty() {
        out.extend(invalid(&field.child("key"), key, names::qualified_name(key)));
    } else if operator != "Exists" {
        let why =
            "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        out.push(FieldError::invalid(&field.child("operator"), operator, why));
    }
    if toleration.i64_at(&["tolerationSeconds"]).is_some() && effect != "NoExecute" {
        let why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
        out.push(FieldError::invalid(&field.child("effect"), effect, why));
    }
    match operator {
        "" | "Equal" => out.extend(invalid(&field.child("operator"), value, names::label_value(value))),
        "Exists" if !value.is_empty() => {
            let why = "value must be empty when `operator` is 'Exists'";
            out.push(FieldError::invalid(field, toleration, why));
        }
        "Exists" => {}
        other => out.push(FieldError::not_supported(&field.child("operator"), other, &["Equal", "Exists"])),
    }
    if !effect.is_empty() {
        let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
        out.extend(one_of(&field.child("effect"), effect, &effects));
    }
    out
}

fn spread(spec: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for (i, constraint) in spec.array_at(&["topologySpreadConstraints"]).iter().enumerate() {
        let at = field.index(i);
        let skew = constraint.i64_at(&["maxSkew"]).unwrap_or(0);
        if skew <= 0 {
            out.push(FieldError::invalid(&at.child("maxSkew"), skew, "must be greater than zero"));
        }
        let key = constraint.str_at(&["topologyKey"]);
        if key.is_empty() {
            out.push(FieldError::required(&at.child("topologyKey"), "can not be empty"));
        } else {
            out.extend(invalid(&at.child("topologyKey"), key, names::qualified_name(key)));
        }
        let action = constraint.str_at(&["whenUnsatisfiable"]);
        let allowed = ["DoNotSchedule", "ScheduleAnyway"];
        if !allowed.contains(&action) {
            out.push(FieldError::not_supported(&at.child("whenUnsatisfiable"), action, &allowed));
        }
        if let Some(domains) = constraint.i64_at(&["minDomains"]) {
            if domains <= 0 {
                out.push(FieldError::invalid(&at.child("minDomains"), domains, "must be greater than zero"));
            }
            if action != "DoNotSchedule" {
                let why = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
                out.push(FieldError::invalid(&at.child("minDomains"), domains, why));
            }
        }
        for policy in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            if let Some(value) = constraint.get(policy).and_then(Document::as_str) {
                out.extend(one_of(&at.child(policy), value, &["Honor", "Ignore"]));
            }
        }
        if seen.contains(&(key, action)) {
            let at = at.child("{topologyKey, whenUnsatisfiable}");
            out.push(FieldError::duplicate(&at, format!("{{{key}, {action}}}")));
        }
        seen.push((key, action));
        out.extend(labels::selector(&at.child("labelSelector"), constraint.get("labelSelector")));
    }
    out
}
