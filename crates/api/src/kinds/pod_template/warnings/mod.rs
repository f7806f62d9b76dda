//! What is allowed in a pod but hardly meant: deprecated labels and volumes, definitions that hide one another, selectors
//! that select nothing. Each text becomes a `Warning` header.

mod containers;
mod placement;
mod volumes;

use super::annotations::{PREFIX_APPARMOR, PREFIX_SECCOMP, SECCOMP};
use super::{app_armor, container, given};
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldPath, names};

const OLD_SECCOMP: &str = r#"non-functional in v1.27+; use the "seccompProfile" field instead"#;
const OLD_APPARMOR: &str = r#"deprecated since v1.30; use the "appArmorProfile" field instead"#;
/// Annotations that a field took the place of, in upstream's order.
const OLD_ANNOTATIONS: [(&str, &str); 3] = [
    (
        "scheduler.alpha.kubernetes.io/critical-pod",
        r#"non-functional in v1.16+; use the "priorityClassName" field instead"#,
    ),
    ("security.alpha.kubernetes.io/sysctls", r#"non-functional in v1.11+; use the "sysctls" field instead"#),
    (
        "security.alpha.kubernetes.io/unsafe-sysctls",
        r#"non-functional in v1.11+; use the "sysctls" field instead"#,
    ),
];

/// Warnings for a new pod.
pub(crate) fn for_pod(pod: &Document) -> Vec<String> {
    let root = FieldPath::root();
    let place = Place::at(&root);
    let mut out = synced_annotations(pod, &place);
    out.extend(name_warning(pod.name(), "the Pod's hostname"));
    out.extend(for_spec(pod, &place, false));
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
    out.extend(for_spec(template, &Place::at(&field), true));
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
fn for_spec(holder: &Document, place: &Place<'_>, is_template: bool) -> Vec<String> {
    let Some(spec) = given(holder, "spec") else { return Vec::new() };
    let at = &place.child("spec");
    let mut out = Vec::new();
    placement::of_nodes(spec, at, &mut out);
    let notes = place.child("metadata");
    let notes = &notes.child("annotations");
    for (key, why) in OLD_ANNOTATIONS {
        warn_of_annotation(holder, key, why, notes, &mut out);
    }
    volumes::deprecated(spec, at, &mut out);
    volumes::overlapping_paths(spec, &mut out);
    repeated_names(spec, at, &mut out);
    containers::fractions(
        spec.object_at(&["overhead"]),
        &["memory", "ephemeral-storage"],
        &at.child("overhead"),
        &mut out,
    );
    if !has_profile(spec, "seccompProfile") {
        warn_of_annotation(holder, SECCOMP, OLD_SECCOMP, notes, &mut out);
    }
    container::for_each(spec, at, |container, at| {
        old_profiles(container, holder, is_template, notes, &mut out);
        containers::resources(container, &at.child("resources"), &mut out);
        containers::hidden_variables(container, &at.child("env"), &mut out);
    });
    containers::ports(spec, at, &mut out);
    if spec.i64_at(&["terminationGracePeriodSeconds"]).is_some_and(|seconds| seconds < 0) {
        let at = at.child("terminationGracePeriodSeconds").path();
        out.push(format!("{at}: must be >= 0; negative values are invalid and will be treated as 1"));
    }
    placement::of_pods(spec, at, &mut out);
    out
}

fn has_profile(holder: &Document, field: &str) -> bool {
    holder.at(&["securityContext", field]).is_some_and(|profile| !profile.is_null())
}

fn warn_of_annotation(holder: &Document, key: &str, why: &str, place: &Place<'_>, out: &mut Vec<String>) {
    if holder.annotation(key).is_some() {
        out.push(format!("{}: {why}", place.key(key).path()));
    }
}

/// Annotations that say what a container's field could.
fn old_profiles(
    container: &Document,
    holder: &Document,
    is_template: bool,
    place: &Place<'_>,
    out: &mut Vec<String>,
) {
    if holder.annotations().is_none_or(|annotations| annotations.is_empty()) {
        return;
    }
    let name = container.str_at(&["name"]);
    if !has_profile(container, "seccompProfile") {
        warn_of_annotation(holder, &format!("{PREFIX_SECCOMP}{name}"), OLD_SECCOMP, place, out);
    }
    let said = has_profile(container, "appArmorProfile")
        || given(holder, "spec").is_some_and(|spec| has_profile(spec, "appArmorProfile"));
    if is_template && !said {
        warn_of_annotation(holder, &format!("{PREFIX_APPARMOR}{name}"), OLD_APPARMOR, place, out);
    }
}

/// Annotations about AppArmor that a new pod's fields were filled in from.
fn synced_annotations(pod: &Document, place: &Place<'_>) -> Vec<String> {
    let mut out = Vec::new();
    let Some(spec) = given(pod, "spec").filter(|spec| spec.str_at(&["os", "name"]) != "windows") else {
        return out;
    };
    if pod.annotations().is_none_or(|annotations| annotations.is_empty()) {
        return out;
    }
    let place = place.child("metadata");
    let notes = &place.child("annotations");
    container::for_each(spec, &place, |container, _| {
        let key = format!("{PREFIX_APPARMOR}{}", container.str_at(&["name"]));
        let Some(note) = pod.annotation(&key) else { return };
        let own = container.at(&["securityContext", "appArmorProfile"]);
        if app_armor::of_annotation(note).is_none_or(|profile| own == Some(&profile)) {
            warn_of_annotation(pod, &key, OLD_APPARMOR, notes, &mut out);
        }
    });
    out
}

/// What is said twice, or not at all.
fn repeated_names(spec: &Document, place: &Place<'_>, out: &mut Vec<String>) {
    for (list, name) in [("hostAliases", "ip"), ("imagePullSecrets", "name")] {
        let place = place.child(list);
        let elements = spec.array_at(&[list]);
        for (i, element) in elements.iter().enumerate() {
            let value = element.str_at(&[name]);
            if elements.iter().take(i).any(|earlier| earlier.str_at(&[name]) == value) {
                out.push(format!("{}: duplicate {name} {value:?}", place.index(i).child(name).path()));
            }
        }
    }
    let place = place.child("imagePullSecrets");
    for (i, secret) in spec.array_at(&["imagePullSecrets"]).iter().enumerate() {
        if secret.str_at(&["name"]).is_empty() {
            out.push(format!("{}: invalid empty name \"\"", place.index(i).child("name").path()));
        }
    }
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

    fn parse(text: &str) -> Document {
        skiff_apimachinery::json::decode(text.as_bytes()).unwrap()
    }

    fn of_spec(spec: &str) -> Vec<String> {
        for_pod(&doc!({"metadata": {"name": "p"}, "spec": parse(spec)}))
    }

    #[test]
    fn files_that_hide_one_another_are_told() {
        let cases: [(&str, &[&str]); 6] = [
            (
                r#"{"configMap": {"name": "c", "items": [{"path": "a"}, {"path": "a/"}, {"path": "ab"}]}}"#,
                &[r#"volume "v" (ConfigMap "c"): overlapping paths: "a" with "a""#],
            ),
            (
                r#"{"secret": {"secretName": "s", "items": [{"path": "a/b"}, {"path": "a"}]}}"#,
                &[r#"volume "v" (Secret "s"): overlapping paths: "a" with "a/b""#],
            ),
            (
                r#"{"downwardAPI": {"items": [{"path": "a"}, {"path": "a"}]}}"#,
                &[r#"volume "v" (DownwardAPI): overlapping paths: "a" with "a""#],
            ),
            (
                r#"{"projected": {"sources": [{"configMap": {"name": "c", "items": [{"path": "t"}]}}, {"serviceAccountToken": {"path": "t"}}]}}"#,
                &[
                    r#"volume "v" (Projected): overlapping paths: "t" (ServiceAccountToken) with "t" (ConfigMap "c")"#,
                ],
            ),
            (r#"{"projected": {"sources": [{}]}}"#, &[r#"volume "v" (Projected) has no sources provided"#]),
            (r#"{"configMap": {"name": "c", "items": [{"path": "a/b"}, {"path": "a/c"}]}}"#, &[]),
        ];
        for (volume, expected) in cases {
            let mut volume = parse(volume);
            volume.insert("name", "v");
            let pod = doc!({"metadata": {"name": "p"}, "spec": {"volumes": [volume]}});
            assert_eq!(for_pod(&pod), expected, "{pod}");
        }
    }

    #[test]
    fn each_part_of_a_pod_is_looked_at() {
        let cases: [(&str, &[&str]); 6] = [
            (
                r#"{"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"preference": {"matchExpressions": [
                    {"key": "beta.kubernetes.io/arch", "operator": "In", "values": ["-"]}]}}]}}}"#,
                &[
                    "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.matchExpressions[0].values[0]: - is invalid, a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
                    r#"spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.matchExpressions[0].key: beta.kubernetes.io/arch is deprecated since v1.14; use "kubernetes.io/arch" instead"#,
                ],
            ),
            (
                r#"{"containers": [{"name": "c", "ports": [{"containerPort": 80, "protocol": "TCP", "hostIP": "1.2.3.4"}]}]}"#,
                &[
                    "spec.containers[0].ports[0]: hostIP set without hostPort: {Name: HostPort:0 ContainerPort:80 Protocol:TCP HostIP:1.2.3.4}",
                ],
            ),
            (
                r#"{"containers": [{"name": "c", "ports": [{"containerPort": 80, "hostPort": 8080}]}, {"name": "d", "ports": [{"containerPort": 80}, {"containerPort": 80, "hostPort": 8080, "hostIP": "1.2.3.4"}]}]}"#,
                &[
                    "spec.containers[1].ports[0]: overlapping port definition with spec.containers[0].ports[0]",
                    "spec.containers[1].ports[1]: dangerously ambiguous port definition with spec.containers[0].ports[0]",
                    "spec.containers[1].ports[1]: overlapping port definition with spec.containers[1].ports[0]",
                ],
            ),
            (
                r#"{"volumes": [{"name": "v", "ephemeral": {"volumeClaimTemplate": {"spec": {"resources": {"requests": {"storage": "100m"}}}}}}]}"#,
                &[
                    r#"spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources.requests[storage]: fractional byte value "100m" is invalid, must be an integer"#,
                ],
            ),
            (
                r#"{"hostAliases": [{"ip": "1.1.1.1"}, {"ip": "1.1.1.1"}], "imagePullSecrets": [{"name": ""}], "overhead": {"memory": "1m"}}"#,
                &[
                    r#"spec.hostAliases[1].ip: duplicate ip "1.1.1.1""#,
                    r#"spec.imagePullSecrets[0].name: invalid empty name """#,
                    r#"spec.overhead[memory]: fractional byte value "1m" is invalid, must be an integer"#,
                ],
            ),
            (
                r#"{"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "k"}]}}}"#,
                &[
                    "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector: a null labelSelector results in matching no pod",
                ],
            ),
        ];
        for (spec, expected) in cases {
            assert_eq!(of_spec(spec), expected, "{spec}");
        }
    }

    #[test]
    fn annotations_that_a_field_took_the_place_of_are_told() {
        let annotations = r#"{
            "container.apparmor.security.beta.kubernetes.io/c": "unconfined",
            "container.seccomp.security.alpha.kubernetes.io/c": "unconfined",
            "seccomp.security.alpha.kubernetes.io/pod": "unconfined",
            "security.alpha.kubernetes.io/sysctls": "x"
        }"#;
        let at = |place: &str, key: &str, why: &str| format!("{place}metadata.annotations[{key}]: {why}");
        let sysctls = r#"non-functional in v1.11+; use the "sysctls" field instead"#;
        let mut pod = doc!({"metadata": {"name": "p", "annotations": parse(annotations)}, "spec": {"containers": [{"name": "c"}]}});
        let seccomp = |place: &str| {
            [
                at(place, "security.alpha.kubernetes.io/sysctls", sysctls),
                at(place, "seccomp.security.alpha.kubernetes.io/pod", OLD_SECCOMP),
                at(place, "container.seccomp.security.alpha.kubernetes.io/c", OLD_SECCOMP),
            ]
        };
        // The annotation of a pod is told of where the field was filled in from it.
        assert_eq!(for_pod(&pod), seccomp(""));
        let workload = doc!({"metadata": {"name": "w"}, "spec": {"template": pod.clone()}});
        let armor = |place: &str| at(place, "container.apparmor.security.beta.kubernetes.io/c", OLD_APPARMOR);
        let mut expected = seccomp("spec.template.").to_vec();
        expected.push(armor("spec.template."));
        assert_eq!(for_workload(&workload, None, &["spec", "template"]), expected);
        pod.set(
            &["spec", "containers"],
            doc!([{"name": "c", "securityContext": {"appArmorProfile": {"type": "Unconfined"}}}]),
        );
        assert_eq!(for_pod(&pod)[0], armor(""));
    }
}
