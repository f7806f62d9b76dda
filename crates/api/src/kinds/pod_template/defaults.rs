//! Defaults of a PodSpec, as upstream's `SetDefaults_PodSpec` and its kin fill them in.

use super::{pod_level, resources};
use crate::pod_resources::Which;
use skiff_apimachinery::{Document, Map};

/// `0644`.
const DEFAULT_MODE: i64 = 0o644;
/// Texts of volume sources: type, field and value.
const SOURCE_TEXTS: [(&str, &str, &str); 6] = [
    ("iscsi", "iscsiInterface", "default"),
    ("rbd", "pool", "rbd"),
    ("rbd", "user", "admin"),
    ("rbd", "keyring", "/etc/ceph/keyring"),
    ("scaleIO", "storageMode", "ThinProvisioned"),
    ("scaleIO", "fsType", "xfs"),
];

/// Fills in the defaults of a workload's template.
pub(crate) fn default_template(template: &mut Document) {
    if let Some(spec) = template.get_mut("spec") {
        default_spec(spec);
    }
}

/// Fills in what only pods have and templates leave open: service links, requests by limits, ports of the host.
pub(crate) fn default_pod(spec: &mut Document) {
    if spec.as_object().is_none() {
        return;
    }
    default_requests(spec);
    default_pod_level(spec);
    default_spec(spec);
    spec.set_default(&["enableServiceLinks"], true);
    if spec.bool_at(&["hostNetwork"]) == Some(true) {
        for list in ["initContainers", "containers"] {
            elements(spec, &[list]).for_each(default_host_ports);
        }
    }
}

/// On the host's network a container's port is the host's.
fn default_host_ports(container: &mut Document) {
    for port in elements(container, &["ports"]) {
        if port.i64_at(&["hostPort"]).unwrap_or(0) == 0 {
            let number = port.i64_at(&["containerPort"]);
            port.insert("hostPort", number);
        }
    }
}

/// Fills in the defaults that the specs of pods and of templates share.
pub(crate) fn default_spec(spec: &mut Document) {
    if spec.as_object().is_none() {
        return;
    }
    for (field, value) in
        [("restartPolicy", "Always"), ("dnsPolicy", "ClusterFirst"), ("schedulerName", "default-scheduler")]
    {
        default_text(spec, field, value);
    }
    spec.set_default(&["terminationGracePeriodSeconds"], 30);
    spec.set_default(&["securityContext"], Document::object());
    mirror_service_account(spec);
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for container in elements(spec, &[list]) {
            default_container(container);
        }
    }
    for volume in elements(spec, &["volumes"]) {
        default_volume(volume);
    }
}

/// The old name `serviceAccount` and the new one say the same; the new one wins.
fn mirror_service_account(spec: &mut Document) {
    let name = match spec.str_at(&["serviceAccountName"]) {
        "" => spec.str_at(&["serviceAccount"]).to_owned(),
        name => name.to_owned(),
    };
    if !name.is_empty() {
        spec.insert("serviceAccountName", name.as_str());
        spec.insert("serviceAccount", name);
    }
}

fn default_container(container: &mut Document) {
    if container.as_object().is_none() {
        return;
    }
    let policy = pull_policy(container.str_at(&["image"]));
    default_text(container, "imagePullPolicy", policy);
    default_text(container, "terminationMessagePath", "/dev/termination-log");
    default_text(container, "terminationMessagePolicy", "File");
    container.set_default(&["resources"], Document::object());
    for port in elements(container, &["ports"]) {
        default_text(port, "protocol", "TCP");
    }
    for variable in elements(container, &["env"]) {
        if let Some(reference) =
            variable.at_mut(&["valueFrom", "fieldRef"]).filter(|r| r.as_object().is_some())
        {
            default_text(reference, "apiVersion", "v1");
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(probe).filter(|p| p.as_object().is_some()) {
            default_probe(probe);
        }
    }
    for hook in ["postStart", "preStop"] {
        if let Some(get) =
            container.at_mut(&["lifecycle", hook, "httpGet"]).filter(|g| g.as_object().is_some())
        {
            default_http_get(get);
        }
    }
}

fn default_probe(probe: &mut Document) {
    for (field, value) in
        [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
    {
        if probe.i64_at(&[field]).unwrap_or(0) == 0 {
            probe.insert(field, value);
        }
    }
    if let Some(get) = probe.get_mut("httpGet").filter(|g| g.as_object().is_some()) {
        default_http_get(get);
    }
    if let Some(grpc) = probe.get_mut("grpc").filter(|g| g.as_object().is_some()) {
        grpc.set_default(&["service"], "");
    }
}

fn default_http_get(get: &mut Document) {
    default_text(get, "path", "/");
    default_text(get, "scheme", "HTTP");
}

/// `Always` for images whose tag is `latest`, said or implied; a digest or another tag needs no pull once it is there.
fn pull_policy(image: &str) -> &'static str {
    let last = image.rsplit('/').next().unwrap_or_default();
    match (last.contains('@'), last.split_once(':')) {
        (true, _) => "IfNotPresent",
        (false, None | Some((_, "latest"))) => "Always",
        (false, Some(_)) => "IfNotPresent",
    }
}

fn default_volume(volume: &mut Document) {
    let Some(map) = volume.as_object() else { return };
    if map.keys().all(|key| key == "name") {
        volume.insert("emptyDir", Document::object());
        return;
    }
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = volume.get_mut(source).filter(|s| s.as_object().is_some()) {
            source.set_default(&["defaultMode"], DEFAULT_MODE);
        }
    }
    default_field_references(volume, &["downwardAPI", "items"]);
    for source in elements(volume, &["projected", "sources"]) {
        default_field_references(source, &["downwardAPI", "items"]);
        if let Some(token) = source.get_mut("serviceAccountToken").filter(|t| t.as_object().is_some()) {
            token.set_default(&["expirationSeconds"], 3600);
        }
    }
    if let Some(path) = volume.get_mut("hostPath").filter(|p| p.as_object().is_some()) {
        path.set_default(&["type"], "");
    }
    if let Some(claim) = volume.at_mut(&["ephemeral", "volumeClaimTemplate", "spec"]) {
        default_text(claim, "volumeMode", "Filesystem");
    }
    if let Some(image) = volume.get_mut("image").filter(|i| i.as_object().is_some()) {
        let policy = pull_policy(image.str_at(&["reference"]));
        default_text(image, "pullPolicy", policy);
    }
    for (source, field, value) in SOURCE_TEXTS {
        if let Some(source) = volume.get_mut(source).filter(|s| s.as_object().is_some()) {
            default_text(source, field, value);
        }
    }
    if let Some(disk) = volume.get_mut("azureDisk").filter(|d| d.as_object().is_some()) {
        // Pointers that are set stay, whatever they point to.
        for (field, value) in [("cachingMode", "ReadWrite"), ("kind", "Shared"), ("fsType", "ext4")] {
            disk.set_default(&[field], value);
        }
        disk.set_default(&["readOnly"], false);
    }
}

fn default_field_references(parent: &mut Document, path: &[&str]) {
    for item in elements(parent, path) {
        if let Some(reference) = item.get_mut("fieldRef").filter(|r| r.as_object().is_some()) {
            default_text(reference, "apiVersion", "v1");
        }
    }
}

/// Sets a text that is absent or empty.
fn default_text(doc: &mut Document, field: &str, value: &str) {
    if doc.str_at(&[field]).is_empty() {
        doc.insert(field, value);
    }
}

fn elements<'a>(doc: &'a mut Document, path: &[&str]) -> impl Iterator<Item = &'a mut Document> {
    doc.at_mut(path).and_then(Document::as_array_mut).into_iter().flatten()
}

/// Requests that a pod's containers leave out are their limits.
fn default_requests(spec: &mut Document) {
    for list in ["initContainers", "containers"] {
        for container in elements(spec, &[list]) {
            let Some(limits) = container.object_at(&["resources", "limits"]).cloned() else { continue };
            raise_requests(container.ensure(&["resources", "requests"]).make_object(), &limits);
        }
    }
}

fn raise_requests(requests: &mut Map, limits: &Map) {
    for (name, amount) in limits.iter().filter(|(_, amount)| !amount.is_null()) {
        if !requests.contains_key(name) {
            requests.insert(name, amount.clone());
        }
    }
}

/// What a pod as a whole leaves out of its resources follows from its containers and its limits (KEP-2837).
fn default_pod_level(spec: &mut Document) {
    let Some(own) = spec.get("resources").and_then(Document::as_object) else { return };
    let names = |list: &str| own.get(list).and_then(Document::as_object).into_iter().flat_map(Map::keys);
    if !["requests", "limits"].iter().any(|list| names(list).any(resources::is_of_pods)) {
        return;
    }
    if names("limits").next().is_none() {
        return;
    }
    for (name, amount) in pod_level::sum_of_containers(spec, Which::Limits).iter() {
        if resources::is_huge_pages(name) {
            spec.set_default(&["resources", "limits", name], amount);
        }
    }
    for (name, amount) in pod_level::sum_of_containers(spec, Which::Requests).iter() {
        if matches!(name, "cpu" | "memory") {
            spec.set_default(&["resources", "requests", name], amount);
        }
    }
    let Some(limits) = spec.object_at(&["resources", "limits"]).cloned() else { return };
    raise_requests(spec.ensure(&["resources", "requests"]).make_object(), &limits);
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn the_pull_policy_follows_the_tag() {
        for (image, policy) in [
            ("busybox", "Always"),
            ("busybox:latest", "Always"),
            ("registry:5000/busybox", "Always"),
            ("registry:5000/busybox:1", "IfNotPresent"),
            ("busybox@sha256:00", "IfNotPresent"),
            ("busybox:latest@sha256:00", "IfNotPresent"),
        ] {
            assert_eq!(pull_policy(image), policy, "{image}");
        }
    }

    #[test]
    fn defaulting_twice_changes_nothing_more() {
        let mut spec = doc!({
            "hostNetwork": true,
            "containers": [{"name": "a", "image": "a:1", "ports": [{"containerPort": 80}],
                "livenessProbe": {"httpGet": {"port": 80}}, "env": [{"name": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}],
            "volumes": [{"name": "v"}, {"name": "c", "configMap": {"name": "c"}},
                {"name": "p", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]
        });
        default_pod(&mut spec);
        let once = spec.clone();
        default_pod(&mut spec);
        assert_eq!(spec, once);
        assert_eq!(
            spec.at(&["volumes"]).unwrap().as_array().unwrap()[0],
            doc!({"name": "v", "emptyDir": {}})
        );
        let container = &spec.array_at(&["containers"])[0];
        assert_eq!(
            container.array_at(&["ports"])[0],
            doc!({"containerPort": 80, "protocol": "TCP", "hostPort": 80})
        );
        assert_eq!(container.i64_at(&["livenessProbe", "failureThreshold"]), Some(3));
    }

    #[test]
    fn a_template_leaves_to_pods_what_is_theirs() {
        let mut template = doc!({"spec": {"hostNetwork": true, "containers": [
            {"name": "a", "image": "a", "ports": [{"containerPort": 80}], "resources": {"limits": {"cpu": "1"}}}
        ]}});
        default_template(&mut template);
        let spec = &template["spec"];
        assert!(spec.get("enableServiceLinks").is_none());
        assert_eq!(
            spec.array_at(&["containers"])[0].array_at(&["ports"])[0],
            doc!({"containerPort": 80, "protocol": "TCP"})
        );
        assert!(spec.array_at(&["containers"])[0].at(&["resources", "requests"]).is_none());
    }

    #[test]
    fn limits_become_requests_where_none_are_given() {
        let mut spec = doc!({"containers": [
            {"resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}}
        ]});
        default_requests(&mut spec);
        assert_eq!(
            spec.array_at(&["containers"])[0].at(&["resources", "requests"]),
            Some(&doc!({"cpu": "500m", "memory": "1Gi"}))
        );
    }

    #[test]
    fn volumes_get_what_their_types_leave_out() {
        let cases = [
            (
                doc!({"azureDisk": {}}),
                doc!({"cachingMode": "ReadWrite", "kind": "Shared", "fsType": "ext4", "readOnly": false}),
            ),
            (
                doc!({"scaleIO": {"fsType": "ext4"}}),
                doc!({"fsType": "ext4", "storageMode": "ThinProvisioned"}),
            ),
            (doc!({"rbd": {}}), doc!({"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"})),
            (doc!({"iscsi": {}}), doc!({"iscsiInterface": "default"})),
            (doc!({"hostPath": {"path": "/"}}), doc!({"path": "/", "type": ""})),
            (doc!({"image": {"reference": "i:1"}}), doc!({"reference": "i:1", "pullPolicy": "IfNotPresent"})),
        ];
        for (mut volume, expected) in cases {
            default_volume(&mut volume);
            let source = volume.into_object().into_iter().next().unwrap().1;
            assert_eq!(source, expected);
        }
    }
}
