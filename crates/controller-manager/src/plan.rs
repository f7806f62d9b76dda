//! What a controller wants done: values, so that plans can be compared in tests.
//!
//! A plan is made by a controller's pure functions and carried out by the [`runner`](crate::runner), in order; the first
//! action that fails ends it and the key comes back later.

use skiff_apimachinery::{Document, Status};
use skiff_client::{
    Cached, Call, DeleteOptions, EventType, Object, ObjectReference, PatchKind, Resource, Verb,
};
use std::time::Duration;

/// What to do about one key.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// What to do, in this order.
    pub actions: Vec<Action>,
    /// When to look at the key again even if nothing changes.
    pub requeue_after: Option<Duration>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// One write.
    Write(Box<Write>),
    /// Writes that do not depend on each other; all are tried.
    All(Vec<Write>),
    /// Alike creations in batches of 1, 2, 4 and so on: when one fails, as all may for the same reason, the later
    /// batches are not tried.
    SlowStart(Vec<Write>),
    /// Tells an event.
    Tell(Notice),
}

/// A call to the API that changes something, and what to tell of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// The call.
    pub call: Call,
    /// Who has to be there, not being deleted, at the moment of the call.
    pub guard: Option<Guard>,
    /// Told when it succeeds.
    pub success: Option<Notice>,
    /// Told when it fails.
    pub failure: Option<Notice>,
}

/// An object that is read from the API server, not from an informer, before a write is made in its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    /// Its resource.
    pub resource: Resource,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uid: String,
}

/// An event to tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The object that the event is about.
    pub about: ObjectReference,
    /// Normal or warning.
    pub kind: EventType,
    /// Machine-readable reason.
    pub reason: &'static str,
    /// The text.
    pub message: String,
    /// What the runner adds to the text.
    pub ending: Ending,
}

/// What is only known once a write was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ending {
    /// Nothing.
    #[default]
    None,
    /// The name that the API server gave the object.
    ObjectName,
    /// The text of the failure.
    Error,
}

/// How a plan went.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// The writes that failed, in the order in which that was found.
    pub failures: Vec<Failure>,
    /// The objects that were created, as the API server made them.
    pub created: Vec<Object>,
}

/// A write that failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// What was called.
    pub call: Call,
    /// What the API server answered.
    pub status: Status,
}

// === impl Plan ===

impl Plan {
    /// Nothing to do.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Adds a write.
    pub fn write(&mut self, write: Write) {
        self.actions.push(Action::Write(Box::new(write)));
    }

    /// Adds writes that do not depend on each other.
    pub fn all(&mut self, writes: Vec<Write>) {
        if !writes.is_empty() {
            self.actions.push(Action::All(writes));
        }
    }

    /// Looks at the key again after a while; of several times the earliest counts.
    pub fn requeue(&mut self, after: Duration) {
        self.requeue_after = Some(self.requeue_after.map_or(after, |earlier| earlier.min(after)));
    }

    /// All writes, in order.
    pub fn writes(&self) -> impl Iterator<Item = &Write> {
        self.actions.iter().flat_map(|action| match action {
            Action::Write(write) => std::slice::from_ref(&**write),
            Action::All(writes) | Action::SlowStart(writes) => writes.as_slice(),
            Action::Tell(_) => &[],
        })
    }
}

// === impl Write ===

impl Write {
    /// A write that tells nothing.
    pub fn new(call: Call) -> Self {
        Self { call, guard: None, success: None, failure: None }
    }

    /// Creates an object.
    pub fn create(resource: &Resource, namespace: &str, object: Document) -> Self {
        Self::new(Call::new(Verb::Create, resource, namespace, "").body(object))
    }

    /// Replaces an object; its resourceVersion, if set, must still be the current one.
    pub fn update(resource: &Resource, object: Document) -> Self {
        Self::update_subresource(resource, "", object)
    }

    /// Replaces an object's status.
    pub fn update_status(resource: &Resource, object: Document) -> Self {
        Self::update_subresource(resource, "status", object)
    }

    /// Replaces through a subresource.
    pub fn update_subresource(resource: &Resource, subresource: &str, object: Document) -> Self {
        let call = Call::new(Verb::Update, resource, object.namespace(), object.name());
        Self::new(call.subresource(subresource).body(object))
    }

    /// Patches an object, or its subresource if that is not empty.
    pub fn patch(
        resource: &Resource,
        object: &Document,
        subresource: &str,
        kind: PatchKind,
        patch: Document,
    ) -> Self {
        let call = Call::new(Verb::Patch(kind), resource, object.namespace(), object.name());
        Self::new(call.subresource(subresource).body(patch))
    }

    /// Deletes this very object (by UID).
    pub fn delete(resource: &Resource, object: &Document) -> Self {
        let options = DeleteOptions { uid: Some(object.uid().to_owned()), ..DeleteOptions::default() };
        Self::delete_with(resource, object, &options)
    }

    /// Deletes an object with options.
    pub fn delete_with(resource: &Resource, object: &Document, options: &DeleteOptions) -> Self {
        let call = Call::new(Verb::Delete, resource, object.namespace(), object.name());
        Self::new(call.body(options.to_document()))
    }

    /// Only while this object is there and is not being deleted: an informer may be late to show that.
    #[must_use]
    pub fn while_lives(mut self, resource: &Resource, object: &Document) -> Self {
        self.guard = Some(Guard {
            resource: resource.clone(),
            namespace: object.namespace().to_owned(),
            name: object.name().to_owned(),
            uid: object.uid().to_owned(),
        });
        self
    }

    /// Tells this when the write succeeds.
    #[must_use]
    pub fn on_success(mut self, notice: Notice) -> Self {
        self.success = Some(notice);
        self
    }

    /// Tells this when the write fails.
    #[must_use]
    pub fn on_failure(mut self, notice: Notice) -> Self {
        self.failure = Some(notice);
        self
    }
}

// === impl Notice ===

impl Notice {
    /// An event in the normal course of things.
    pub fn normal(about: &Document, reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(about, EventType::Normal, reason, message.into())
    }

    /// An event that may need attention.
    pub fn warning(about: &Document, reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(about, EventType::Warning, reason, message.into())
    }

    fn new(about: &Document, kind: EventType, reason: &'static str, message: String) -> Self {
        Self { about: ObjectReference::of(about), kind, reason, message, ending: Ending::None }
    }

    /// Ends the text with what becomes known later.
    #[must_use]
    pub fn ending(mut self, ending: Ending) -> Self {
        self.ending = ending;
        self
    }
}

// === impl Report ===

impl Report {
    /// Whether every write succeeded.
    pub fn is_ok(&self) -> bool {
        self.failures.is_empty()
    }

    /// The first failure.
    pub fn first(&self) -> Option<&Failure> {
        self.failures.first()
    }
}

/// A copy of an object with its status replaced, if that changes anything.
pub fn with_status<T>(object: &Cached<T>, status: Document) -> Option<Document> {
    if object.get("status").is_some_and(|old| *old == status)
        || (object.get("status").is_none() && status.is_empty())
    {
        return None;
    }
    let mut changed = Document::clone(&object.object);
    changed.insert("status", status);
    Some(changed)
}
