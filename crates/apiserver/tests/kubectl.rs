//! Every real kubectl on the machine creates, reads, applies and deletes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should say so and end")]

mod support;

use support::Server;
use support::kubectl::{kubectls, run};

const CONFIG_MAP: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: page, labels: {app: web}}
data: {a: b}
";

#[tokio::test(flavor = "multi_thread")]
async fn every_kubectl_works_with_config_maps() {
    let server = Server::start().await;
    for kubectl in kubectls() {
        let k = |arguments: &'static str, stdin: &'static str| {
            let (server, kubectl) = (&server, kubectl.clone());
            async move { run(server, &kubectl, arguments, stdin).await }
        };
        let check = async {
            k("create -f -", CONFIG_MAP).await?;
            let table = k("get configmap page", "").await?;
            assert!(table.contains("NAME") && table.contains("page"), "{table}");
            let applied = k("apply -f -", CONFIG_MAP).await?;
            assert!(applied.contains("configured") || applied.contains("unchanged"), "{applied}");
            let applied = k("apply -f -", CONFIG_MAP).await?;
            assert!(applied.contains("unchanged"), "{applied}");
            k("apply --server-side --force-conflicts -f -", CONFIG_MAP).await?;
            let value = k("get cm page -o jsonpath={.data.a}", "").await?;
            assert_eq!(value, "b");
            k("patch cm page --type=merge -p {\"data\":{\"a\":\"c\"}}", "").await?;
            k("label cm page tier=front", "").await?;
            let labelled = k("get cm -l tier=front -o name", "").await?;
            assert_eq!(labelled.trim(), "configmap/page");
            k("explain configmap.data", "").await?;
            k("delete cm page", "").await?;
            let gone = k("get cm page", "").await.unwrap_err();
            assert!(gone.contains("configmaps \"page\" not found"), "{gone}");
            Ok::<(), String>(())
        };
        check.await.unwrap_or_else(|error| panic!("{}: {error}", kubectl.display()));
    }
}
