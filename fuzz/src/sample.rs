//! Objects that several targets begin with.

use skiff_apimachinery::{Document, GroupVersionKind, json};

/// A pod as it is stored, with owners of its fields.
pub const POD: &[u8] = br#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"default","uid":"1-2-3","resourceVersion":"7","creationTimestamp":"2026-01-02T03:04:05Z","labels":{"app":"web"},"managedFields":[{"manager":"kubectl","operation":"Apply","apiVersion":"v1","time":"2026-01-02T03:04:05Z","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:name":{},"f:image":{}}}}}}]},"spec":{"nodeName":"n","containers":[{"name":"c","image":"example.test/x:1","ports":[{"containerPort":80,"protocol":"TCP"}],"env":[{"name":"A","value":"1"},{"name":"B","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}],"resources":{"requests":{"cpu":"100m","memory":"1Gi"}},"livenessProbe":{"httpGet":{"path":"/","port":"http"},"periodSeconds":10}}],"volumes":[{"name":"v","emptyDir":{}}],"tolerations":[{"key":"a","operator":"Exists","tolerationSeconds":0}]},"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True","lastTransitionTime":null}]}}"#;

/// A deployment.
pub const DEPLOYMENT: &[u8] = br#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","annotations":{"a/b":"<c>"}},"spec":{"replicas":3,"selector":{"matchLabels":{"app":"web"},"matchExpressions":[{"key":"tier","operator":"In","values":["x"]}]},"strategy":{"rollingUpdate":{"maxSurge":"25%","maxUnavailable":1}},"template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"x","args":["-v","2"]}]}}}}"#;

/// A Service.
pub const SERVICE: &[u8] = br#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"ns"},"spec":{"selector":{"app":"web"},"clusterIP":"10.43.0.80","clusterIPs":["10.43.0.80"],"ports":[{"name":"http","protocol":"TCP","port":80,"targetPort":"http"}]}}"#;

/// A secret, whose values are base64.
pub const SECRET: &[u8] = br#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"type":"Opaque","data":{"a":"AAEC","b":""},"immutable":false}"#;

/// A custom resource's definition: schemas inside an object.
pub const DEFINITION: &[u8] = br#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"things.example.test"},"spec":{"group":"example.test","scope":"Namespaced","names":{"plural":"things","kind":"Thing"},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":{"size":{"type":"integer","minimum":1,"default":2}}}}}}}]}}"#;

/// All of them.
pub const OBJECTS: [&[u8]; 5] = [POD, DEPLOYMENT, SERVICE, SECRET, DEFINITION];

/// The pod as a document.
pub fn pod() -> Document {
    json::decode(POD).unwrap_or_default()
}

/// What an object says it is.
pub fn kind_of(object: &Document) -> Option<GroupVersionKind> {
    GroupVersionKind::parse(object.str_at(&["apiVersion"]), object.str_at(&["kind"]))
}

/// The two documents of an input: what stands before the first line's end, the pod if there is no such, and what follows.
pub fn two_documents(input: &[u8]) -> Option<(Document, Document)> {
    match input.iter().position(|byte| *byte == b'\n') {
        None => Some((pod(), json::decode(input).ok()?)),
        Some(end) => {
            let (first, second) = (input.get(..end)?, input.get(end + 1..)?);
            Some((json::decode(first).ok()?, json::decode(second).ok()?))
        }
    }
}

/// Inputs whose first line is the pod.
pub fn after_pod(seconds: &[&[u8]]) -> Vec<Vec<u8>> {
    seconds.iter().map(|second| [POD, b"\n", *second].concat()).collect()
}

/// The document with the keys of all its maps in order, as YAML is written.
pub fn sorted(mut document: Document) -> Document {
    if let Some(map) = document.as_object_mut() {
        map.sort_keys();
        map.values_mut().for_each(|value| *value = sorted(value.take()));
    }
    if let Some(list) = document.as_array_mut() {
        list.iter_mut().for_each(|value| *value = sorted(value.take()));
    }
    document
}
