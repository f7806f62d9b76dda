//! The control plane alone, through kubectl: API server, store, controllers, scheduler, without a node and without root.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should say so and end")]

use skiff_testkit::{Options, Server};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

fn server() -> Server {
    Server::start(Options::default())
}

#[test]
fn an_object_lives_through_every_verb() {
    let server = server();
    server.kubectl(&["create", "configmap", "a", "--from-literal=x=1"]);
    assert_eq!(server.kubectl(&["get", "configmap", "a", "-o", "jsonpath={.data.x}"]), "1");
    server.kubectl(&["patch", "configmap", "a", "--type=merge", "-p", r#"{"data":{"x":"2"}}"#]);
    server.kubectl(&[
        "patch",
        "configmap",
        "a",
        "--type=json",
        "-p",
        r#"[{"op":"add","path":"/data/y","value":"3"}]"#,
    ]);
    assert_eq!(server.kubectl(&["get", "configmap", "a", "-o", "jsonpath={.data.x}{.data.y}"]), "23");
    server.kubectl(&["label", "configmap", "a", "l=1"]);
    assert!(server.kubectl(&["get", "configmap", "-l", "l=1"]).contains("a "));
    assert_eq!(server.kubectl(&["delete", "configmap", "a"]), "configmap \"a\" deleted");
    assert_eq!(
        server.try_kubectl(&["get", "configmap", "a"]).unwrap_err(),
        "Error from server (NotFound): configmaps \"a\" not found"
    );
}

#[test]
fn a_deployment_gets_its_pods_and_they_wait_for_a_node() {
    let server = server();
    server.kubectl(&["create", "deployment", "web", "--image=example.test/none:1", "--replicas=2"]);
    let pods = ["get", "pods", "--no-headers"];
    let listed = server.until(&pods, SOON, |output| output.matches("Pending").count() == 2);
    assert!(listed.lines().all(|line| line.contains("0/1")), "{listed}");
    let events = ["get", "events", "-o", "jsonpath={.items[*].message}"];
    server.until(&events, SOON, |output| output.contains("no nodes available to schedule pods"));
    server.kubectl(&["delete", "deployment", "web"]);
    server.until(&["get", "pods", "-o", "name"], SOON, str::is_empty);
}

#[test]
fn applying_the_same_again_changes_nothing() {
    let server = server();
    let manifest =
        "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {selector: {a: b}, ports: [{port: 80}]}\n";
    assert!(server.apply(manifest).contains("created"));
    assert!(server.apply(manifest).contains("unchanged"));
}

#[test]
fn server_side_apply_reports_conflicts_and_force_resolves_them() {
    let server = server();
    let path = server.path("m.yaml");
    let write = |value: &str| {
        let text =
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {{k: {value:?}}}\n");
        std::fs::write(&path, text).unwrap();
    };
    let file = path.to_string_lossy().into_owned();
    write("1");
    server.kubectl(&["apply", "--server-side", "--field-manager=a", "-f", &file]);
    write("2");
    let refused =
        server.try_kubectl(&["apply", "--server-side", "--field-manager=b", "-f", &file]).unwrap_err();
    assert!(refused.contains("conflict with \"a\": .data.k"), "{refused}");
    server.kubectl(&["apply", "--server-side", "--field-manager=b", "--force-conflicts", "-f", &file]);
    assert_eq!(server.kubectl(&["get", "configmap", "c", "-o", "jsonpath={.data.k}"]), "2");
}

#[test]
fn an_invalid_object_is_refused_with_its_field() {
    let server = server();
    server.kubectl(&["create", "deployment", "web", "--image=x"]);
    let refused = server
        .try_kubectl(&["patch", "deployment", "web", "--type=merge", "-p", r#"{"spec":{"replicas":-1}}"#])
        .unwrap_err();
    assert!(
        refused.contains("spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
        "{refused}"
    );
}

#[test]
fn custom_resources_share_the_engine_of_built_in_kinds() {
    let server = server();
    server.apply(
        r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.sea.test}
spec:
  group: sea.test
  scope: Namespaced
  names: {plural: boats, singular: boat, kind: Boat, shortNames: [bt]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    additionalPrinterColumns:
    - {name: Sails, type: integer, jsonPath: .spec.sails}
    schema:
      openAPIV3Schema:
        type: object
        description: A boat is a thing that floats.
        properties:
          spec:
            type: object
            required: [sails]
            properties:
              sails: {type: integer, minimum: 1}
              flag: {type: string, default: white}
          status: {type: object, properties: {afloat: {type: boolean}}}
"#,
    );
    server.kubectl(&["wait", "--for=condition=Established", "crd/boats.sea.test", "--timeout=20s"]);
    let boat = "apiVersion: sea.test/v1\nkind: Boat\nmetadata: {name: b}\nspec: {sails: 2}\n";
    server.apply(boat);
    assert_eq!(server.kubectl(&["get", "boat", "b", "-o", "jsonpath={.spec.flag}"]), "white");
    let table = server.kubectl(&["get", "bt"]);
    assert!(table.contains("SAILS") && table.lines().nth(1).is_some_and(|l| l.contains('2')), "{table}");
    let refused = server
        .try_kubectl(&["patch", "boat", "b", "--type=merge", "-p", r#"{"spec":{"sails":0}}"#])
        .unwrap_err();
    assert!(refused.contains("spec.sails"), "{refused}");
    assert!(server.kubectl(&["explain", "boat.spec"]).contains("sails"));
    server.kubectl(&["delete", "crd", "boats.sea.test"]);
    assert!(server.try_kubectl(&["get", "--raw", "/apis/sea.test/v1/boats"]).is_err());
}

#[test]
fn a_deleted_namespace_takes_its_content_with_it() {
    let server = server();
    server.kubectl(&["create", "namespace", "n"]);
    server.until(&["-n", "n", "get", "configmap", "kube-root-ca.crt"], SOON, |_| true);
    server.until(&["-n", "n", "get", "serviceaccount", "default"], SOON, |_| true);
    server.kubectl(&["-n", "n", "create", "secret", "generic", "s"]);
    server.kubectl(&["delete", "namespace", "n", "--timeout=30s"]);
    assert!(server.try_kubectl(&["-n", "n", "get", "secret", "s"]).is_err());
}

#[test]
fn rbac_limits_what_a_service_account_may_do() {
    let server = server();
    server.kubectl(&["create", "serviceaccount", "sa"]);
    server.kubectl(&["create", "role", "r", "--verb=get,list", "--resource=configmaps"]);
    server.kubectl(&["create", "rolebinding", "b", "--role=r", "--serviceaccount=default:sa"]);
    let can = |verb: &str, resource: &str| {
        let who = "system:serviceaccount:default:sa";
        server
            .try_kubectl(&["auth", "can-i", verb, resource, "--as", who])
            .is_ok_and(|answer| answer == "yes")
    };
    assert!(can("list", "configmaps"));
    assert!(!can("list", "secrets"));
    assert!(!can("delete", "configmaps"));
    let token = server.kubectl(&["create", "token", "sa"]);
    let refused = server.try_kubectl(&["get", "secrets", "--token", &token]);
    // kubectl prefers the certificate of the kubeconfig; what matters is that the token was issued.
    assert!(token.split('.').count() == 3, "{refused:?}");
}

#[test]
fn secrets_are_unreadable_in_the_store() {
    let mut server = server();
    server.kubectl(&[
        "create",
        "secret",
        "generic",
        "s",
        "--from-literal=password=correct-horse-battery-staple",
    ]);
    server.kubectl(&["create", "configmap", "c", "--from-literal=password=visible-in-the-store"]);
    server.stop();
    let mut store = Vec::new();
    for entry in std::fs::read_dir(server.path("data/db")).unwrap().flatten() {
        store.extend(std::fs::read(entry.path()).unwrap_or_default());
    }
    let holds = |text: &str| store.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("visible-in-the-store"), "the test reads the right files");
    // Base64 of the password, as a Secret holds it.
    assert!(!holds("Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5LXN0YXBsZQ"));
    server.launch();
    let data = server.kubectl(&["get", "secret", "s", "-o", "jsonpath={.data.password}"]);
    assert_eq!(data, "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5LXN0YXBsZQ==");
}

#[test]
fn explain_knows_built_in_fields() {
    let text = server().kubectl(&["explain", "deployment.spec.strategy.rollingUpdate.maxSurge"]);
    assert!(text.contains("maxSurge") && text.to_lowercase().contains("maximum number of pods"), "{text}");
}
