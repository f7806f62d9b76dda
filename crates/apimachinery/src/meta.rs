//! Reading and editing object metadata of a document.

use crate::{Document, GroupVersionKind, Map};

/// What names one object of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ObjectKey {
    /// Namespace; empty for cluster-scoped objects.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl ObjectKey {
    /// From its parts.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl std::fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.namespace.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}/{}", self.namespace, self.name)
        }
    }
}

/// Metadata of an object. Absent texts read as empty, as Go structs hold them.
impl Document {
    /// `apiVersion` and `kind`; `None` if either is absent or malformed.
    pub fn gvk(&self) -> Option<GroupVersionKind> {
        let kind = self.str_at(&["kind"]);
        if kind.is_empty() { None } else { GroupVersionKind::parse(self.str_at(&["apiVersion"]), kind) }
    }

    /// Sets `apiVersion` and `kind`.
    pub fn set_gvk(&mut self, gvk: &GroupVersionKind) {
        self.insert("kind", gvk.kind.as_ref());
        self.insert("apiVersion", gvk.api_version());
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        self.str_at(&["metadata", "name"])
    }

    /// `metadata.namespace`.
    pub fn namespace(&self) -> &str {
        self.str_at(&["metadata", "namespace"])
    }

    /// Namespace and name.
    pub fn key(&self) -> ObjectKey {
        ObjectKey::new(self.namespace(), self.name())
    }

    /// `metadata.uid`.
    pub fn uid(&self) -> &str {
        self.str_at(&["metadata", "uid"])
    }

    /// `metadata.resourceVersion`.
    pub fn resource_version(&self) -> &str {
        self.str_at(&["metadata", "resourceVersion"])
    }

    /// `metadata.generation`; 0 if absent.
    pub fn generation(&self) -> i64 {
        self.i64_at(&["metadata", "generation"]).unwrap_or(0)
    }

    /// `metadata.creationTimestamp`, RFC 3339; empty if absent.
    pub fn creation_timestamp(&self) -> &str {
        self.str_at(&["metadata", "creationTimestamp"])
    }

    /// `metadata.deletionTimestamp`, RFC 3339; `None` while the object is not being deleted.
    pub fn deletion_timestamp(&self) -> Option<&str> {
        self.at(&["metadata", "deletionTimestamp"]).and_then(Document::as_str)
    }

    /// `metadata.labels`.
    pub fn labels(&self) -> Option<&Map> {
        self.object_at(&["metadata", "labels"])
    }

    /// One label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels()?.get(key)?.as_str()
    }

    /// `metadata.annotations`.
    pub fn annotations(&self) -> Option<&Map> {
        self.object_at(&["metadata", "annotations"])
    }

    /// One annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations()?.get(key)?.as_str()
    }

    /// `metadata.finalizers`.
    pub fn finalizers(&self) -> impl Iterator<Item = &str> {
        self.array_at(&["metadata", "finalizers"]).iter().filter_map(Document::as_str)
    }

    /// `metadata.ownerReferences`.
    pub fn owner_references(&self) -> &[Document] {
        self.array_at(&["metadata", "ownerReferences"])
    }

    /// The owner reference with `controller: true`.
    pub fn controller_ref(&self) -> Option<&Document> {
        self.owner_references().iter().find(|r| r.bool_at(&["controller"]) == Some(true))
    }

    /// The elements of a list object.
    pub fn items(&self) -> &[Document] {
        self.array_at(&["items"])
    }
}
