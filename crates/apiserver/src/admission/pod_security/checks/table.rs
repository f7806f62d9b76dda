//! Tests of one check: a table of pods and of what the check says of them.

use super::{Check, Pod, Version};
use skiff_apimachinery::{Document, doc};

/// The release that this one is.
pub const LATEST: Version = Version::Latest;

/// Holds a check, as it was in a release, against pods; an empty text means that the pod is allowed.
#[track_caller]
pub fn hold(check: &Check, version: Version, rows: &[(Document, &str)]) {
    for (pod, text) in rows {
        let violation = check.at(version).and_then(|rule| (rule.check_pod)(Pod::new(pod)));
        let said = violation.map(|violation| violation.to_string()).unwrap_or_default();
        assert_eq!(said, *text, "{} of {version} on {pod}", check.id);
    }
}

/// A pod with this security context, and containers `a`, `b`, ... with these; null stands for none.
pub fn pod(context: Document, containers: impl IntoIterator<Item = Document>) -> Document {
    let containers: Vec<Document> = ('a'..='z')
        .zip(containers)
        .map(|(name, context)| doc!({"name": name.to_string(), "securityContext": context}))
        .collect();
    doc!({"spec": {"securityContext": context, "containers": containers}})
}

/// A pod without a security context whose containers have these.
pub fn containers(contexts: impl IntoIterator<Item = Document>) -> Document {
    pod(Document::NULL, contexts)
}

/// The same pod on Windows.
pub fn on_windows(mut pod: Document) -> Document {
    pod.set(&["spec", "os", "name"], "windows");
    pod
}

/// The same pod in a user namespace of its own.
pub fn in_user_namespace(mut pod: Document) -> Document {
    pod.set(&["spec", "hostUsers"], false);
    pod
}
