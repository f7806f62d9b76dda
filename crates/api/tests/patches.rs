//! Patches of real kinds: the cases that upstream's documentation shows.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use skiff_api::builtin;
use skiff_apimachinery::patch::{apply_merge_patch, apply_strategic_merge_patch};
use skiff_apimachinery::{Document, doc};

/// One documented case: what it shows, the kind, what is stored, the patch, what is stored then.
struct Case {
    shows: &'static str,
    kind: &'static str,
    live: Document,
    patch: Document,
    result: Document,
}

fn strategic(kind: &str, mut live: Document, patch: &Document) -> Result<Document, String> {
    let row = builtin().into_iter().find(|row| row.gvk.kind == kind && row.gvk.version == "v1").unwrap();
    let schema = row.schema.as_ref().unwrap().get();
    apply_strategic_merge_patch(&mut live, patch, schema).map(|()| live).map_err(|error| error.to_string())
}

fn pod(spec: Document) -> Document {
    doc!({"spec": spec})
}

fn deployment(pod_spec: Document) -> Document {
    doc!({"spec": {"template": {"spec": pod_spec}}})
}

/// "Update API Objects in Place Using kubectl patch".
fn in_place() -> Vec<Case> {
    let demo = || deployment(doc!({"containers": [{"name": "patch-demo-ctr", "image": "nginx"}]}));
    vec![
        Case {
            shows: "a container is added beside the one that is there",
            kind: "Deployment",
            live: demo(),
            patch: deployment(doc!({"containers": [{"name": "patch-demo-ctr-2", "image": "redis"}]})),
            result: deployment(doc!({"containers": [
                {"name": "patch-demo-ctr-2", "image": "redis"}, {"name": "patch-demo-ctr", "image": "nginx"}
            ]})),
        },
        Case {
            shows: "tolerations have no merge key and are replaced",
            kind: "Deployment",
            live: deployment(
                doc!({"tolerations": [{"effect": "NoSchedule", "key": "dedicated", "value": "test-team"}]}),
            ),
            patch: deployment(
                doc!({"tolerations": [{"effect": "NoSchedule", "key": "disktype", "value": "ssd"}]}),
            ),
            result: deployment(
                doc!({"tolerations": [{"effect": "NoSchedule", "key": "disktype", "value": "ssd"}]}),
            ),
        },
        Case {
            shows: "retainKeys clears what the other strategy needed",
            kind: "Deployment",
            live: doc!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}),
            patch: doc!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}),
            result: doc!({"spec": {"strategy": {"type": "Recreate"}}}),
        },
        Case {
            shows: "without retainKeys it stays",
            kind: "Deployment",
            live: doc!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}),
            patch: doc!({"spec": {"strategy": {"type": "Recreate"}}}),
            result: doc!({"spec": {"strategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}}}),
        },
    ]
}

/// The developers' guide to strategic merge patch: lists of maps.
fn lists_of_maps() -> Vec<Case> {
    let live = || {
        pod(doc!({"containers": [
            {"name": "nginx", "image": "nginx-1.0"}, {"name": "log-tailer", "image": "log-tailer-1.0"}
        ]}))
    };
    vec![
        Case {
            shows: "an element is changed by its name",
            kind: "Pod",
            live: live(),
            patch: pod(doc!({"containers": [{"name": "log-tailer", "image": "log-tailer-2.0"}]})),
            result: pod(doc!({"containers": [
                {"name": "nginx", "image": "nginx-1.0"}, {"name": "log-tailer", "image": "log-tailer-2.0"}
            ]})),
        },
        Case {
            shows: "an element is deleted by its name",
            kind: "Pod",
            live: live(),
            patch: pod(doc!({"containers": [{"name": "nginx", "$patch": "delete"}]})),
            result: pod(doc!({"containers": [{"name": "log-tailer", "image": "log-tailer-1.0"}]})),
        },
        Case {
            shows: "a list is replaced",
            kind: "Pod",
            live: live(),
            patch: pod(
                doc!({"containers": [{"$patch": "replace"}, {"name": "httpd", "image": "httpd-2.4"}]}),
            ),
            result: pod(doc!({"containers": [{"name": "httpd", "image": "httpd-2.4"}]})),
        },
        Case {
            shows: "deleting who is not there changes nothing",
            kind: "Pod",
            live: live(),
            patch: pod(doc!({"containers": [{"name": "nobody", "$patch": "delete"}]})),
            result: live(),
        },
        Case {
            shows: "the order is the patch's, then what only the server has keeps its place",
            kind: "Pod",
            live: pod(doc!({"containers": [
                {"name": "a"}, {"name": "b"}, {"name": "from-the-server"}, {"name": "c"}
            ]})),
            patch: pod(doc!({
                "$setElementOrder/containers": [{"name": "c"}, {"name": "b"}, {"name": "a"}],
                "containers": [{"name": "b", "image": "2"}]
            })),
            result: pod(doc!({"containers": [
                {"name": "from-the-server"}, {"name": "c"}, {"name": "b", "image": "2"}, {"name": "a"}
            ]})),
        },
        Case {
            shows: "environment variables merge by name, inside of containers",
            kind: "Deployment",
            live: deployment(doc!({"containers": [
                {"name": "c", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}], "args": ["x", "y"]}
            ]})),
            patch: deployment(doc!({"containers": [
                {"name": "c", "env": [{"name": "B", "value": "3"}, {"name": "A", "$patch": "delete"}], "args": ["z"]}
            ]})),
            result: deployment(doc!({"containers": [
                {"name": "c", "env": [{"name": "B", "value": "3"}], "args": ["z"]}
            ]})),
        },
        Case {
            shows: "container ports merge by number, volume mounts by path",
            kind: "Pod",
            live: pod(doc!({"containers": [{
                "name": "c", "ports": [{"containerPort": 80, "name": "http"}],
                "volumeMounts": [{"name": "v", "mountPath": "/a"}]
            }]})),
            patch: pod(doc!({"containers": [{
                "name": "c", "ports": [{"containerPort": 80, "name": "web"}, {"containerPort": 443}],
                "volumeMounts": [{"name": "w", "mountPath": "/a"}]
            }]})),
            result: pod(doc!({"containers": [{
                "name": "c", "ports": [{"containerPort": 80, "name": "web"}, {"containerPort": 443}],
                "volumeMounts": [{"name": "w", "mountPath": "/a"}]
            }]})),
        },
        Case {
            shows: "a volume's source is a union: the other one goes",
            kind: "Pod",
            live: pod(doc!({"volumes": [{"name": "v", "emptyDir": {}}]})),
            patch: pod(
                doc!({"volumes": [{"$retainKeys": ["name", "hostPath"], "name": "v", "hostPath": {"path": "/x"}}]}),
            ),
            result: pod(doc!({"volumes": [{"name": "v", "hostPath": {"path": "/x"}}]})),
        },
        Case {
            shows: "ports of a Service merge by number",
            kind: "Service",
            live: doc!({"spec": {"ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}]}}),
            patch: doc!({"spec": {"ports": [{"port": 81, "$patch": "delete"}, {"port": 80, "nodePort": 30080}]}}),
            result: doc!({"spec": {"ports": [{"port": 80, "name": "a", "nodePort": 30080}]}}),
        },
    ]
}

/// The developers' guide to strategic merge patch: maps and lists of scalars.
fn maps_and_scalars() -> Vec<Case> {
    let finalizers = |list: Document| doc!({"metadata": {"finalizers": list}});
    vec![
        Case {
            shows: "a map's fields merge, null deletes",
            kind: "ConfigMap",
            live: doc!({"data": {"a": "1", "b": "2"}}),
            patch: doc!({"data": {"a": null, "c": "3"}}),
            result: doc!({"data": {"b": "2", "c": "3"}}),
        },
        Case {
            shows: "a map is replaced",
            kind: "ConfigMap",
            live: doc!({"data": {"a": "1", "b": "2"}}),
            patch: doc!({"data": {"$patch": "replace", "c": "3"}}),
            result: doc!({"data": {"c": "3"}}),
        },
        Case {
            shows: "a map is emptied",
            kind: "ConfigMap",
            live: doc!({"data": {"a": "1"}, "binaryData": {"x": "eA=="}}),
            patch: doc!({"data": {"$patch": "delete"}}),
            result: doc!({"data": {}, "binaryData": {"x": "eA=="}}),
        },
        Case {
            shows: "finalizers merge",
            kind: "Pod",
            live: finalizers(doc!(["a", "b", "c"])),
            patch: finalizers(doc!(["d", "e"])),
            result: finalizers(doc!(["d", "e", "a", "b", "c"])),
        },
        Case {
            shows: "one is taken out, and the order told",
            kind: "Pod",
            live: finalizers(doc!(["a", "b", "c", "d"])),
            patch: doc!({"metadata": {
                "$deleteFromPrimitiveList/finalizers": ["b"],
                "$setElementOrder/finalizers": ["e", "c", "a"],
                "finalizers": ["e"]
            }}),
            result: finalizers(doc!(["e", "c", "a", "d"])),
        },
        Case {
            shows: "access modes have no strategy and are replaced",
            kind: "PersistentVolumeClaim",
            live: doc!({"spec": {"accessModes": ["ReadWriteOnce", "ReadOnlyMany"]}}),
            patch: doc!({"spec": {"accessModes": ["ReadWriteMany"]}}),
            result: doc!({"spec": {"accessModes": ["ReadWriteMany"]}}),
        },
        Case {
            shows: "owner references merge by uid",
            kind: "Pod",
            live: doc!({"metadata": {"ownerReferences": [{"uid": "1", "name": "a"}, {"uid": "2", "name": "b"}]}}),
            patch: doc!({"metadata": {"ownerReferences": [{"uid": "1", "$patch": "delete"}]}}),
            result: doc!({"metadata": {"ownerReferences": [{"uid": "2", "name": "b"}]}}),
        },
        Case {
            shows: "conditions merge by type",
            kind: "Node",
            live: doc!({"status": {"conditions": [{"type": "Ready", "status": "False"}, {"type": "DiskPressure", "status": "False"}]}}),
            patch: doc!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}),
            result: doc!({"status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "DiskPressure", "status": "False"}]}}),
        },
    ]
}

#[test]
fn documented_patches_do_what_the_documents_say() {
    for Case { shows, kind, live, patch, result } in
        in_place().into_iter().chain(lists_of_maps()).chain(maps_and_scalars())
    {
        let patched = strategic(kind, live, &patch);
        assert_eq!(patched.as_ref(), Ok(&result), "{shows}");
        // The same patch once more is the same patch.
        assert_eq!(strategic(kind, result.clone(), &patch), Ok(result), "again: {shows}");
    }
}

#[test]
fn wrong_patches_are_refused_in_upstreams_words() {
    let live = || pod(doc!({"containers": [{"name": "a"}], "strategy": {}}));
    let cases = [
        (pod(doc!({"containers": [{"image": "x"}]})), "does not contain declared merge key: name"),
        (pod(doc!({"containers": [{"name": "a", "$patch": "explode"}]})), "unknown patch type: explode"),
        (pod(doc!({"containers": [{"$patch": "delete"}]})), "delete patch type with no merge key defined"),
        (
            pod(doc!({"containers": [{"name": "a", "$patch": "merge"}]})),
            "merging lists cannot yet be specified in the patch",
        ),
        (
            pod(doc!({"$setElementOrder/containers": [{"name": "a"}], "containers": [{"name": "z"}]})),
            "doesn't match $setElementOrder list",
        ),
        (doc!({"spec": {"strategy": {"$retainKeys": "type"}}}), "invalid patch format of retainKeys list"),
    ];
    for (patch, why) in cases {
        let refused = strategic("Pod", live(), &patch).unwrap_err();
        assert!(refused.contains(why), "{patch}: {refused}");
    }
}

#[test]
fn a_merge_patch_replaces_lists() {
    let mut live = deployment(doc!({"containers": [{"name": "patch-demo-ctr", "image": "nginx"}]}));
    let patch = deployment(
        doc!({"containers": [{"name": "patch-demo-ctr-3", "image": "gcr.io/google-samples/hello-app:2.0"}]}),
    );
    apply_merge_patch(&mut live, &patch);
    assert_eq!(live, patch);
}
