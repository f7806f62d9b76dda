//! A row of the resource table.

use crate::Strategy;
use skiff_apimachinery::gvk::Str;
use skiff_apimachinery::schema::SchemaRef;
use skiff_apimachinery::{
    Document, GroupKind, GroupResource, GroupVersion, GroupVersionKind, GroupVersionResource,
};
use std::sync::Arc;

/// Whether objects live in namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// In a namespace.
    Namespaced,
    /// In the cluster as a whole.
    Cluster,
}

/// The verbs that a resource or subresource serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Verbs(u16);

impl Verbs {
    /// None.
    pub const NONE: Self = Self(0);
    /// `create`.
    pub const CREATE: Self = Self(1);
    /// `delete`.
    pub const DELETE: Self = Self(1 << 1);
    /// `deletecollection`.
    pub const DELETE_COLLECTION: Self = Self(1 << 2);
    /// `get`.
    pub const GET: Self = Self(1 << 3);
    /// `list`.
    pub const LIST: Self = Self(1 << 4);
    /// `patch`.
    pub const PATCH: Self = Self(1 << 5);
    /// `update`.
    pub const UPDATE: Self = Self(1 << 6);
    /// `watch`.
    pub const WATCH: Self = Self(1 << 7);
    /// Everything a stored resource usually serves.
    pub const ALL: Self = Self(0xff);
    /// What status and scale subresources serve.
    pub const STATUS: Self = Self(Self::GET.0 | Self::PATCH.0 | Self::UPDATE.0);

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// This set less the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of the other set is in this one.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Names in discovery's order (alphabetical).
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        const NAMES: [&str; 8] =
            ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
        NAMES.into_iter().enumerate().filter(move |(bit, _)| self.0 & (1 << bit) != 0).map(|(_, name)| name)
    }
}

/// A subresource of a row.
#[derive(Debug, Clone)]
pub struct Subresource {
    /// Name in the URL, such as `status`.
    pub name: Str,
    /// Kind of its body; the parent's for `status`, `autoscaling/v1 Scale` for `scale`.
    pub gvk: GroupVersionKind,
    /// Verbs it serves.
    pub verbs: Verbs,
}

/// How a version's objects become the hub (storage) version's and back. Lossless both ways.
#[derive(Debug, Clone, Copy)]
pub struct Conversion {
    /// Edits an object of this version into the hub version; apiVersion and kind are set by the caller.
    pub to_hub: fn(&mut Document),
    /// Edits an object of the hub version into this version.
    pub from_hub: fn(&mut Document),
}

/// One resource in one version.
#[derive(Clone)]
pub struct Resource {
    /// Group, version and kind of its objects.
    pub gvk: GroupVersionKind,
    /// Plural name in URLs.
    pub plural: Str,
    /// Singular name.
    pub singular: Str,
    /// Kind of its lists.
    pub list_kind: Str,
    /// Short names for kubectl.
    pub short_names: Vec<Str>,
    /// Categories such as `all`.
    pub categories: Vec<Str>,
    /// Whether objects live in namespaces.
    pub scope: Scope,
    /// Verbs it serves.
    pub verbs: Verbs,
    /// Its subresources.
    pub subresources: Vec<Subresource>,
    /// What its fields are; `None` only for custom resources that preserve everything.
    pub schema: Option<SchemaRef>,
    /// Key prefix below `/registry/`, such as `pods` or `services/specs`; empty if nothing is stored (reviews).
    pub storage_prefix: Str,
    /// The version that is stored.
    pub hub: GroupVersionKind,
    /// How to get there, if this is not the stored version.
    pub conversion: Option<Conversion>,
    /// Defaults, validation, what updates may change, columns, selectable fields.
    pub strategy: Arc<dyn Strategy>,
    /// Served without `--runtime-config`.
    pub enabled: bool,
    /// The feature gate without which it is not served.
    pub gate: Option<&'static str>,
    /// Made from a CustomResourceDefinition.
    pub custom: bool,
}

impl Resource {
    /// Group and version.
    pub fn group_version(&self) -> GroupVersion {
        self.gvk.group_version()
    }

    /// Group, version and plural.
    pub fn gvr(&self) -> GroupVersionResource {
        GroupVersionResource::new(self.gvk.group.clone(), self.gvk.version.clone(), self.plural.clone())
    }

    /// Group and plural, as error messages name it.
    pub fn group_resource(&self) -> GroupResource {
        GroupResource::new(self.gvk.group.clone(), self.plural.clone())
    }

    /// Group and kind, as validation messages name it.
    pub fn group_kind(&self) -> GroupKind {
        self.gvk.group_kind()
    }

    /// Whether objects live in namespaces.
    pub fn namespaced(&self) -> bool {
        self.scope == Scope::Namespaced
    }

    /// Whether DELETE answers with the deleted object and not with a Status.
    pub fn returns_deleted(&self) -> bool {
        const CORE: [&str; 7] = [
            "persistentvolumeclaims",
            "persistentvolumes",
            "pods",
            "podtemplates",
            "resourcequotas",
            "serviceaccounts",
            "services",
        ];
        match self.gvk.group.as_ref() {
            "" => CORE.contains(&self.plural.as_ref()),
            "resource.k8s.io" => true,
            "storage.k8s.io" => self.plural != "csistoragecapacities",
            _ => false,
        }
    }

    /// The text of the `Warning` header that answers carry because this version is deprecated.
    pub fn deprecation(&self) -> Option<&'static str> {
        match (self.gvk.group.as_ref(), self.gvk.version.as_ref(), self.gvk.kind.as_ref()) {
            ("", "v1", "ComponentStatus") => Some("v1 ComponentStatus is deprecated in v1.19+"),
            ("", "v1", "Endpoints") => {
                Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice")
            }
            _ => None,
        }
    }

    /// Gives an object the form that upstream encodes: what is always written is there, what is omitted when empty is not.
    /// Custom resources stay as they are.
    pub fn complete(&self, object: &mut Document) {
        if let Some(schema) = self.schema.as_ref().filter(|_| !self.custom) {
            skiff_apimachinery::decode::complete(object, schema.get());
        }
    }

    /// The subresource of this name.
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|sub| sub.name == name)
    }
}

impl std::fmt::Debug for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Resource({})", self.gvr())
    }
}
