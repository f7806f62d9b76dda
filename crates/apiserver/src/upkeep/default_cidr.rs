//! The ServiceCIDR `kubernetes`: made from the server's flags, made again when it is gone, and called ready once it is what
//! the flags say. One that says otherwise is told of and left alone.

use super::events::{Events, Notice};
use crate::cache::Caches;
use crate::local::{Local, LocalCall};
use crate::objects::Objects;
use crate::registry::services::DEFAULT_CIDR;
use crate::request::Verb;
use jiff::Timestamp;
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Document, GroupResource, GroupVersionResource, Status, doc};
use std::sync::Arc;

/// Who tells and writes, as upstream's controller.
const CONTROLLER: &str = "kubernetes-service-cidr-controller";
const FAILED: &str = "KubernetesDefaultServiceCIDRError";
const MISMATCH: &str = "KubernetesDefaultServiceCIDRInconsistent";

/// Keeps the default ServiceCIDR.
pub(super) struct DefaultCidr {
    door: Local,
    caches: Arc<Caches>,
    /// What the flags say, the default family first.
    cidrs: Vec<String>,
    has_told_mismatch: bool,
    has_told_not_ready: bool,
}

/// What is to be done about it.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    /// A second family came with the flags.
    Upgrade,
    TellMismatch,
    TellNotReady,
    MarkReady,
}

impl DefaultCidr {
    pub(super) fn new(door: Local, caches: Arc<Caches>, cidrs: Vec<String>) -> Self {
        Self { door, caches, cidrs, has_told_mismatch: false, has_told_not_ready: false }
    }

    /// Looks once.
    pub(super) async fn keep(&mut self, events: &mut Events, now: Timestamp) -> Result<(), Status> {
        let resource = GroupResource::new("networking.k8s.io", "servicecidrs");
        let found = match self.caches.get(&resource, "", DEFAULT_CIDR) {
            Some(found) => found,
            None => self.create(events, now).await?,
        };
        match step(&self.cidrs, &found) {
            Step::Nothing => {}
            Step::Upgrade => {
                let mut upgraded = (*found).clone();
                upgraded.set(&["spec", "cidrs"], self.cidrs.clone());
                let update = LocalCall { body: Some(upgraded), ..call(Verb::Update, "") };
                if let Err(status) = self.door.call(update).await {
                    let first = self.cidrs.first().map_or("", String::as_str);
                    let message = format!(
                        "The default ServiceCIDR can not be upgraded from {first} to dual stack {} : {status}",
                        shown(&self.cidrs)
                    );
                    events.tell(now, &notice(&found, FAILED, &message)).await;
                }
            }
            Step::TellMismatch if !self.has_told_mismatch => {
                let message = format!(
                    "The default ServiceCIDR {} does not match the controller flag configurations {}",
                    shown(&blocks(&found)),
                    shown(&self.cidrs)
                );
                events.tell(now, &notice(&found, MISMATCH, &message)).await;
                self.has_told_mismatch = true;
            }
            Step::TellNotReady if !self.has_told_not_ready => {
                let text = |field| ready(&found).map_or("", |ready| ready.str_at(&[field]));
                let message = format!("Configuration matches, but {}", text("message"));
                events.tell(now, &notice(&found, text("reason"), &message)).await;
                self.has_told_not_ready = true;
            }
            Step::TellMismatch | Step::TellNotReady => {}
            Step::MarkReady => {
                if let Err(status) = self.door.call(ready_call(now)).await {
                    tracing::warn!(%status, "the default ServiceCIDR cannot be called ready");
                    let message = "The default ServiceCIDR Status can not be set to Ready=True";
                    events.tell(now, &notice(&found, FAILED, message)).await;
                }
            }
        }
        Ok(())
    }

    async fn create(&self, events: &mut Events, now: Timestamp) -> Result<Arc<Document>, Status> {
        let object = doc!({
            "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": DEFAULT_CIDR},
            "spec": {"cidrs": self.cidrs.clone()}
        });
        let mut create = LocalCall { body: Some(object.clone()), ..call(Verb::Create, "") };
        create.name = String::new();
        match self.door.call(create).await {
            // Another server over the same store was quicker.
            Err(status) if status.is_already_exists() => self.door.call(call(Verb::Get, "")).await,
            Err(status) => {
                let message = "The default ServiceCIDR can not be created";
                events.tell(now, &notice(&object, FAILED, message)).await;
                Err(status)
            }
            created => created,
        }
    }
}

fn notice<'a>(about: &'a Document, reason: &'a str, message: &'a str) -> Notice<'a> {
    Notice { about, component: CONTROLLER, action: None, reason, message }
}

/// What follows from the ServiceCIDR as it is.
fn step(cidrs: &[String], found: &Document) -> Step {
    let blocks = blocks(found);
    if let ([first, _], [only]) = (cidrs, blocks.as_slice())
        && first == only
    {
        return Step::Upgrade;
    }
    if found.deletion_timestamp().is_some() {
        return Step::Nothing;
    }
    if cidrs != blocks {
        return Step::TellMismatch;
    }
    match ready(found).map(|ready| ready.str_at(&["status"])) {
        None | Some("Unknown") => Step::MarkReady,
        Some("False") => Step::TellNotReady,
        Some(_) => Step::Nothing,
    }
}

fn blocks(found: &Document) -> Vec<String> {
    let blocks = found.array_at(&["spec", "cidrs"]).iter();
    blocks.filter_map(Document::as_str).map(str::to_owned).collect()
}

fn ready(found: &Document) -> Option<&Document> {
    let mut conditions = found.array_at(&["status", "conditions"]).iter();
    conditions.find(|condition| condition.str_at(&["type"]) == "Ready")
}

/// A list as Go prints it.
fn shown(texts: &[String]) -> String {
    format!("[{}]", texts.join(" "))
}

fn call(verb: Verb, subresource: &str) -> LocalCall {
    LocalCall {
        verb,
        resource: GroupVersionResource::new("networking.k8s.io", "v1", "servicecidrs"),
        namespace: String::new(),
        name: DEFAULT_CIDR.to_owned(),
        subresource: subresource.to_owned(),
        query: Vec::new(),
        body: None,
        content_type: "",
    }
}

fn ready_call(now: Timestamp) -> LocalCall {
    let mut apply = call(Verb::Patch, "status");
    apply.content_type = "application/apply-patch+yaml";
    apply.query =
        vec![("fieldManager".to_owned(), CONTROLLER.to_owned()), ("force".to_owned(), "true".to_owned())];
    apply.body = Some(doc!({
        "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": DEFAULT_CIDR},
        "status": {"conditions": [{
            "type": "Ready", "status": "True", "message": "Kubernetes default Service CIDR is ready",
            "lastTransitionTime": format_time(now)
        }]}
    }));
    apply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_follows_from_flags_and_object() {
        let of = |cidrs: &[&str], ready: Option<&str>| {
            let mut found = doc!({"spec": {"cidrs": cidrs.to_vec()}});
            if let Some(ready) = ready {
                found.set(&["status", "conditions"], doc!([{"type": "Ready", "status": ready}]));
            }
            found
        };
        let mut leaving = of(&["10.0.0.0/24"], None);
        leaving.set(&["metadata", "deletionTimestamp"], "2026-01-01T00:00:00Z");
        let cases: [(&[&str], Document, Step); 8] = [
            (&["10.0.0.0/24"], of(&["10.0.0.0/24"], None), Step::MarkReady),
            (&["10.0.0.0/24"], of(&["10.0.0.0/24"], Some("Unknown")), Step::MarkReady),
            (&["10.0.0.0/24"], of(&["10.0.0.0/24"], Some("True")), Step::Nothing),
            (&["10.0.0.0/24"], of(&["10.0.0.0/24"], Some("False")), Step::TellNotReady),
            (&["10.0.0.0/24"], leaving, Step::Nothing),
            (&["10.0.0.0/24"], of(&["10.0.1.0/24"], Some("True")), Step::TellMismatch),
            (&["10.0.0.0/24", "fd00::/112"], of(&["10.0.0.0/24"], Some("True")), Step::Upgrade),
            (&["10.0.0.0/24"], of(&["10.0.0.0/24", "fd00::/112"], None), Step::TellMismatch),
        ];
        for (flags, found, expected) in cases {
            let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
            assert_eq!(step(&flags, &found), expected, "{found:?}");
        }
    }
}
