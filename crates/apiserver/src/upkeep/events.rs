//! Events that the API server itself tells. The same again within their life counts up what was written.

use crate::local::{Local, LocalCall};
use crate::request::Verb;
use jiff::Timestamp;
use skiff_apimachinery::time::{format_micro_time, format_time};
use skiff_apimachinery::{Document, GroupVersionResource, Status, doc};
use std::collections::HashMap;

/// As many written events are remembered.
const REMEMBERED: usize = 4096;
/// Where Linux tells the machine's name.
const HOSTNAME: &str = "/proc/sys/kernel/hostname";

/// What is to be told, as a warning.
#[derive(Debug, Clone, Copy)]
pub(super) struct Notice<'a> {
    /// The object.
    pub(super) about: &'a Document,
    /// Who tells.
    pub(super) component: &'a str,
    /// What was done, of events of the newer kind (KEP-383).
    pub(super) action: Option<&'a str>,
    /// Why, in one word.
    pub(super) reason: &'a str,
    /// Why, for people.
    pub(super) message: &'a str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    about: [String; 4],
    component: String,
    action: String,
    reason: String,
    /// Events of the newer kind are the same whatever they say.
    message: String,
}

#[derive(Debug, Clone)]
struct Written {
    name: String,
    count: u32,
}

/// Tells events through the process's own door.
pub(super) struct Events {
    door: Local,
    host: String,
    written: HashMap<Key, Written>,
}

impl Events {
    pub(super) fn new(door: Local) -> Self {
        let host = std::fs::read_to_string(HOSTNAME).unwrap_or_default().trim().to_owned();
        Self { door, host, written: HashMap::new() }
    }

    /// Tells; an event that cannot be written is lost.
    pub(super) async fn tell(&mut self, now: Timestamp, notice: &Notice<'_>) {
        if let Err(status) = self.write(now, notice).await {
            tracing::warn!(reason = notice.reason, %status, "an event is not written");
        }
    }

    async fn write(&mut self, now: Timestamp, notice: &Notice<'_>) -> Result<(), Status> {
        let key = notice.key();
        if let Some(written) = self.written.get_mut(&key) {
            written.count = written.count.saturating_add(1);
            let mut call = call(Verb::Patch, notice, &written.name);
            call.content_type = "application/merge-patch+json";
            call.body = Some(notice.again(now, written.count));
            match self.door.call(call).await {
                Err(status) if status.is_not_found() => {}
                result => return result.map(drop),
            }
        }
        let name = format!("{}.{:x}", notice.about.name(), now.as_nanosecond());
        let mut call = call(Verb::Create, notice, "");
        call.body = Some(notice.event(now, &name, &self.host));
        self.door.call(call).await?;
        if self.written.len() >= REMEMBERED {
            self.written.clear();
        }
        self.written.insert(key, Written { name, count: 1 });
        Ok(())
    }
}

fn call(verb: Verb, notice: &Notice<'_>, name: &str) -> LocalCall {
    LocalCall {
        verb,
        resource: GroupVersionResource::new("", "v1", "events"),
        namespace: notice.namespace().to_owned(),
        name: name.to_owned(),
        subresource: String::new(),
        query: Vec::new(),
        body: None,
        content_type: "",
    }
}

impl Notice<'_> {
    /// Events about objects of the cluster are in the default namespace.
    fn namespace(&self) -> &str {
        let namespace = self.about.namespace();
        if namespace.is_empty() { "default" } else { namespace }
    }

    fn key(&self) -> Key {
        let about =
            [self.about.str_at(&["kind"]), self.about.namespace(), self.about.name(), self.about.uid()];
        let message = if self.action.is_some() { "" } else { self.message };
        Key {
            about: about.map(str::to_owned),
            component: self.component.to_owned(),
            action: self.action.unwrap_or("").to_owned(),
            reason: self.reason.to_owned(),
            message: message.to_owned(),
        }
    }

    fn event(&self, now: Timestamp, name: &str, host: &str) -> Document {
        let text = |path: &[&str]| self.about.str_at(path);
        let mut involved = Document::object();
        let fields = [
            ("kind", text(&["kind"])),
            ("namespace", self.about.namespace()),
            ("name", self.about.name()),
            ("uid", self.about.uid()),
            ("apiVersion", text(&["apiVersion"])),
            ("resourceVersion", self.about.resource_version()),
        ];
        for (field, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
            involved.insert(field, value);
        }
        let mut event = doc!({
            "apiVersion": "v1", "kind": "Event",
            "metadata": {"name": name, "namespace": self.namespace()},
            "involvedObject": involved,
            "reason": self.reason, "message": self.message, "type": "Warning",
            "reportingComponent": self.component
        });
        if let Some(action) = self.action {
            event.insert("action", action);
            event.insert("eventTime", format_micro_time(now));
            event.insert("reportingInstance", format!("{}-{host}", self.component));
        } else {
            event.insert("source", doc!({"component": self.component}));
            event.insert("firstTimestamp", format_time(now));
            event.insert("lastTimestamp", format_time(now));
            event.insert("count", 1);
        }
        event
    }

    /// What changes of an event that is told again.
    fn again(&self, now: Timestamp, count: u32) -> Document {
        if self.action.is_some() {
            doc!({"series": {"count": count, "lastObservedTime": format_micro_time(now)}})
        } else {
            doc!({"count": count, "lastTimestamp": format_time(now)})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-01-02T03:04:05.000006Z".parse().unwrap()
    }

    #[test]
    fn events_of_both_kinds_have_upstreams_form() {
        let service = doc!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "web", "namespace": "n", "uid": "u", "resourceVersion": "7"}
        });
        let notice = Notice {
            about: &service,
            component: "portallocator-repair-controller",
            action: Some("PortAllocation"),
            reason: "PortNotAllocated",
            message: "Port 30000 is not allocated; repairing",
        };
        let expected = doc!({
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": "web.1", "namespace": "n"},
            "involvedObject": {
                "kind": "Service", "namespace": "n", "name": "web", "uid": "u", "apiVersion": "v1", "resourceVersion": "7"
            },
            "reason": "PortNotAllocated", "message": "Port 30000 is not allocated; repairing", "type": "Warning",
            "action": "PortAllocation", "eventTime": "2026-01-02T03:04:05.000006Z",
            "reportingComponent": "portallocator-repair-controller",
            "reportingInstance": "portallocator-repair-controller-host"
        });
        assert_eq!(notice.event(now(), "web.1", "host"), expected);
        let again = doc!({"series": {"count": 2, "lastObservedTime": "2026-01-02T03:04:05.000006Z"}});
        assert_eq!(notice.again(now(), 2), again);

        let cidr = doc!({
            "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": "kubernetes", "uid": "u"}
        });
        let older = Notice { about: &cidr, component: "c", action: None, reason: "R", message: "m" };
        let expected = doc!({
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": "kubernetes.1", "namespace": "default"},
            "involvedObject": {
                "kind": "ServiceCIDR", "name": "kubernetes", "uid": "u", "apiVersion": "networking.k8s.io/v1"
            },
            "reason": "R", "message": "m", "type": "Warning", "reportingComponent": "c", "source": {"component": "c"},
            "firstTimestamp": "2026-01-02T03:04:05Z", "lastTimestamp": "2026-01-02T03:04:05Z", "count": 1
        });
        assert_eq!(older.event(now(), "kubernetes.1", "host"), expected);
        assert_eq!(older.again(now(), 3), doc!({"count": 3, "lastTimestamp": "2026-01-02T03:04:05Z"}));
    }

    #[test]
    fn only_older_events_differ_by_what_they_say() {
        let service = doc!({"kind": "Service", "metadata": {"name": "web", "uid": "u"}});
        let of =
            |action, message| Notice { about: &service, component: "c", action, reason: "R", message }.key();
        assert_eq!(of(Some("A"), "one"), of(Some("A"), "two"));
        assert_ne!(of(None, "one"), of(None, "two"));
        assert_ne!(of(Some("A"), "one"), of(Some("B"), "one"));
    }
}
