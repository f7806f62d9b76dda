//! What makes a pod one of its set's: its name, host name and subdomain, and labels that tell its name and number.

use super::{claims, ordinal};
use crate::pod_template::pod_of;
use crate::revisions::POD_REVISION;
use skiff_apimachinery::Document;

const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
const POD_INDEX: &str = "apps.kubernetes.io/pod-index";

/// The pod with a number, of the template of a revision that the set is given with.
pub(super) fn pod(set: &Document, ordinal: i64, revision: &str) -> Document {
    let mut pod = pod_of(set);
    let name = ordinal::pod_name(set, ordinal);
    pod.set(&["metadata", "name"], name.as_str());
    pod.set(&["metadata", "namespace"], set.namespace());
    label(&mut pod, ordinal);
    pod.set(&["metadata", "labels", POD_REVISION], revision);
    pod.set(&["spec", "hostname"], name);
    let service = set.str_at(&["spec", "serviceName"]);
    if service.is_empty() {
        pod.remove(&["spec", "subdomain"]);
    } else {
        pod.set(&["spec", "subdomain"], service);
    }
    claims::mount(set, ordinal, &mut pod);
    pod
}

/// The revision that a pod is of; empty if it tells none.
pub(super) fn revision(pod: &Document) -> &str {
    pod.label(POD_REVISION).unwrap_or("")
}

/// A pod of the set as it is to be; `None` if it is so already. Host name and subdomain cannot be changed any more.
pub(super) fn corrected(set: &Document, ordinal: i64, pod: &Document) -> Option<Document> {
    if pod.label(POD_NAME) == Some(pod.name()) && claims::are_mounted(set, ordinal, pod) {
        return None;
    }
    let mut changed = pod.clone();
    label(&mut changed, ordinal);
    if !claims::are_mounted(set, ordinal, pod) {
        claims::mount(set, ordinal, &mut changed);
    }
    Some(changed)
}

fn label(pod: &mut Document, ordinal: i64) {
    let name = pod.name().to_owned();
    pod.set(&["metadata", "labels", POD_NAME], name);
    pod.set(&["metadata", "labels", POD_INDEX], ordinal.to_string());
}
