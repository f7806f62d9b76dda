//! What tests of plugins share: objects that never change, an authorizer with a list, and writes to put before a plugin.

use super::{Operation, Plugin, Request};
use crate::authentication::UserInfo;
use crate::authorization::{Attributes, Authorizer, Decision};
use crate::objects::Objects;
use futures::future::FutureExt;
use skiff_api::Resource;
use skiff_apimachinery::{Document, GroupResource, Status};
use std::sync::{Arc, LazyLock};

static ROWS: LazyLock<Vec<Arc<Resource>>> = LazyLock::new(skiff_api::builtin);

struct Fixed(Vec<(&'static str, Document)>);

/// Objects, each after the plural name of its resource.
pub(super) fn objects(objects: Vec<(&'static str, Document)>) -> Arc<dyn Objects> {
    Arc::new(Fixed(objects))
}

impl Objects for Fixed {
    fn get(&self, resource: &GroupResource, namespace: &str, name: &str) -> Option<Arc<Document>> {
        self.list(resource, namespace).into_iter().find(|object| object.name() == name)
    }

    fn list(&self, resource: &GroupResource, namespace: &str) -> Vec<Arc<Document>> {
        self.0
            .iter()
            .filter(|(plural, object)| {
                *plural == resource.resource && (namespace.is_empty() || object.namespace() == namespace)
            })
            .map(|(_, object)| Arc::new(object.clone()))
            .collect()
    }

    fn change_count(&self, _: &GroupResource) -> u64 {
        0
    }
}

/// Allows what it lists, each as `VERB RESOURCE[/SUBRESOURCE] NAME`.
pub(super) struct Allowing(pub(super) &'static [&'static str]);

impl Authorizer for Allowing {
    fn authorize(&self, wanted: &Attributes<'_>) -> Decision {
        let slash = if wanted.subresource.is_empty() { "" } else { "/" };
        let asked =
            format!("{} {}{slash}{} {}", wanted.verb, wanted.resource, wanted.subresource, wanted.name);
        if self.0.contains(&asked.as_str()) {
            Decision::Allow(String::new())
        } else {
            Decision::NoOpinion("not listed".to_owned())
        }
    }
}

/// A write of an object `x`, in the namespace `a` if its kind has one.
pub(super) struct Write {
    row: Arc<Resource>,
    subresource: &'static str,
    operation: Operation,
    user: UserInfo,
    old: Option<Document>,
}

impl Write {
    fn new(group: &str, plural: &str, operation: Operation, old: Option<Document>) -> Self {
        let row = ROWS.iter().find(|row| row.gvk.group == group && row.plural == plural).cloned().unwrap();
        Self { row, subresource: "", operation, user: UserInfo::authenticated("ann", ["dev"]), old }
    }

    pub(super) fn create(group: &str, plural: &str) -> Self {
        Self::new(group, plural, Operation::Create, None)
    }

    pub(super) fn update(group: &str, plural: &str, old: Document) -> Self {
        Self::new(group, plural, Operation::Update, Some(old))
    }

    pub(super) fn through(self, subresource: &'static str) -> Self {
        Self { subresource, ..self }
    }

    fn request(&self) -> Request<'_> {
        Request {
            resource: &self.row,
            subresource: self.subresource,
            operation: self.operation,
            namespace: if self.row.namespaced() { "a" } else { "" },
            name: "x",
            generate_name: String::new(),
            user: &self.user,
            old: self.old.as_ref(),
            dry_run: false,
            warnings: Vec::new(),
        }
    }

    /// The object as the plugin leaves it, or its refusal.
    pub(super) fn admit(&self, plugin: &dyn Plugin, mut object: Document) -> Result<Document, Status> {
        let mut request = self.request();
        plugin.admit(&mut request, &mut object).now_or_never().unwrap()?;
        Ok(object)
    }

    /// The text of the plugin's refusal of the object as it would be stored; empty if it refuses nothing.
    pub(super) fn refusal(&self, plugin: &dyn Plugin, object: &Document) -> String {
        let mut request = self.request();
        let outcome = plugin.validate(&mut request, object).now_or_never().unwrap();
        outcome.err().map(|status| status.message).unwrap_or_default()
    }
}
