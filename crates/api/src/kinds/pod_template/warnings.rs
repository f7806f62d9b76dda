//! What is allowed in a pod but hardly meant: deprecated labels and volumes, definitions that hide one another, selectors
//! that select nothing. Each text becomes a `Warning` header.

use skiff_apimachinery::{Document, FieldPath, Map, Quantity, names};
use std::collections::HashMap;

const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";
const APPARMOR_CONTAINER: &str = "container.apparmor.security.beta.kubernetes.io/";

/// Warnings for a new pod.
pub(crate) fn for_pod(pod: &Document) -> Vec<String> {
    let mut out = name_warning(pod.name(), "the Pod's hostname");
    out.extend(for_spec(pod, &FieldPath::root(), false));
    out
}

/// Warnings for a workload whose template, under these keys, is new or changed.
pub(crate) fn for_workload(new: &Document, old: Option<&Document>, path: &[&str]) -> Vec<String> {
    let mut out = Vec::new();
    if old.is_none() {
        out.extend(name_warning(new.name(), "Pod names and hostnames"));
    }
    let Some(template) = new.at(path) else { return out };
    if old.and_then(|old| old.at(path)) == Some(template) {
        return out;
    }
    let field = path.iter().fold(FieldPath::root(), |field, name| field.child(name));
    out.extend(for_spec(template, &field, true));
    out
}

fn name_warning(name: &str, used_in: &str) -> Vec<String> {
    let complaints = names::dns1123_label(name);
    // a generated name is not known yet
    if complaints.is_empty() || name.is_empty() {
        return Vec::new();
    }
    vec![format!(
        "metadata.name: this is used in {used_in}, which can result in surprising behavior; a DNS label is recommended: [{}]",
        complaints.join(" ")
    )]
}

/// Warnings for something with `metadata` and a pod's `spec`.
fn for_spec(holder: &Document, field: &FieldPath, is_template: bool) -> Vec<String> {
    let Some(spec) = holder.get("spec") else { return Vec::new() };
    let place = field.child("spec");
    let mut out = Vec::new();
    placement(spec, &place, &mut out);
    annotations(holder, field, is_template, &mut out);
    volumes(spec, &place, &mut out);
    repeated_names(spec, &place, &mut out);
    for_containers(spec, &place, |container, place| {
        fractions(container, place, &mut out);
        hidden_variables(container, place, &mut out);
    });
    ports(spec, &place, &mut out);
    if spec.i64_at(&["terminationGracePeriodSeconds"]).is_some_and(|seconds| seconds < 0) {
        let place = place.child("terminationGracePeriodSeconds");
        out.push(format!("{place}: must be >= 0; negative values are invalid and will be treated as 1"));
    }
    out
}

fn for_containers<'a>(
    spec: &'a Document,
    field: &FieldPath,
    mut visit: impl FnMut(&'a Document, &FieldPath),
) {
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for (i, container) in spec.array_at(&[list]).iter().enumerate() {
            visit(container, &field.child(list).index(i));
        }
    }
}

fn deprecated_label(key: &str) -> Option<&'static str> {
    match key {
        "beta.kubernetes.io/arch" => Some(r#"deprecated since v1.14; use "kubernetes.io/arch" instead"#),
        "beta.kubernetes.io/os" => Some(r#"deprecated since v1.14; use "kubernetes.io/os" instead"#),
        "failure-domain.beta.kubernetes.io/region" => {
            Some(r#"deprecated since v1.17; use "topology.kubernetes.io/region" instead"#)
        }
        "failure-domain.beta.kubernetes.io/zone" => {
            Some(r#"deprecated since v1.17; use "topology.kubernetes.io/zone" instead"#)
        }
        "beta.kubernetes.io/instance-type" => {
            Some(r#"deprecated since v1.17; use "node.kubernetes.io/instance-type" instead"#)
        }
        _ => None,
    }
}

fn placement(spec: &Document, field: &FieldPath, out: &mut Vec<String>) {
    const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
    const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
    for key in spec.object_at(&["nodeSelector"]).into_iter().flat_map(Map::keys) {
        if let Some(why) = deprecated_label(key) {
            out.push(format!("{}: {why}", field.child("nodeSelector").key(key)));
        }
    }
    let affinity = field.child("affinity");
    let node = affinity.child("nodeAffinity");
    let terms = spec.array_at(&["affinity", "nodeAffinity", REQUIRED, "nodeSelectorTerms"]);
    for (i, term) in terms.iter().enumerate() {
        node_term(term, &node.child(REQUIRED).child("nodeSelectorTerms").index(i), out);
    }
    for (i, preferred) in spec.array_at(&["affinity", "nodeAffinity", PREFERRED]).iter().enumerate() {
        node_term(&preferred["preference"], &node.child(PREFERRED).index(i).child("preference"), out);
    }
    for (i, constraint) in spec.array_at(&["topologySpreadConstraints"]).iter().enumerate() {
        let place = field.child("topologySpreadConstraints").index(i);
        let key = constraint.str_at(&["topologyKey"]);
        if let Some(why) = deprecated_label(key) {
            out.push(format!("{}: {key} is {why}", place.child("topologyKey")));
        }
        null_selector(constraint, &place, out);
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let place = affinity.child(kind);
        for (i, term) in spec.array_at(&["affinity", kind, REQUIRED]).iter().enumerate() {
            null_selector(term, &place.child(REQUIRED).index(i), out);
        }
        for (i, term) in spec.array_at(&["affinity", kind, PREFERRED]).iter().enumerate() {
            let place = place.child(PREFERRED).index(i).child("podAffinityTerm");
            null_selector(&term["podAffinityTerm"], &place, out);
        }
    }
}

fn node_term(term: &Document, field: &FieldPath, out: &mut Vec<String>) {
    for (i, expression) in term.array_at(&["matchExpressions"]).iter().enumerate() {
        let key = expression.str_at(&["key"]);
        if let Some(why) = deprecated_label(key) {
            let place = field.child("matchExpressions").index(i).child("key");
            out.push(format!("{place}: {key} is {why}"));
        }
    }
}

fn null_selector(holder: &Document, field: &FieldPath, out: &mut Vec<String>) {
    if holder["labelSelector"].is_null() {
        out.push(format!(
            "{}: a null labelSelector results in matching no pod",
            field.child("labelSelector")
        ));
    }
}

fn annotations(holder: &Document, field: &FieldPath, is_template: bool, out: &mut Vec<String>) {
    let Some(given) = holder.annotations() else { return };
    let place = field.child("metadata").child("annotations");
    let mut warn = |key: &str, why: &str| out.push(format!("{}: {why}", place.key(key)));
    for (key, why) in [
        (
            "scheduler.alpha.kubernetes.io/critical-pod",
            r#"non-functional in v1.16+; use the "priorityClassName" field instead"#,
        ),
        (
            "security.alpha.kubernetes.io/sysctls",
            r#"non-functional in v1.11+; use the "sysctls" field instead"#,
        ),
        (
            "security.alpha.kubernetes.io/unsafe-sysctls",
            r#"non-functional in v1.11+; use the "sysctls" field instead"#,
        ),
    ] {
        if given.contains_key(key) {
            warn(key, why);
        }
    }
    let has = |holder: &Document, profile: &str| {
        holder.at(&["securityContext", profile]).is_some_and(|p| !p.is_null())
    };
    let spec = &holder["spec"];
    const SECCOMP: &str = r#"non-functional in v1.27+; use the "seccompProfile" field instead"#;
    if given.contains_key(SECCOMP_POD) && !has(spec, "seccompProfile") {
        warn(SECCOMP_POD, SECCOMP);
    }
    for_containers(spec, field, |container, _| {
        let key = |prefix: &str| format!("{prefix}{}", container.str_at(&["name"]));
        let seccomp = key(SECCOMP_CONTAINER);
        if given.contains_key(&seccomp) && !has(container, "seccompProfile") {
            warn(&seccomp, SECCOMP);
        }
        let apparmor = key(APPARMOR_CONTAINER);
        let said = has(spec, "appArmorProfile") || has(container, "appArmorProfile");
        if is_template && !said && given.contains_key(&apparmor) {
            warn(&apparmor, r#"deprecated since v1.30; use the "appArmorProfile" field instead"#);
        }
    });
}

fn volumes(spec: &Document, field: &FieldPath, out: &mut Vec<String>) {
    const DEPRECATED: [(&str, &str); 9] = [
        ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
        ("gitRepo", "deprecated in v1.11"),
        ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
        ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
        ("storageos", "deprecated in v1.22, non-functional in v1.25+"),
        ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
        ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
        ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
        ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
    ];
    for (i, volume) in spec.array_at(&["volumes"]).iter().enumerate() {
        for (source, why) in DEPRECATED {
            if volume.get(source).is_some_and(|source| !source.is_null()) {
                // upstream names the Go field here
                let shown = if source == "storageos" { "storageOS" } else { source };
                out.push(format!("{}: {why}", field.child("volumes").index(i).child(shown)));
            }
        }
    }
}

fn repeated_names(spec: &Document, field: &FieldPath, out: &mut Vec<String>) {
    for (list, name) in [("hostAliases", "ip"), ("imagePullSecrets", "name")] {
        let mut seen = Vec::new();
        for (i, element) in spec.array_at(&[list]).iter().enumerate() {
            let value = element.str_at(&[name]);
            if seen.contains(&value) {
                let place = field.child(list).index(i).child(name);
                out.push(format!("{place}: duplicate {name} {value:?}"));
            }
            seen.push(value);
        }
    }
    for (i, secret) in spec.array_at(&["imagePullSecrets"]).iter().enumerate() {
        if secret.str_at(&["name"]).is_empty() {
            let place = field.child("imagePullSecrets").index(i).child("name");
            out.push(format!("{place}: invalid empty name \"\""));
        }
    }
    fractional_bytes(spec.object_at(&["overhead"]), &field.child("overhead"), out);
}

fn fractions(container: &Document, field: &FieldPath, out: &mut Vec<String>) {
    for list in ["limits", "requests"] {
        let amounts = container.object_at(&["resources", list]);
        fractional_bytes(amounts, &field.child("resources").child(list), out);
    }
}

fn fractional_bytes(amounts: Option<&Map>, field: &FieldPath, out: &mut Vec<String>) {
    for name in ["memory", "ephemeral-storage"] {
        let amount = amounts.and_then(|map| map.get(name)).and_then(Quantity::from_document);
        if let Some(Ok(amount)) = amount
            && !amount.is_whole()
        {
            let place = field.key(name);
            out.push(format!("{place}: fractional byte value \"{amount}\" is invalid, must be an integer"));
        }
    }
}

/// A second definition of a variable is fine only if it builds on the first.
fn hidden_variables(container: &Document, field: &FieldPath, out: &mut Vec<String>) {
    let mut seen = Vec::new();
    for (i, variable) in container.array_at(&["env"]).iter().enumerate() {
        let (name, value) = (variable.str_at(&["name"]), variable.str_at(&["value"]));
        if !seen.contains(&name) {
            seen.push(name);
            continue;
        }
        let reference = format!("$({name})");
        let replaced = !variable["valueFrom"].is_null();
        if replaced || value == reference || !value.contains(&reference) {
            let place = field.child("env").index(i);
            out.push(format!(
                "{place}: hides previous definition of {name:?}, which may be dropped when using apply"
            ));
        }
    }
}

fn ports(spec: &Document, field: &FieldPath, out: &mut Vec<String>) {
    let mut known: HashMap<(i64, &str), Vec<(&Document, FieldPath)>> = HashMap::new();
    for_containers(spec, field, |container, place| {
        for (i, port) in container.array_at(&["ports"]).iter().enumerate() {
            let place = place.child("ports").index(i);
            let key = (port.i64_at(&["containerPort"]).unwrap_or(0), port.str_at(&["protocol"]));
            let others = known.entry(key).or_default();
            for (other, other_place) in others.iter() {
                if let Some(how) = overlap(port, other) {
                    out.push(format!("{place}: {how} port definition with {other_place}"));
                }
            }
            others.push((port, place));
        }
    });
}

fn overlap(port: &Document, other: &Document) -> Option<&'static str> {
    let ip = |port: &Document| port.str_at(&["hostIP"]).to_owned();
    let host = |port: &Document| port.i64_at(&["hostPort"]).unwrap_or(0);
    if ip(port) == ip(other) && host(port) == host(other) {
        return Some("duplicate");
    }
    if host(port) == 0 || host(other) == 0 {
        return Some("overlapping");
    }
    (host(port) == host(other) && ip(port).is_empty() != ip(other).is_empty())
        .then_some("dangerously ambiguous")
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn what_is_hardly_meant_is_told_in_upstreams_words() {
        let pod = doc!({
            "metadata": {"name": "a.b"},
            "spec": {
                "nodeSelector": {"beta.kubernetes.io/os": "linux"},
                "terminationGracePeriodSeconds": -1,
                "volumes": [{"name": "v", "gitRepo": {}}],
                "imagePullSecrets": [{"name": "s"}, {"name": "s"}],
                "containers": [{
                    "name": "c",
                    "resources": {"limits": {"memory": "100m"}},
                    "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}, {"name": "A", "value": "$(A)3"}],
                    "ports": [{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 80, "protocol": "TCP"}]
                }]
            }
        });
        assert_eq!(
            for_pod(&pod),
            [
                "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]",
                "spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use \"kubernetes.io/os\" instead",
                "spec.volumes[0].gitRepo: deprecated in v1.11",
                "spec.imagePullSecrets[1].name: duplicate name \"s\"",
                "spec.containers[0].resources.limits[memory]: fractional byte value \"100m\" is invalid, must be an integer",
                "spec.containers[0].env[1]: hides previous definition of \"A\", which may be dropped when using apply",
                "spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]",
                "spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1",
            ]
        );
    }

    #[test]
    fn a_template_that_does_not_change_is_not_told_again() {
        let workload = doc!({"metadata": {"name": "w"}, "spec": {"template": {"spec": {
            "topologySpreadConstraints": [{"topologyKey": "zone"}], "containers": []
        }}}});
        let path = ["spec", "template"];
        assert_eq!(
            for_workload(&workload, None, &path),
            [
                "spec.template.spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod"
            ]
        );
        assert!(for_workload(&workload, Some(&workload), &path).is_empty());
    }
}
