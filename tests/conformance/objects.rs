//! The verbs on one resource in one namespace, blocking, with failures that say what was asked.

use crate::harness::Api;
use crate::watch::Watch;
use skiff_apimachinery::{Document, Status, doc};
use skiff_client::{Call, DeleteOptions, List, Object, PatchKind, Resource, Result, Selection, Verb};
use std::sync::Arc;

/// How often an edit is tried again when somebody else wrote in between.
const CONFLICTS: usize = 10;

/// The objects of one resource in one namespace, or in the cluster.
#[derive(Clone)]
pub struct Objects<'a> {
    api: &'a Api,
    resource: Resource,
    namespace: String,
}

impl<'a> Objects<'a> {
    pub fn new(api: &'a Api, resource: &Resource, namespace: &str) -> Self {
        let namespace = if resource.namespaced { namespace } else { "" };
        Self { api, resource: resource.clone(), namespace: namespace.to_owned() }
    }

    /// The same resource in all namespaces.
    pub fn everywhere(&self) -> Self {
        Self { namespace: String::new(), ..self.clone() }
    }

    fn call(&self, verb: Verb, name: &str) -> Call {
        Call::new(verb, &self.resource, &self.namespace, name)
    }

    /// Makes any call.
    pub fn try_call(&self, call: Call) -> Result<Document> {
        let object: Object = self.api.run(self.api.client().transport().call(call))?;
        Ok(Arc::unwrap_or_clone(object))
    }

    fn expect<T>(&self, verb: &str, name: &str, result: Result<T>) -> T {
        result.unwrap_or_else(|status| panic!("{verb} {} {name:?}: {status}", self.resource.plural))
    }

    fn complete(&self, mut object: Document) -> Document {
        object.set_gvk(&self.resource.gvk());
        object
    }

    pub fn try_create(&self, object: Document) -> Result<Document> {
        self.try_call(self.call(Verb::Create, "").body(self.complete(object)))
    }

    pub fn create(&self, object: Document) -> Document {
        let name = object.name().to_owned();
        self.expect("create", &name, self.try_create(object))
    }

    /// Creates through a subresource; the body says its own kind.
    pub fn create_subresource(&self, name: &str, subresource: &str, body: Document) -> Document {
        let call = self.call(Verb::Create, name).subresource(subresource).body(body);
        self.expect("create", name, self.try_call(call))
    }

    pub fn try_get(&self, name: &str) -> Result<Document> {
        self.try_call(self.call(Verb::Get, name))
    }

    pub fn get(&self, name: &str) -> Document {
        self.expect("get", name, self.try_get(name))
    }

    pub fn get_subresource(&self, name: &str, subresource: &str) -> Document {
        self.expect("get", name, self.try_call(self.call(Verb::Get, name).subresource(subresource)))
    }

    /// One list with its resourceVersion.
    pub fn page(&self, labels: &str) -> List {
        let selection = Selection { labels: labels.to_owned(), fields: String::new() };
        let listed = self.api.run(self.api.client().list(&self.resource, &self.namespace, &selection));
        self.expect("list", labels, listed)
    }

    pub fn list(&self, labels: &str) -> Vec<Object> {
        self.page(labels).items
    }

    /// Lists by fields.
    pub fn list_where(&self, fields: &str) -> Vec<Object> {
        let selection = Selection { labels: String::new(), fields: fields.to_owned() };
        let listed = self.api.run(self.api.client().list(&self.resource, &self.namespace, &selection));
        self.expect("list", fields, listed).items
    }

    pub fn try_update(&self, object: Document) -> Result<Document> {
        self.try_update_subresource("", object)
    }

    pub fn update(&self, object: Document) -> Document {
        let name = object.name().to_owned();
        self.expect("update", &name, self.try_update(object))
    }

    pub fn try_update_subresource(&self, subresource: &str, object: Document) -> Result<Document> {
        let call = self.call(Verb::Update, object.name()).subresource(subresource);
        self.try_call(call.body(self.complete(object)))
    }

    /// Reads, edits and replaces an object until nobody else wrote in between.
    pub fn edit(&self, name: &str, edit: impl Fn(&mut Document)) -> Document {
        self.edit_subresource(name, "", edit)
    }

    /// The same through a subresource.
    pub fn edit_subresource(&self, name: &str, subresource: &str, edit: impl Fn(&mut Document)) -> Document {
        let attempt = || -> Result<Document> {
            let mut object = self.get(name);
            edit(&mut object);
            self.try_update_subresource(subresource, object)
        };
        let mut result = attempt();
        for _ in 0..CONFLICTS {
            if !matches!(&result, Err(status) if status.is_conflict()) {
                break;
            }
            result = attempt();
        }
        self.expect("update", name, result)
    }

    pub fn try_patch(
        &self,
        name: &str,
        subresource: &str,
        kind: PatchKind,
        patch: Document,
    ) -> Result<Document> {
        self.try_call(self.call(Verb::Patch(kind), name).subresource(subresource).body(patch))
    }

    /// A merge patch.
    pub fn patch(&self, name: &str, patch: Document) -> Document {
        self.patch_subresource(name, "", patch)
    }

    /// A merge patch through a subresource.
    pub fn patch_subresource(&self, name: &str, subresource: &str, patch: Document) -> Document {
        self.expect("patch", name, self.try_patch(name, subresource, PatchKind::Merge, patch))
    }

    /// A strategic merge patch.
    pub fn strategic_patch(&self, name: &str, patch: Document) -> Document {
        self.expect("patch", name, self.try_patch(name, "", PatchKind::Strategic, patch))
    }

    /// A merge patch that sets an annotation or a label.
    pub fn mark(&self, name: &str, what: &str, key: &str, value: &str) -> Document {
        self.patch(name, doc!({"metadata": {(what): {(key): value}}}))
    }

    pub fn try_delete(&self, name: &str) -> Result<Document> {
        self.try_delete_as(name, &DeleteOptions::default())
    }

    fn try_delete_as(&self, name: &str, options: &DeleteOptions) -> Result<Document> {
        self.try_call(self.call(Verb::Delete, name).body(options.to_document()))
    }

    /// Deletes an object if it is still the same, with what becomes of its dependents.
    pub fn delete_with(&self, object: &Document, propagation: &'static str) {
        let options = DeleteOptions {
            propagation_policy: Some(propagation),
            uid: Some(object.uid().to_owned()),
            ..DeleteOptions::default()
        };
        self.expect("delete", object.name(), self.try_delete_as(object.name(), &options));
    }

    pub fn delete(&self, name: &str) {
        self.expect("delete", name, self.try_delete(name));
    }

    /// Deletes everything that a label selector selects.
    pub fn delete_collection(&self, labels: &str) {
        let call = self.call(Verb::DeleteCollection, "").query("labelSelector", labels);
        let deleted = self.try_call(call.body(DeleteOptions::default().to_document()));
        self.expect("deletecollection", labels, deleted);
    }

    /// Waits until an object is gone.
    pub fn gone(&self, name: &str) {
        self.api.eventually(&format!("{} {name} is gone", self.resource.plural), || {
            match self.try_get(name) {
                Err(status) if status.is_not_found() => Ok(()),
                Err(status) => Err(status.to_string()),
                Ok(object) => Err(object.to_string()),
            }
        });
    }

    /// Waits until a label selector selects nothing.
    pub fn none(&self, labels: &str) {
        self.api.eventually(&format!("no {} with {labels}", self.resource.plural), || {
            let left = self.list(labels).len();
            if left == 0 { Ok(()) } else { Err(format!("{left} left")) }
        });
    }

    /// Watches what a label selector selects, from a resourceVersion on.
    pub fn watch(&self, labels: &str, resource_version: &str) -> Watch<'a> {
        self.expect("watch", labels, self.try_watch(labels, resource_version))
    }

    pub fn try_watch(&self, labels: &str, resource_version: &str) -> Result<Watch<'a>> {
        let selection = Selection { labels: labels.to_owned(), fields: String::new() };
        let client = self.api.client();
        let stream =
            self.api.run(client.watch(&self.resource, &self.namespace, &selection, resource_version))?;
        Ok(Watch::new(self.api, stream))
    }

    /// Watches from what a list shows now.
    pub fn watch_from_now(&self, labels: &str) -> Watch<'a> {
        self.watch(labels, &self.page(labels).resource_version)
    }

    /// The failure of a call that must fail.
    #[track_caller]
    pub fn refused(result: Result<Document>) -> Status {
        match result {
            Ok(object) => panic!("not refused: {object}"),
            Err(status) => status,
        }
    }
}
