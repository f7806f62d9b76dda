//! The Pod Security Standards as clients meet them: refusals, warnings, and what they leave alone.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should say so and end")]

use skiff_apimachinery::{Document, doc, json};
use skiff_testkit::{Options, Server};
use std::process::Command;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);

/// What a pod with nothing but a container breaks of the strictest level.
const BARE_POD_IS_UNRESTRICTED: &str = "PodSecurity \"restricted:latest\": \
    allowPrivilegeEscalation != false (container \"c\" must set \
    securityContext.allowPrivilegeEscalation=false), \
    unrestricted capabilities (container \"c\" must set securityContext.capabilities.drop=[\"ALL\"]), \
    runAsNonRoot != true (pod or container \"c\" must set securityContext.runAsNonRoot=true), \
    seccompProfile (pod or container \"c\" must set securityContext.seccompProfile.type to \
    \"RuntimeDefault\" or \"Localhost\")";
/// The reasons of the same, as they are told of pods that are there already.
const REASONS: &str = "allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, \
    seccompProfile";
const HOST_POD_IS_REFUSED: &str = "pods \"host\" is forbidden: violates PodSecurity \"baseline:latest\": \
    host namespaces (hostNetwork=true), \
    privileged (container \"c\" must not set securityContext.privileged=true)";
const LABEL: &str = "pod-security.kubernetes.io";

/// What became of a run of kubectl.
struct Said {
    success: bool,
    output: String,
    /// What stands on kubectl's error output.
    beside: String,
}

impl Said {
    /// kubectl did what it was told, and printed just these warnings.
    fn warned_of(&self, warnings: &[&str]) {
        assert!(self.success, "{}", self.beside);
        let told: Vec<&str> = self.beside.lines().filter_map(|line| line.strip_prefix("Warning: ")).collect();
        assert_eq!(told, warnings, "{}", self.beside);
    }

    /// The server refused with just this text, which kubectl may lead in.
    fn refused_with(&self, lead: &str, text: &str) {
        assert!(!self.success, "{}", self.output);
        let line = self.beside.lines().last().unwrap_or_default();
        assert!(line.starts_with(lead) && line.ends_with(text), "{}", self.beside);
    }
}

fn run(server: &Server, arguments: &[&str]) -> Said {
    let output = Command::new("kubectl")
        .arg("--kubeconfig")
        .arg(server.path("kubeconfig"))
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    Said { success: output.status.success(), output: text(&output.stdout), beside: text(&output.stderr) }
}

fn create(server: &Server, namespace: &str, object: &Document) -> Said {
    let path = server.path("object.json");
    std::fs::write(&path, json::encode(object)).unwrap();
    run(server, &["-n", namespace, "create", "-f", &path.to_string_lossy()])
}

/// `pod-security.kubernetes.io/MODE`: value, for each.
fn labels(modes: &[(&str, &str)]) -> Document {
    modes.iter().map(|(mode, value)| (format!("{LABEL}/{mode}"), *value)).collect()
}

fn namespace(name: &str, modes: &[(&str, &str)]) -> Document {
    let metadata = doc!({"name": name, "labels": labels(modes)});
    doc!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
}

/// Makes a namespace in which pods can be created.
fn add_namespace(server: &Server, name: &str, modes: &[(&str, &str)]) {
    create(server, "default", &namespace(name, modes)).warned_of(&[]);
    server.until(&["-n", name, "get", "serviceaccount", "default"], SOON, |_| true);
}

fn bare_pod(name: &str) -> Document {
    let containers = doc!([{"name": "c", "image": "example.test/none:1"}]);
    doc!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": containers}})
}

fn host_pod(name: &str) -> Document {
    let mut pod = bare_pod(name);
    let container = doc!({
        "name": "c", "image": "example.test/none:1", "securityContext": {"privileged": true}
    });
    pod.insert("spec", doc!({"hostNetwork": true, "containers": [container]}));
    pod
}

fn restricted_pod(name: &str) -> Document {
    let mut pod = bare_pod(name);
    let container = doc!({
        "name": "c", "image": "example.test/none:1",
        "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}
    });
    let context = doc!({"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}});
    pod.insert("spec", doc!({"securityContext": context, "containers": [container]}));
    pod
}

fn deployment(name: &str) -> Document {
    let template = doc!({"metadata": {"labels": {"app": name}}, "spec": bare_pod("any")["spec"].clone()});
    let spec = doc!({"selector": {"matchLabels": {"app": name}}, "template": template});
    doc!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec})
}

#[test]
fn pods_that_break_the_enforced_level_are_refused() {
    let server = Server::start(Options::default());
    add_namespace(&server, "strict", &[("enforce", "restricted")]);
    add_namespace(&server, "base", &[("enforce", "baseline"), ("enforce-version", "latest")]);
    add_namespace(&server, "open", &[("enforce", "privileged")]);
    let refusal = format!("pods \"bare\" is forbidden: violates {BARE_POD_IS_UNRESTRICTED}");
    create(&server, "strict", &bare_pod("bare")).refused_with("Error from server (Forbidden): ", &refusal);
    create(&server, "strict", &restricted_pod("good")).warned_of(&[]);
    create(&server, "base", &bare_pod("bare")).warned_of(&[]);
    create(&server, "base", &host_pod("host"))
        .refused_with("Error from server (Forbidden): ", HOST_POD_IS_REFUSED);
    create(&server, "open", &host_pod("host")).warned_of(&[]);
    let pods =
        ["get", "pods", "-A", "-o", "jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name} {end}"];
    assert_eq!(server.kubectl(&pods), "base/bare open/host strict/good");
}

#[test]
fn an_older_release_may_be_asked_for() {
    let server = Server::start(Options::default());
    add_namespace(&server, "old", &[("enforce", "restricted"), ("enforce-version", "v1.18")]);
    let refusal = "pods \"bare\" is forbidden: violates PodSecurity \"restricted:v1.18\": \
        allowPrivilegeEscalation != false (container \"c\" must set \
        securityContext.allowPrivilegeEscalation=false), \
        runAsNonRoot != true (pod or container \"c\" must set securityContext.runAsNonRoot=true)";
    create(&server, "old", &bare_pod("bare")).refused_with("Error from server (Forbidden): ", refusal);
}

#[test]
fn what_breaks_the_warned_level_is_admitted_with_a_warning_and_the_audited_level_is_silent() {
    let server = Server::start(Options::default());
    add_namespace(&server, "warned", &[("enforce", "baseline"), ("warn", "restricted")]);
    add_namespace(&server, "audited", &[("audit", "restricted")]);
    let warning = format!("would violate {BARE_POD_IS_UNRESTRICTED}");
    let created = create(&server, "warned", &bare_pod("bare"));
    created.warned_of(&[&warning]);
    assert_eq!(created.output, "pod/bare created");
    let created = create(&server, "warned", &deployment("web"));
    created.warned_of(&[&warning]);
    assert_eq!(created.output, "deployment.apps/web created");
    let pods = ["-n", "warned", "get", "pods", "-l", "app=web", "-o", "name"];
    server.until(&pods, SOON, |found| found.starts_with("pod/web-"));
    create(&server, "audited", &bare_pod("bare")).warned_of(&[]);
    create(&server, "audited", &deployment("web")).warned_of(&[]);
}

#[test]
fn a_deployment_whose_pods_are_refused_is_admitted_with_a_warning_and_tells_why_it_has_none() {
    let server = Server::start(Options::default());
    add_namespace(&server, "strict", &[("enforce", "restricted")]);
    create(&server, "strict", &deployment("web"))
        .warned_of(&[&format!("would violate {BARE_POD_IS_UNRESTRICTED}")]);
    let why = format!("is forbidden: violates {BARE_POD_IS_UNRESTRICTED}");
    let events = "jsonpath={range .items[?(@.reason==\"FailedCreate\")]}{.message}{\"\\n\"}{end}";
    server.until(&["-n", "strict", "get", "events", "-o", events], SOON, |told| {
        told.lines().any(|line| line.starts_with("Error creating: pods \"web-") && line.ends_with(&why))
    });
    let failure = "jsonpath={.status.conditions[?(@.type==\"ReplicaFailure\")].message}";
    let failures = ["-n", "strict", "get", "deployment", "web", "-o", failure];
    server.until(&failures, SOON, |told| told.starts_with("pods \"web-") && told.ends_with(&why));
    assert_eq!(server.kubectl(&["-n", "strict", "get", "pods", "-o", "name"]), "");
}

#[test]
fn who_tightens_a_namespace_is_warned_of_pods_that_stay() {
    let server = Server::start(Options::default());
    add_namespace(&server, "ns", &[]);
    create(&server, "ns", &bare_pod("first")).warned_of(&[]);
    create(&server, "ns", &bare_pod("second")).warned_of(&[]);
    create(&server, "ns", &host_pod("host")).warned_of(&[]);
    create(&server, "ns", &restricted_pod("good")).warned_of(&[]);
    let enforce = format!("{LABEL}/enforce=restricted");
    let told =
        "existing pods in namespace \"ns\" violate the new PodSecurity enforce level \"restricted:latest\"";
    let bare = format!("first (and 1 other pod): {REASONS}");
    let host = format!("host: host namespaces, privileged, {REASONS}");
    let warnings = [told, bare.as_str(), host.as_str()];

    // A dry run asks what would be, and changes nothing.
    run(&server, &["label", "namespace", "ns", &enforce, "--dry-run=server"]).warned_of(&warnings);
    create(&server, "ns", &bare_pod("third")).warned_of(&[]);
    server.kubectl(&["-n", "ns", "delete", "pod", "third"]);
    run(&server, &["label", "namespace", "ns", &enforce]).warned_of(&warnings);
    let other = create(&server, "ns", &bare_pod("third"));
    let refusal = format!("pods \"third\" is forbidden: violates {BARE_POD_IS_UNRESTRICTED}");
    other.refused_with("Error from server (Forbidden): ", &refusal);

    // The pods stay, and may change in what has nothing to do with their security.
    run(&server, &["-n", "ns", "label", "pod", "first", "color=blue"]).warned_of(&[]);
    let image = run(&server, &["-n", "ns", "set", "image", "pod/first", "c=example.test/none:2"]);
    let refusal = format!("pods \"first\" is forbidden: violates {BARE_POD_IS_UNRESTRICTED}");
    image.refused_with("error: ", &refusal);
    run(&server, &["-n", "ns", "delete", "pod", "second"]).warned_of(&[]);

    let loosened = format!("{LABEL}/enforce=privileged");
    run(&server, &["label", "namespace", "ns", "--overwrite", &loosened]).warned_of(&[]);
    create(&server, "ns", &bare_pod("third")).warned_of(&[]);
}

#[test]
fn a_bad_label_is_refused_with_its_field() {
    let server = Server::start(Options::default());
    add_namespace(&server, "ns", &[]);
    let bad_level = format!(
        "The Namespace \"ns\" is invalid: metadata.labels[{LABEL}/enforce]: Invalid value: \"strict\": \
         must be one of privileged, baseline, restricted"
    );
    run(&server, &["label", "namespace", "ns", &format!("{LABEL}/enforce=strict")])
        .refused_with(&bad_level, &bad_level);
    let bad_version = format!(
        "The Namespace \"other\" is invalid: metadata.labels[{LABEL}/warn-version]: Invalid value: \"1.2\": \
         must be \"latest\" or \"v1.x\""
    );
    create(&server, "default", &namespace("other", &[("warn", "baseline"), ("warn-version", "1.2")]))
        .refused_with(&bad_version, &bad_version);
    let enforced = format!("{LABEL}/enforce");
    assert_eq!(server.kubectl(&["get", "namespace", "-l", &enforced, "-o", "name"]), "");
    assert!(server.try_kubectl(&["get", "namespace", "other"]).unwrap_err().contains("NotFound"));
}

#[test]
fn without_labels_nothing_is_asked_and_no_level_stops_what_the_system_does_in_a_namespace() {
    let server = Server::start(Options::default());
    for name in ["default", "kube-system"] {
        server.until(&["-n", name, "get", "serviceaccount", "default"], SOON, |_| true);
        create(&server, name, &host_pod("host")).warned_of(&[]);
    }
    let levels = [("enforce", "restricted"), ("audit", "restricted"), ("warn", "restricted")];
    add_namespace(&server, "strict", &levels);
    server.until(&["-n", "strict", "get", "configmap", "kube-root-ca.crt"], SOON, |_| true);
    create(&server, "strict", &restricted_pod("good")).warned_of(&[]);
    let events = "jsonpath={.items[*].message}";
    let events = ["-n", "strict", "get", "events", "-o", events];
    server.until(&events, SOON, |told| told.contains("no nodes available to schedule pods"));
    let condition = "jsonpath={.status.conditions[?(@.type==\"PodScheduled\")].reason}";
    server.until(&["-n", "strict", "get", "pod", "good", "-o", condition], SOON, |reason| {
        reason == "Unschedulable"
    });
    server.kubectl(&["delete", "namespace", "strict", "--timeout=30s"]);
    assert!(server.try_kubectl(&["get", "namespace", "strict"]).unwrap_err().contains("NotFound"));
}
