//! Every real kubectl on the machine defines a resource and works with it as with a built-in one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should say so and end")]

mod support;

use support::Server;
use support::kubectl::{kubectls, run};

const DEFINITION: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: boats, kind: Boat, shortNames: [bt], categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.sails, statusReplicasPath: .status.sails}
    selectableFields:
    - jsonPath: .spec.color
    additionalPrinterColumns:
    - {name: Length, type: integer, jsonPath: .spec.length}
    - {name: Afloat, type: string, jsonPath: '.status.conditions[?(@.type==\"Afloat\")].status'}
    schema:
      openAPIV3Schema:
        type: object
        description: A boat that floats.
        properties:
          spec:
            type: object
            required: [length]
            properties:
              length: {type: integer, minimum: 1, description: Metres from stem to stern.}
              sails: {type: integer, default: 2}
              color: {type: string}
          status:
            type: object
            properties:
              sails: {type: integer}
              conditions:
                type: array
                items:
                  type: object
                  properties: {type: {type: string}, status: {type: string}}
";

const BOAT: &str = "apiVersion: example.com/v1
kind: Boat
metadata: {name: argo}
spec: {length: 30, color: red}
";

const UNKNOWN_FIELD: &str = "apiVersion: example.com/v1
kind: Boat
metadata: {name: wreck}
spec: {length: 30, engine: big}
";

const TOO_SHORT: &str = "apiVersion: example.com/v1
kind: Boat
metadata: {name: raft}
spec: {length: 0}
";

#[tokio::test(flavor = "multi_thread")]
async fn every_kubectl_works_with_custom_resources() {
    let server = Server::start().await;
    for kubectl in kubectls() {
        let k = |arguments: &'static str, stdin: &'static str| {
            let (server, kubectl) = (&server, kubectl.clone());
            async move { run(server, &kubectl, arguments, stdin).await }
        };
        let check = async {
            k("apply -f -", DEFINITION).await?;
            k("wait --for=condition=established --timeout=10s crd/boats.example.com", "").await?;
            k("apply -f -", BOAT).await?;
            let table = k("get bt", "").await?;
            let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
            assert_eq!(lines, [vec!["NAME", "LENGTH", "AFLOAT"], vec!["argo", "30"]]);
            let sails = k("get boat argo -o jsonpath={.spec.sails}", "").await?;
            assert_eq!(sails, "2");
            let refused = k("apply -f -", TOO_SHORT).await.unwrap_err();
            assert!(refused.contains("should be greater than or equal to 1"), "{refused}");
            let unknown = k("apply -f -", UNKNOWN_FIELD).await.unwrap_err();
            assert!(unknown.contains("unknown field \"spec.engine\""), "{unknown}");
            k("scale boat argo --replicas=5", "").await?;
            assert_eq!(k("get boat argo -o jsonpath={.spec.sails}", "").await?, "5");
            assert_eq!(
                k("get boats --field-selector=spec.color=red -o name", "").await?.trim(),
                "boat.example.com/argo"
            );
            assert_eq!(k("get boats --field-selector=spec.color=blue -o name", "").await?.trim(), "");
            k("patch boat argo --type=merge -p {\"spec\":{\"length\":31}}", "").await?;
            k("apply --server-side --force-conflicts -f -", BOAT).await?;
            assert_eq!(k("get boat argo -o jsonpath={.spec.length}", "").await?, "30");
            let explained = k("explain boat.spec", "").await?;
            assert!(explained.contains("Metres from stem to stern."), "{explained}");
            let all = k("get all", "").await?;
            assert!(all.contains("boat.example.com/argo"), "{all}");
            k("delete crd boats.example.com", "").await?;
            let gone = k("get boats", "").await.unwrap_err();
            assert!(
                gone.contains("the server doesn't have a resource type \"boats\"")
                    || gone.contains("could not find"),
                "{gone}"
            );
            Ok::<(), String>(())
        };
        check.await.unwrap_or_else(|error| panic!("{}: {error}", kubectl.display()));
    }
}
