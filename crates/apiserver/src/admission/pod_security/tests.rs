//! Whole requests: what is refused, of what the client is warned, and in which words.

use super::*;
use crate::authentication::UserInfo;
use skiff_apimachinery::doc;

/// A namespace `ns` with labels and pods.
struct Cluster {
    labels: Document,
    pods: Vec<Arc<Document>>,
}

impl Objects for Cluster {
    fn get(&self, resource: &GroupResource, namespace: &str, name: &str) -> Option<Arc<Document>> {
        let found = resource.resource == "namespaces" && namespace.is_empty() && name == "ns";
        found.then(|| Arc::new(namespace_with(self.labels.clone())))
    }

    fn list(&self, resource: &GroupResource, namespace: &str) -> Vec<Arc<Document>> {
        if resource.resource == "pods" && namespace == "ns" { self.pods.clone() } else { Vec::new() }
    }

    fn change_count(&self, _: &GroupResource) -> u64 {
        0
    }
}

/// A write in the namespace.
struct Write<'a> {
    /// Plural and, behind a slash, subresource.
    path: &'a str,
    old: Option<&'a Document>,
    new: &'a Document,
}

impl Cluster {
    fn labelled(labels: &[(&str, &str)]) -> Self {
        Self { labels: self::labels(labels), pods: Vec::new() }
    }

    /// The refusal, or the warnings one a line.
    fn said(self, write: &Write<'_>) -> String {
        self.said_in("ns", write)
    }

    fn said_in(self, namespace: &str, write: &Write<'_>) -> String {
        let (plural, subresource) = write.path.split_once('/').unwrap_or((write.path, ""));
        let row = skiff_api::builtin().into_iter().find(|row| row.plural == plural).unwrap();
        let user = UserInfo::default();
        let mut request = Request {
            resource: &row,
            subresource,
            operation: if write.old.is_some() { Operation::Update } else { Operation::Create },
            namespace,
            name: write.new.name(),
            generate_name: String::new(),
            user: &user,
            old: write.old,
            dry_run: false,
            warnings: Vec::new(),
        };
        match PodSecurity::new(Arc::new(self)).check(&mut request, write.new) {
            Ok(()) => request.warnings.join("\n"),
            Err(status) => format!("{} {}", status.code, status.message),
        }
    }

    fn create(self, path: &str, new: &Document) -> String {
        self.said(&Write { path, old: None, new })
    }

    fn update(self, path: &str, old: &Document, new: &Document) -> String {
        self.said(&Write { path, old: Some(old), new })
    }
}

fn labels(labels: &[(&str, &str)]) -> Document {
    labels.iter().map(|(key, value)| (format!("pod-security.kubernetes.io/{key}"), *value)).collect()
}

fn namespace_with(labels: Document) -> Document {
    doc!({"metadata": {"name": "ns", "labels": labels}})
}

fn bare_pod() -> Document {
    doc!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}})
}

fn host_pod() -> Document {
    let mut pod = bare_pod();
    pod.set(&["spec", "hostNetwork"], true);
    pod
}

fn restricted_pod() -> Document {
    doc!({"metadata": {"name": "p"}, "spec": {
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": "c", "image": "i", "securityContext": {
            "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}
        }}]
    }})
}

const BARE_POD_IS_UNRESTRICTED: &str = "PodSecurity \"restricted:latest\": \
    allowPrivilegeEscalation != false (container \"c\" must set \
    securityContext.allowPrivilegeEscalation=false), \
    unrestricted capabilities (container \"c\" must set securityContext.capabilities.drop=[\"ALL\"]), \
    runAsNonRoot != true (pod or container \"c\" must set securityContext.runAsNonRoot=true), \
    seccompProfile (pod or container \"c\" must set securityContext.seccompProfile.type to \
    \"RuntimeDefault\" or \"Localhost\")";

const HOST_POD_IS_REFUSED: &str = "403 pods \"p\" is forbidden: violates PodSecurity \"baseline:latest\": \
    host namespaces (hostNetwork=true)";

fn enforcing(level: &str) -> Cluster {
    Cluster::labelled(&[("enforce", level)])
}

#[test]
fn pods_that_break_the_enforced_level_are_refused() {
    let refusal = format!("403 pods \"p\" is forbidden: violates {BARE_POD_IS_UNRESTRICTED}");
    assert_eq!(enforcing("restricted").create("pods", &bare_pod()), refusal);
    assert_eq!(enforcing("restricted").create("pods", &restricted_pod()), "");
    assert_eq!(enforcing("baseline").create("pods", &bare_pod()), "");
    assert_eq!(enforcing("baseline").create("pods", &host_pod()), HOST_POD_IS_REFUSED);
    assert_eq!(enforcing("privileged").create("pods", &host_pod()), "");
    assert_eq!(Cluster::labelled(&[]).create("pods", &host_pod()), "");
}

#[test]
fn a_bad_level_enforces_the_strictest() {
    let refusal = format!("403 pods \"p\" is forbidden: violates {BARE_POD_IS_UNRESTRICTED}");
    assert_eq!(enforcing("bogus").create("pods", &bare_pod()), refusal);
}

#[test]
fn pods_that_break_the_warned_level_are_let_in_with_a_warning() {
    let warning = format!("would violate {BARE_POD_IS_UNRESTRICTED}");
    let cluster = || Cluster::labelled(&[("enforce", "baseline"), ("warn", "restricted")]);
    assert_eq!(cluster().create("pods", &bare_pod()), warning);
    assert_eq!(cluster().create("pods", &restricted_pod()), "");
    assert_eq!(cluster().create("pods", &host_pod()), HOST_POD_IS_REFUSED);
}

#[test]
fn a_release_that_is_asked_for_is_told() {
    let cluster = Cluster::labelled(&[("enforce", "restricted"), ("enforce-version", "v1.7")]);
    assert_eq!(
        cluster.create("pods", &bare_pod()),
        "403 pods \"p\" is forbidden: violates PodSecurity \"restricted:v1.7\": runAsNonRoot != true (pod or \
         container \"c\" must set securityContext.runAsNonRoot=true)"
    );
}

#[test]
fn pods_that_were_there_already_may_change_in_what_does_not_matter() {
    let mut labelled = host_pod();
    labelled.set(&["metadata", "labels", "k"], "v");
    let mut other_image = host_pod();
    other_image.set(&["spec", "containers"], doc!([{"name": "c", "image": "other"}]));
    assert_eq!(enforcing("baseline").update("pods", &host_pod(), &labelled), "");
    assert_eq!(enforcing("baseline").update("pods", &host_pod(), &other_image), HOST_POD_IS_REFUSED);
}

#[test]
fn subresources_that_change_a_pod_are_looked_at() {
    let mut debugged = host_pod();
    debugged.set(&["spec", "ephemeralContainers"], doc!([{"name": "debug", "image": "i"}]));
    let cluster = || enforcing("baseline");
    assert_eq!(cluster().update("pods/ephemeralcontainers", &host_pod(), &debugged), HOST_POD_IS_REFUSED);
    assert_eq!(cluster().update("pods/resize", &host_pod(), &debugged), HOST_POD_IS_REFUSED);
    assert_eq!(cluster().update("pods/resize", &host_pod(), &host_pod()), "");
    assert_eq!(cluster().update("pods/status", &host_pod(), &debugged), "");
    assert_eq!(cluster().create("pods/binding", &host_pod()), "");
    assert_eq!(cluster().create("pods/eviction", &host_pod()), "");
}

#[test]
fn a_pod_of_an_unknown_namespace_is_an_error() {
    let write = Write { path: "pods", old: None, new: &bare_pod() };
    assert_eq!(
        Cluster::labelled(&[]).said_in("gone", &write),
        "500 Internal error occurred: failed to lookup namespace \"gone\""
    );
}

#[test]
fn workloads_are_only_warned_of() {
    let pod = host_pod();
    let template = || pod["spec"].clone();
    let warning = "would violate PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true)";
    for (plural, workload) in [
        ("podtemplates", doc!({"template": {"spec": template()}})),
        ("replicationcontrollers", doc!({"spec": {"template": {"spec": template()}}})),
        ("daemonsets", doc!({"spec": {"template": {"spec": template()}}})),
        ("deployments", doc!({"spec": {"template": {"spec": template()}}})),
        ("replicasets", doc!({"spec": {"template": {"spec": template()}}})),
        ("statefulsets", doc!({"spec": {"template": {"spec": template()}}})),
        ("jobs", doc!({"spec": {"template": {"spec": template()}}})),
        ("cronjobs", doc!({"spec": {"jobTemplate": {"spec": {"template": {"spec": template()}}}}})),
    ] {
        assert_eq!(enforcing("baseline").create(plural, &workload), warning, "{plural}");
        let cluster = Cluster::labelled(&[("enforce", "baseline"), ("warn", "privileged")]);
        assert_eq!(cluster.create(plural, &workload), "", "{plural}");
    }
    let deployment = doc!({"spec": {"template": {"spec": template()}}});
    assert_eq!(enforcing("baseline").update("deployments/status", &deployment, &deployment), "");
    assert_eq!(enforcing("baseline").create("replicationcontrollers", &doc!({"spec": {}})), "");
    assert_eq!(enforcing("baseline").create("services", &deployment), "");
}

#[test]
fn namespaces_with_bad_labels_are_refused() {
    let bad = namespace_with(labels(&[("enforce", "strict"), ("warn-version", "1.2")]));
    let refusal = "422 Namespace \"ns\" is invalid: [\
         metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: \"strict\": \
         must be one of privileged, baseline, restricted, \
         metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: \"1.2\": \
         must be \"latest\" or \"v1.x\"]";
    let good = namespace_with(labels(&[("enforce", "baseline")]));
    assert_eq!(Cluster::labelled(&[]).create("namespaces", &bad), refusal);
    assert_eq!(Cluster::labelled(&[]).update("namespaces", &good, &bad), refusal);
    assert_eq!(Cluster::labelled(&[]).update("namespaces", &bad, &bad), "");
    assert_eq!(Cluster::labelled(&[]).update("namespaces/status", &good, &bad), "");
    assert_eq!(Cluster::labelled(&[]).create("namespaces", &good), "");
}

#[test]
fn who_tightens_a_namespace_is_warned_of_pods_in_it() {
    let say = |old: &[(&str, &str)], new: &[(&str, &str)]| {
        let cluster = Cluster { labels: labels(old), pods: vec![Arc::new(host_pod())] };
        cluster.update("namespaces", &namespace_with(labels(old)), &namespace_with(labels(new)))
    };
    let warning = "existing pods in namespace \"ns\" violate the new PodSecurity enforce level \
                   \"baseline:latest\"\np: host namespaces";
    let baseline: &[(&str, &str)] = &[("enforce", "baseline")];
    let restricted: &[(&str, &str)] = &[("enforce", "restricted")];
    let old_baseline: &[(&str, &str)] = &[("enforce", "baseline"), ("enforce-version", "v1.20")];
    assert_eq!(say(&[], baseline), warning);
    assert_eq!(say(old_baseline, baseline), warning);
    assert_eq!(say(baseline, baseline), "");
    assert_eq!(say(restricted, baseline), "");
    assert_eq!(say(restricted, &[]), "");
    assert_eq!(say(&[], &[("warn", "restricted")]), "");
}
