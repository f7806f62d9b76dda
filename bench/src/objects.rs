//! The objects that rows write. Sizes are those that upstream was measured with: ConfigMaps of 1 KiB, Pods whose answers have
//! some 3 KB.

use skiff_apimachinery::{Document, doc};

/// The namespace of the API rows.
pub const NAMESPACE: &str = "bench";
/// An annotation that carries the number of an update.
pub const SEQUENCE: &str = "bench.skiff.dev/sequence";
/// A scheduler that nobody is, so that pods stay where they are.
const NOBODY: &str = "nobody";

/// A namespace with the service account that pods need; for servers without controllers.
pub fn namespace() -> Document {
    doc!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
}

/// The account of pods that name none.
pub fn service_account() -> Document {
    doc!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}})
}

/// A ConfigMap with 1 KiB in it.
pub fn config_map(name: &str, fill: char) -> Document {
    let text: String = std::iter::repeat_n(fill, 1024).collect();
    doc!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {"app": "bench"}},
        "data": {"text": text}
    })
}

/// A Pod that no scheduler takes.
pub fn pod(name: &str) -> Document {
    let mut spec = pod_spec();
    spec.set(&["schedulerName"], NOBODY);
    doc!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": {"app": "bench", "tier": "backend"},
            "annotations": {(SEQUENCE): "none"}
        },
        "spec": spec
    })
}

/// A Pod that the scheduler places.
pub fn schedulable_pod(name: &str) -> Document {
    let mut pod = pod(name);
    pod.remove(&["spec", "schedulerName"]);
    pod
}

/// A Pod that runs on a node.
pub fn running_pod(name: &str) -> Document {
    doc!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "bench"}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "main", "image": crate::site::IMAGE, "command": ["sleep", "86400"]}]
        }
    })
}

/// A Deployment without replicas; the number is in an annotation, so that applying it anew rolls nothing out.
pub fn deployment(name: &str, number: usize) -> Document {
    doc!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "labels": {"app": name},
            "annotations": {(SEQUENCE): number.to_string()}
        },
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod_spec()}
        }
    })
}

fn pod_spec() -> Document {
    doc!({
        "automountServiceAccountToken": false,
        "terminationGracePeriodSeconds": 0,
        "containers": [{
            "name": "server",
            "image": "registry.test/server:2.4",
            "args": ["serve", "--port=8080"],
            "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
            "env": [
                {"name": "LEVEL", "value": "info"},
                {"name": "ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
            ],
            "resources": {
                "requests": {"cpu": "10m", "memory": "16Mi"},
                "limits": {"cpu": "100m", "memory": "64Mi"}
            },
            "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}},
            "volumeMounts": [{"name": "cache", "mountPath": "/var/cache"}]
        }],
        "volumes": [{"name": "cache", "emptyDir": {}}]
    })
}

/// A Node that is ready and has room.
pub fn node(number: usize) -> Document {
    let name = format!("node-{number}");
    let zone = format!("zone-{}", number % 5);
    let amounts = doc!({"cpu": "32", "memory": "128Gi", "pods": "250"});
    let now = skiff_apimachinery::time::format_time(jiff::Timestamp::now());
    let condition = |kind: &str, status: &str| {
        doc!({
            "type": kind, "status": status, "reason": "Bench", "message": "a node without a kubelet",
            "lastHeartbeatTime": now.as_str(), "lastTransitionTime": now.as_str()
        })
    };
    doc!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name.as_str(),
            "labels": {"kubernetes.io/hostname": name.as_str(), "topology.kubernetes.io/zone": zone}
        },
        "status": {
            "capacity": amounts.clone(),
            "allocatable": amounts,
            "conditions": [
                condition("Ready", "True"),
                condition("MemoryPressure", "False"),
                condition("DiskPressure", "False"),
                condition("PIDPressure", "False")
            ]
        }
    })
}

/// A Service with one port; its address is made of its number.
pub fn service(number: usize) -> Document {
    let address = format!("10.{}.{}.{}", 43 + number / 65_536, number / 256 % 256, number % 256);
    doc!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": format!("service-{number}"), "namespace": NAMESPACE},
        "spec": {
            "type": "ClusterIP",
            "clusterIP": address.as_str(),
            "clusterIPs": [address.as_str()],
            "ipFamilies": ["IPv4"],
            "internalTrafficPolicy": "Cluster",
            "sessionAffinity": "None",
            "ports": [{"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8080}]
        }
    })
}

/// The endpoints of a Service: two, of which one tells the version of the slice.
pub fn endpoint_slice(number: usize, version: usize) -> Document {
    let endpoint = |host: usize| {
        doc!({
            "addresses": [format!("10.42.{}.{}", host / 250 % 256, host % 250 + 2)],
            "conditions": {"ready": true, "serving": true, "terminating": false}
        })
    };
    doc!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": format!("service-{number}-a"),
            "namespace": NAMESPACE,
            "labels": {"kubernetes.io/service-name": format!("service-{number}")}
        },
        "addressType": "IPv4",
        "ports": [{"name": "http", "protocol": "TCP", "port": 8080}],
        "endpoints": [endpoint(number * 2), endpoint(number * 2 + 1 + 7 * version)]
    })
}
