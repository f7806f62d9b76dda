//! The conditions that tell why a namespace is not gone yet, in upstream's words.

use super::World;
use crate::plan::Report;
use jiff::Timestamp;
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Document, GroupResource, doc};
use std::collections::BTreeMap;

/// One condition: its type, then reason and message while all is well.
type Fine = (&'static str, &'static str, &'static str);

const DISCOVERY: Fine =
    ("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered");
const PARSING: Fine = (
    "NamespaceDeletionGroupVersionParsingFailure",
    "ParsedGroupVersions",
    "All legacy kube types successfully parsed",
);
const DELETION: Fine = (
    "NamespaceDeletionContentFailure",
    "ContentDeleted",
    "All content successfully deleted, may be waiting on finalization",
);
const REMAINING: Fine = ("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed");
const FINALIZERS: Fine =
    ("NamespaceFinalizersRemaining", "ContentHasNoFinalizers", "All content-preserving finalizers finished");

/// What is wrong: reason and message.
type Trouble = Option<(&'static str, String)>;

/// The namespace's status with its conditions up to date.
pub(super) fn status(world: &World, report: &Report, now: Timestamp) -> Document {
    let mut status = world.namespace["status"].clone();
    let mut conditions = status.at(&["conditions"]).cloned().unwrap_or_default().into_array();
    for (fine, trouble) in [
        (DISCOVERY, undiscovered(world)),
        (PARSING, None),
        (DELETION, undeleted(report)),
        (REMAINING, remaining(world)),
        (FINALIZERS, finalizers(world)),
    ] {
        set(&mut conditions, fine, trouble, now);
    }
    status.insert("phase", "Terminating");
    status.insert("conditions", conditions);
    status
}

fn set(conditions: &mut Vec<Document>, fine: Fine, trouble: Trouble, now: Timestamp) {
    let (kind, fine_reason, fine_message) = fine;
    let (status, reason, message) = match trouble {
        Some((reason, message)) => ("True", reason, message),
        None => ("False", fine_reason, fine_message.to_owned()),
    };
    let position = conditions.iter().position(|condition| condition.str_at(&["type"]) == kind);
    let stands = position.is_some_and(|i| {
        let old = &conditions[i];
        old.str_at(&["status"]) == status
            && old.str_at(&["reason"]) == reason
            && old.str_at(&["message"]) == message
    });
    if stands {
        return;
    }
    let condition = doc!({
        "type": kind,
        "status": status,
        "lastTransitionTime": format_time(now),
        "reason": reason,
        "message": message
    });
    match position {
        Some(i) => conditions[i] = condition,
        None => conditions.push(condition),
    }
}

fn undiscovered(world: &World) -> Trouble {
    if world.undiscovered.is_empty() {
        return None;
    }
    let failures: Vec<String> =
        world.undiscovered.iter().map(|(version, status)| format!("{version}: {status}")).collect();
    let message = format!(
        "Discovery failed for some groups, {} failing: unable to retrieve the complete list of server APIs: {}",
        failures.len(),
        failures.join(", ")
    );
    Some(("DiscoveryFailed", message))
}

fn undeleted(report: &Report) -> Trouble {
    if report.is_ok() {
        return None;
    }
    let mut failures: Vec<&str> =
        report.failures.iter().map(|failure| failure.status.message.as_str()).collect();
    failures.sort_unstable();
    let (count, texts) = (failures.len(), failures.join(", "));
    Some((
        "ContentDeletionFailed",
        format!("Failed to delete all resource types, {count} remaining: {texts}"),
    ))
}

fn remaining(world: &World) -> Trouble {
    let mut texts: Vec<String> = Vec::new();
    for content in &world.content {
        let GroupResource { group, resource } = content.served.resource.group_resource();
        texts.push(format!("{resource}.{group} has {} resource instances", content.objects.len()));
    }
    texts.sort_unstable();
    let told = format!("Some resources are remaining: {}", texts.join(", "));
    (!texts.is_empty()).then_some(("SomeResourcesRemain", told))
}

fn finalizers(world: &World) -> Trouble {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for object in world.content.iter().flat_map(|content| &content.objects) {
        object.finalizers().for_each(|finalizer| *counts.entry(finalizer).or_default() += 1);
    }
    let texts: Vec<String> = counts
        .iter()
        .map(|(finalizer, count)| format!("{finalizer} in {count} resource instances"))
        .collect();
    let told = format!("Some content in the namespace has finalizers remaining: {}", texts.join(", "));
    (!texts.is_empty()).then_some(("SomeFinalizersRemain", told))
}
