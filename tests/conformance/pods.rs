//! [sig-node], [sig-auth], [sig-storage]: what the API server does with pods that never run.

use crate::harness::Api;
use crate::objects::Objects;
use crate::resources::{CSI_DRIVERS, RUNTIME_CLASSES, labelled, named, yaml};
use skiff_apimachinery::{Document, doc};
use skiff_client::resources::{PODS, SERVICE_ACCOUNTS};

fn pod(name: &str) -> Document {
    let object =
        yaml("spec: {containers: [{name: main, image: 'example.test/busybox:1', command: [sleep, '300']}]}");
    named(name, object)
}

/// `Pods Extended Pods Set QOS Class should be set on Pods with matching resource requests and limits for memory and cpu`
#[test]
fn should_be_set_on_pods_with_matching_resource_requests_and_limits_for_memory_and_cpu() {
    let api = Api::for_pods();
    let pods = api.of(&PODS);
    let mut object = pod("pod-qos-class");
    let containers = object.at_mut(&["spec", "containers"]).and_then(Document::as_array_mut).unwrap();
    let amounts = doc!({"cpu": "100m", "memory": "100Mi"});
    containers[0].insert("resources", doc!({"requests": &amounts, "limits": &amounts}));
    pods.create(object);
    assert_eq!(pods.get("pod-qos-class").str_at(&["status", "qosClass"]), "Guaranteed");
}

/// `Sysctls [LinuxOnly] should reject invalid sysctls`
#[test]
fn should_reject_invalid_sysctls() {
    let api = Api::for_pods();
    let mut object = pod("sysctl");
    let sysctls = ["foo-", "kernel.shmmax", "safe-and-unsafe", "bar.."];
    for name in sysctls {
        let sysctl = doc!({"name": name, "value": "bar"});
        object.ensure(&["spec", "securityContext", "sysctls"]).push(sysctl);
    }
    let refused = Objects::refused(api.of(&PODS).try_create(object));
    assert_eq!((refused.code, refused.reason.as_str()), (422, "Invalid"), "{refused}");
    for name in ["foo-", "bar.."] {
        assert!(refused.message.contains(&format!("Invalid value: \"{name}\"")), "{refused}");
    }
    for name in ["safe-and-unsafe", "kernel.shmmax"] {
        assert!(!refused.message.contains(name), "{refused}");
    }
}

fn of_class(class: &str) -> Document {
    let mut object = pod("runtime-class");
    object.set(&["spec", "runtimeClassName"], class);
    object
}

fn check_no_class(api: &Api, class: &str) {
    let refused = Objects::refused(api.of(&PODS).try_create(of_class(class)));
    assert_eq!((refused.code, refused.reason.as_str()), (403, "Forbidden"), "{refused}");
    assert!(refused.message.contains(&format!("RuntimeClass \"{class}\" not found")), "{refused}");
}

/// `RuntimeClass should reject a Pod requesting a non-existent RuntimeClass`
#[test]
fn should_reject_a_pod_requesting_a_non_existent_runtime_class() {
    let api = Api::for_pods();
    check_no_class(&api, &api.named("nonexistent"));
}

/// `RuntimeClass should reject a Pod requesting a deleted RuntimeClass`
#[test]
fn should_reject_a_pod_requesting_a_deleted_runtime_class() {
    let api = Api::for_pods();
    let (classes, name) = (api.of(&RUNTIME_CLASSES), api.named("delete-me"));
    classes.create(named(&name, doc!({"handler": "e2e-handler"})));
    classes.delete(&name);
    classes.gone(&name);
    // Admission may read a cache that lags behind.
    let pods = api.of(&PODS);
    api.eventually("admission knows that the class is gone", || match pods.try_create(of_class(&name)) {
        Err(_) => Ok(()),
        Ok(_) => {
            pods.delete("runtime-class");
            pods.gone("runtime-class");
            Err("the pod was admitted".to_owned())
        }
    });
    check_no_class(&api, &name);
}

/// Whether admission gave the pod's container a token of its service account.
fn has_token(pod: &Document) -> bool {
    let mounts = pod.array_at(&["spec", "containers"])[0].array_at(&["volumeMounts"]);
    mounts.iter().any(|m| m.str_at(&["mountPath"]) == "/var/run/secrets/kubernetes.io/serviceaccount")
}

/// `ServiceAccounts should allow opting out of API token automount`
#[test]
fn should_allow_opting_out_of_api_token_automount() {
    let api = Api::for_pods();
    let (accounts, pods) = (api.of(&SERVICE_ACCOUNTS), api.of(&PODS));
    for (account, automount) in [("mount", Some(true)), ("nomount", Some(false)), ("default", None)] {
        if let Some(automount) = automount {
            accounts.create(named(account, doc!({"automountServiceAccountToken": automount})));
        }
        for (suffix, wanted) in [("default", None), ("mount", Some(true)), ("nomount", Some(false))] {
            let mut object = pod(&format!("pod-{account}-{suffix}"));
            object.set(&["spec", "serviceAccountName"], account);
            if let Some(wanted) = wanted {
                object.set(&["spec", "automountServiceAccountToken"], wanted);
            }
            // The pod's word counts before the account's.
            let expected = wanted.or(automount).unwrap_or(true);
            let created = pods.create(object);
            assert_eq!(has_token(&created), expected, "{account} {wanted:?}: {}", created["spec"]);
        }
    }
}

/// `CSIInlineVolumes should support CSIVolumeSource in Pod API`
#[test]
fn should_support_csi_volume_source_in_pod_api() {
    let api = Api::for_pods();
    let (drivers, pods) = (api.of(&CSI_DRIVERS), api.of(&PODS));
    let driver = format!("inline-driver-{}", api.namespace);
    let object = yaml("spec: {attachRequired: false, volumeLifecycleModes: [Ephemeral]}");
    let label = ("security.kubernetes.io/csi-ephemeral-volume-profile", "restricted");
    drivers.create(labelled(label.0, label.1, named(&driver, object)));

    let selector = "test=inline-csi";
    let mut object = labelled("test", "inline-csi", pod("pod-csi-inline-volumes"));
    let source = doc!({"name": "csi-inline-vol", "csi": {"driver": driver.as_str()}});
    object.set(&["spec", "volumes"], doc!([source]));
    pods.create(object);
    let read = pods.get("pod-csi-inline-volumes");
    let volumes = read.array_at(&["spec", "volumes"]);
    assert!(volumes.iter().any(|v| v.str_at(&["csi", "driver"]) == driver), "{read}");
    let listed = pods.everywhere().list(selector);
    assert_eq!(listed.iter().filter(|p| p.namespace() == api.namespace).count(), 1);
    let patched =
        pods.strategic_patch("pod-csi-inline-volumes", doc!({"metadata": {"labels": {"e2e": "patched"}}}));
    assert_eq!(patched.label("e2e"), Some("patched"));
    pods.delete_collection(selector);
    pods.none(selector);
    drivers.delete(&driver);
    drivers.gone(&driver);
}
