//! Field ownership and decoding with the real schemas, as upstream's server writes them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use skiff_api::{Resource, builtin};
use skiff_apimachinery::managed::{OneVersion, Write, apply, track_update};
use skiff_apimachinery::{Document, FieldSet, decode, doc};
use std::sync::Arc;

fn row(kind: &str) -> Arc<Resource> {
    builtin().iter().find(|row| row.gvk.kind == kind && row.gvk.version == "v1").unwrap().clone()
}

fn with_write<T>(kind: &str, manager: &str, run: impl FnOnce(&Write<'_>) -> T) -> T {
    let row = row(kind);
    let status = FieldSet::of_names(&[&["status"]]);
    run(&Write {
        manager,
        api_version: &row.gvk.api_version(),
        schema: row.schema.as_ref().map(|schema| schema.get()),
        subresource: "",
        reset: &status,
        versions: &OneVersion,
        now: jiff::Timestamp::from_second(1_800_000_000).unwrap(),
    })
}

fn received(mut object: Document, kind: &str) -> Document {
    let row = row(kind);
    let unknown = decode::conform(&mut object, row.schema.as_ref().unwrap().get()).unwrap();
    assert_eq!(unknown, Vec::<String>::new());
    row.strategy.default(&mut object);
    object
}

fn deployment() -> Document {
    doc!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "nginx", "creationTimestamp": null, "labels": {"app": "nginx"}},
        "spec": {
            "replicas": 1, "strategy": {}, "selector": {"matchLabels": {"app": "nginx"}},
            "template": {
                "metadata": {"creationTimestamp": null, "labels": {"app": "nginx"}},
                "spec": {"containers": [{"name": "nginx", "image": "nginx", "resources": {}}]}
            }
        },
        "status": {}
    })
}

fn fields(object: &Document) -> Document {
    object.array_at(&["metadata", "managedFields"])[0]["fieldsV1"].clone()
}

#[test]
fn a_created_deployment_is_owned_as_kubectl_shows_it() {
    let mut object = received(deployment(), "Deployment");
    with_write("Deployment", "kubectl-create", |write| track_update(None, &mut object, write));
    assert_eq!(
        fields(&object),
        doc!({
            "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
            "f:spec": {
                "f:progressDeadlineSeconds": {}, "f:replicas": {}, "f:revisionHistoryLimit": {}, "f:selector": {},
                "f:strategy": {"f:rollingUpdate": {".": {}, "f:maxSurge": {}, "f:maxUnavailable": {}}, "f:type": {}},
                "f:template": {
                    "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
                    "f:spec": {
                        "f:containers": {"k:{\"name\":\"nginx\"}": {
                            ".": {}, "f:image": {}, "f:imagePullPolicy": {}, "f:name": {}, "f:resources": {},
                            "f:terminationMessagePath": {}, "f:terminationMessagePolicy": {}
                        }},
                        "f:dnsPolicy": {}, "f:restartPolicy": {}, "f:schedulerName": {}, "f:securityContext": {},
                        "f:terminationGracePeriodSeconds": {}
                    }
                }
            }
        })
    );
}

#[test]
fn a_created_service_is_owned_as_kubectl_shows_it() {
    let mut object = received(
        doc!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}
        }),
        "Service",
    );
    with_write("Service", "kubectl-create", |write| track_update(None, &mut object, write));
    let spec = fields(&object)["f:spec"].clone();
    assert_eq!(
        spec["f:ports"],
        doc!({".": {}, "k:{\"port\":80,\"protocol\":\"TCP\"}": {
            ".": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {}
        }})
    );
    assert_eq!(spec["f:selector"], doc!({}));
}

#[test]
fn an_applied_deployment_owns_what_it_names_and_keeps_defaults() {
    let config = doc!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "nginx", "labels": {"app": "nginx"}},
        "spec": {
            "selector": {"matchLabels": {"app": "nginx"}},
            "template": {
                "metadata": {"labels": {"app": "nginx"}},
                "spec": {"containers": [{"name": "nginx", "image": "nginx:1", "ports": [{"containerPort": 80}]}]}
            }
        }
    });
    with_write("Deployment", "kubectl", |write| {
        let mut live = apply(None, &config, write, false).unwrap();
        let owned = fields(&live);
        assert_eq!(
            owned,
            doc!({
                "f:metadata": {"f:labels": {"f:app": {}}},
                "f:spec": {
                    "f:selector": {},
                    "f:template": {
                        "f:metadata": {"f:labels": {"f:app": {}}},
                        "f:spec": {"f:containers": {"k:{\"name\":\"nginx\"}": {
                            ".": {}, "f:image": {}, "f:name": {},
                            "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}}
                        }}}
                    }
                }
            })
        );
        live = received(live, "Deployment");
        let again = apply(Some(&live), &config, write, false).unwrap();
        assert_eq!(again, live);
    });
}

#[test]
fn what_upstream_always_writes_is_written_and_what_it_omits_is_not() {
    let mut object = deployment();
    object.set(&["spec", "paused"], false);
    object.set(&["spec", "template", "spec", "volumes"], Document::array());
    let object = received(object, "Deployment");
    assert!(object.at(&["spec", "paused"]).is_none());
    assert!(object.at(&["spec", "template", "spec", "volumes"]).is_none());
    assert!(object.at(&["metadata", "creationTimestamp"]).is_none());
    assert_eq!(object["status"], doc!({}));
    assert_eq!(
        object.at(&["spec", "template", "spec", "containers"]).unwrap().as_array().unwrap()[0]["resources"],
        doc!({})
    );
}
