//! A pod as the checks read it: the parts of a Pod, or of a workload's pod template, that matter for its
//! security.

use skiff_apimachinery::Document;

/// Where a pod lists its containers, in the order in which upstream visits them.
const CONTAINER_LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// A Pod or a PodTemplateSpec: both have `metadata` and `spec`, which upstream hands to its checks.
#[derive(Debug, Clone, Copy)]
pub struct Pod<'a>(&'a Document);

impl<'a> Pod<'a> {
    /// Over a Pod or a pod template.
    pub fn new(object: &'a Document) -> Self {
        Self(object)
    }

    /// `spec`; null if absent.
    pub fn spec(self) -> &'a Document {
        &self.0["spec"]
    }

    /// `spec.securityContext`; null if absent.
    pub fn security_context(self) -> &'a Document {
        &self.spec()["securityContext"]
    }

    /// One annotation.
    pub fn annotation(self, key: &str) -> Option<&'a str> {
        self.0.annotation(key)
    }

    /// All annotations.
    pub fn annotations(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let annotations = self.0.annotations().into_iter().flat_map(|map| map.iter());
        annotations.map(|(key, value)| (key, value.as_str().unwrap_or("")))
    }

    /// All containers: init, ordinary and ephemeral ones (upstream's `visitContainers`).
    pub fn containers(self) -> impl Iterator<Item = &'a Document> {
        CONTAINER_LISTS.into_iter().flat_map(move |list| self.spec().array_at(&[list]))
    }

    /// Names of the containers for which the function says so.
    pub fn container_names_where(self, mut keep: impl FnMut(&'a Document) -> bool) -> Vec<&'a str> {
        self.containers()
            .filter(|&container| keep(container))
            .map(|container| container.str_at(&["name"]))
            .collect()
    }

    /// Whether the pod says that it runs on Windows, where fields for Linux cannot be set.
    pub fn runs_on_windows(self) -> bool {
        self.spec().str_at(&["os", "name"]) == "windows"
    }

    /// Whether the pod has a user namespace of its own (upstream's `relaxPolicyForUserNamespacePod`).
    pub fn has_user_namespace(self) -> bool {
        self.spec().bool_at(&["hostUsers"]) == Some(false)
    }
}

/// What a Go pointer field holds: nothing if the key is absent or null.
pub fn present<'a>(document: &'a Document, key: &str) -> Option<&'a Document> {
    document.get(key).filter(|value| !value.is_null())
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn containers_of_all_three_lists_are_seen() {
        let pod = doc!({"spec": {
            "containers": [{"name": "b"}, {"name": "c"}],
            "ephemeralContainers": [{"name": "d"}],
            "initContainers": [{"name": "a"}]
        }});
        assert_eq!(Pod::new(&pod).container_names_where(|_| true), ["a", "b", "c", "d"]);
        assert!(Pod::new(&Document::NULL).container_names_where(|_| true).is_empty());
    }

    #[test]
    fn only_an_explicit_no_to_host_users_is_a_user_namespace() {
        for (pod, want) in [
            (doc!({"spec": {}}), false),
            (doc!({"spec": {"hostUsers": true}}), false),
            (doc!({"spec": {"hostUsers": false}}), true),
        ] {
            assert_eq!(Pod::new(&pod).has_user_namespace(), want, "{pod}");
        }
    }
}
