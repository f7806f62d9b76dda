//! Events: what a component tells people about an object.
//!
//! A component calls [`EventRecorder::event`] and goes on; a task behind a bounded queue correlates the events and
//! writes them. When the queue is full, events are dropped: telling must never hold back doing.
//!
//! The events are core/v1 with upstream's names (`<object>.<16 hex digits>`), counts and texts; [`correlate`] holds the
//! rules that keep a noisy object from flooding the API.

mod correlate;

use crate::resources::EVENTS;
use crate::{Call, Client, PatchKind, Verb};
use correlate::{Correlator, Outcome};
use skiff_apimachinery::time::{Clock, format_time};
use skiff_apimachinery::{Document, Reason, Status, doc};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tracing::debug;

/// Events that wait to be written; upstream's broadcaster holds as many.
const QUEUE: usize = 1000;
const ATTEMPTS: u32 = 4;

/// Whether an event tells of the normal course of things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventType {
    /// Things go their way.
    Normal,
    /// Something may need attention.
    Warning,
}

/// The object that an event is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ObjectReference {
    /// Its apiVersion.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace; empty for cluster-scoped objects.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// Its resourceVersion when the event happened.
    pub resource_version: String,
    /// Part of it, such as `spec.containers{web}`.
    pub field_path: String,
}

/// Tells events under one source. Cheap to clone.
#[derive(Clone)]
pub struct EventRecorder {
    queue: Option<mpsc::Sender<NewEvent>>,
    clock: Arc<dyn Clock>,
}

/// An event that was told.
#[derive(Debug, Clone)]
struct NewEvent {
    about: ObjectReference,
    kind: EventType,
    reason: String,
    message: String,
    at: jiff::Timestamp,
}

/// Who tells.
#[derive(Debug, Clone)]
struct Source {
    component: String,
    host: String,
}

// === impl EventType, ObjectReference ===

impl EventType {
    /// The text in an Event.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

impl ObjectReference {
    /// The reference to an object with apiVersion and kind.
    pub fn of(object: &Document) -> Self {
        Self {
            api_version: object.str_at(&["apiVersion"]).to_owned(),
            kind: object.str_at(&["kind"]).to_owned(),
            namespace: object.namespace().to_owned(),
            name: object.name().to_owned(),
            uid: object.uid().to_owned(),
            resource_version: object.resource_version().to_owned(),
            field_path: String::new(),
        }
    }

    /// The reference to a part of the object.
    #[must_use]
    pub fn field_path(mut self, path: impl Into<String>) -> Self {
        self.field_path = path.into();
        self
    }

    /// The `v1 ObjectReference`.
    pub fn to_document(&self) -> Document {
        let fields = [
            ("kind", &self.kind),
            ("namespace", &self.namespace),
            ("name", &self.name),
            ("uid", &self.uid),
            ("apiVersion", &self.api_version),
            ("resourceVersion", &self.resource_version),
            ("fieldPath", &self.field_path),
        ];
        fields
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(key, text)| (key, text.as_str()))
            .collect()
    }
}

impl From<&Document> for ObjectReference {
    fn from(object: &Document) -> Self {
        Self::of(object)
    }
}

// === impl EventRecorder ===

impl EventRecorder {
    /// A recorder whose events name this component (`deployment-controller`, `kubelet`) and host (may be empty). Starts
    /// the writing task, which ends with the last clone; must be called inside a tokio runtime.
    pub fn new(client: Client, component: &str, host: &str, clock: Arc<dyn Clock>) -> Self {
        let (queue, told) = mpsc::channel(QUEUE);
        let source = Source { component: component.to_owned(), host: host.to_owned() };
        tokio::spawn(write_all(client, source, told));
        Self { queue: Some(queue), clock }
    }

    /// A recorder that drops everything, for tools and tests.
    pub fn silent() -> Self {
        Self { queue: None, clock: Arc::new(skiff_apimachinery::time::SystemClock) }
    }

    /// Tells an event. Returns at once.
    pub fn event(
        &self,
        about: impl Into<ObjectReference>,
        kind: EventType,
        reason: &str,
        message: impl Into<String>,
    ) {
        let Some(queue) = &self.queue else { return };
        let event = NewEvent {
            about: about.into(),
            kind,
            reason: reason.to_owned(),
            message: message.into(),
            at: self.clock.now(),
        };
        if let Err(error) = queue.try_send(event) {
            debug!(%error, "event dropped");
        }
    }
}

async fn write_all(client: Client, source: Source, mut told: mpsc::Receiver<NewEvent>) {
    let mut correlator = Correlator::default();
    while let Some(event) = told.recv().await {
        let written = match correlator.observe(&event) {
            Outcome::Drop => continue,
            Outcome::Create { key, message } => {
                create(&client, &source, &NewEvent { message, ..event.clone() }).await.map(|name| (key, name))
            }
            Outcome::Repeat { key, name, count, message } => {
                match repeat(&client, &event, &name, count, &message).await {
                    // The event outlived its time to live: tell it anew.
                    Err(status) if status.is_not_found() => {
                        let event = NewEvent { message, ..event.clone() };
                        create(&client, &source, &event).await.map(|name| (key, name))
                    }
                    other => other.map(|()| (key, name)),
                }
            }
        };
        match written {
            Ok((key, name)) => correlator.written(key, name),
            Err(status) => debug!(%status, reason = event.reason, "cannot write event"),
        }
    }
}

/// The namespace that events about an object live in.
fn namespace(about: &ObjectReference) -> &str {
    if about.namespace.is_empty() { "default" } else { &about.namespace }
}

async fn create(client: &Client, source: &Source, event: &NewEvent) -> Result<String, Status> {
    let name = format!("{}.{:x}", event.about.name, event.at.as_nanosecond());
    let object = new_object(source, event, &name);
    send(client, Call::new(Verb::Create, &EVENTS, namespace(&event.about), "").body(object))
        .await
        .map(|()| name)
}

async fn repeat(
    client: &Client,
    event: &NewEvent,
    name: &str,
    count: i64,
    message: &str,
) -> Result<(), Status> {
    let patch = doc!({"count": count, "lastTimestamp": format_time(event.at), "message": message});
    send(
        client,
        Call::new(Verb::Patch(PatchKind::Strategic), &EVENTS, namespace(&event.about), name).body(patch),
    )
    .await
}

fn new_object(source: &Source, event: &NewEvent, name: &str) -> Document {
    let at = format_time(event.at);
    let mut from = doc!({"component": source.component.as_str()});
    if !source.host.is_empty() {
        from.insert("host", source.host.as_str());
    }
    doc!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace(&event.about)},
        "involvedObject": event.about.to_document(),
        "reason": event.reason.as_str(),
        "message": event.message.as_str(),
        "source": from,
        "firstTimestamp": at.as_str(),
        "lastTimestamp": at.as_str(),
        "count": 1,
        "type": event.kind.as_str(),
        "eventTime": null,
        "reportingComponent": source.component.as_str(),
        "reportingInstance": source.host.as_str()
    })
}

/// Sends a write; tries again while the server says that it is only busy or away.
async fn send(client: &Client, call: Call) -> Result<(), Status> {
    let mut pause = Duration::from_secs(1);
    for _ in 1..ATTEMPTS {
        match client.transport().call(call.clone()).await {
            Err(status) if busy(&status) => tokio::time::sleep(pause).await,
            other => return other.map(|_| ()),
        }
        pause *= 2;
    }
    client.transport().call(call).await.map(|_| ())
}

fn busy(status: &Status) -> bool {
    matches!(
        status.reason,
        Reason::ServiceUnavailable | Reason::TooManyRequests | Reason::ServerTimeout | Reason::Timeout
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_upstream_form() {
        let pod = doc!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "7"}});
        let event = NewEvent {
            about: ObjectReference::of(&pod).field_path("spec.containers{web}"),
            kind: EventType::Warning,
            reason: "BackOff".into(),
            message: "Back-off".into(),
            at: "2026-01-02T03:04:05.000000006Z".parse().unwrap(),
        };
        let source = Source { component: "kubelet".into(), host: "sail".into() };
        let name = format!("a.{:x}", event.at.as_nanosecond());
        assert_eq!(name.len(), "a.".len() + 16);
        assert_eq!(
            new_object(&source, &event, &name),
            doc!({
                "apiVersion": "v1", "kind": "Event", "metadata": {"name": name.as_str(), "namespace": "n"},
                "involvedObject": {"kind": "Pod", "namespace": "n", "name": "a", "uid": "u", "apiVersion": "v1",
                    "resourceVersion": "7", "fieldPath": "spec.containers{web}"},
                "reason": "BackOff", "message": "Back-off", "source": {"component": "kubelet", "host": "sail"},
                "firstTimestamp": "2026-01-02T03:04:05Z", "lastTimestamp": "2026-01-02T03:04:05Z", "count": 1,
                "type": "Warning", "eventTime": null, "reportingComponent": "kubelet", "reportingInstance": "sail"
            })
        );
    }
}
