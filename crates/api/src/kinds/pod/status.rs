//! What may change in a pod's status.

use super::super::pod_template::{Leniency, disabled, given};
use super::rules;
use crate::validation::place::Place;
use crate::validation::{immutable, network};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, names};
use std::collections::HashSet;

const NOT_NEGATIVE: &str = "must be a non-negative integer";
/// Lists of statuses, and of the containers that they are of.
const LISTS: [&str; 3] = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"];

/// Keeps of the old status what those who do not know of it leave out, and drops what is off.
pub(super) fn keep(pod: &mut Document, old: &Document) {
    let Some(status) = pod.get_mut("status").filter(|status| status.as_object().is_some()) else { return };
    if status.str_at(&["qosClass"]).is_empty()
        && let Some(class) = old.at(&["status", "qosClass"])
    {
        status.insert("qosClass", class);
    }
    keep_generation(status, old.get("status"));
    let conditions = status.get_mut("conditions").and_then(Document::as_array_mut);
    for condition in conditions.into_iter().flatten() {
        let mut before = old.array_at(&["status", "conditions"]).iter();
        let same = before.find(|before| before.str_at(&["type"]) == condition.str_at(&["type"]));
        keep_generation(condition, same);
    }
    disabled::drop_from_status(status, old.get("status"));
}

/// The generation that was seen is known once it was said.
fn keep_generation(holder: &mut Document, old: Option<&Document>) {
    let seen = old.and_then(|old| old.i64_at(&["observedGeneration"])).filter(|seen| *seen != 0);
    if let Some(seen) = seen
        && holder.i64_at(&["observedGeneration"]).unwrap_or(0) == 0
    {
        holder.insert("observedGeneration", seen);
    }
}

/// Changes of the status.
pub(super) fn validate(new: &Document, old: &Document) -> FieldErrors {
    static EMPTY: Document = Document::NULL;
    let mut out = rules::annotation_changes(new, old, Leniency::default());
    if !out.is_empty() {
        out = rules::annotation_changes(new, old, Leniency::towards(old));
    }
    let field = FieldPath::new("status");
    let place = &Place::at(&field);
    let status = new.get("status").unwrap_or(&EMPTY);
    let old_status = old.get("status").unwrap_or(&EMPTY);
    out.extend(conditions(status));
    if rules::spec(new).str_at(&["nodeName"]) != rules::spec(old).str_at(&["nodeName"]) {
        out.push(place.child("nodeName").forbidden("may not be changed directly"));
    }
    out.extend(nomination(new, old, &place.child("nominatedNodeName")));
    if let Some(seen) = status.i64_at(&["observedGeneration"]).filter(|seen| *seen < 0) {
        out.push(place.child("observedGeneration").invalid(seen, NOT_NEGATIVE));
    }
    if status.str_at(&["qosClass"]) != old_status.str_at(&["qosClass"]) {
        let path = place.child("qosClass").path();
        out.extend(immutable(&path, status.get("qosClass"), old_status.get("qosClass")));
    }
    out.extend(restarted(status, old, place));
    out.extend(claims(new, status, &place.child("resourceClaimStatuses")));
    out.extend(pod_addresses(status, old_status, &place.child("podIPs")));
    out.extend(host_addresses(status, old_status, &place.child("hostIPs")));
    out.extend(users(new, status, place));
    out
}

/// Upstream looks for the conditions under the metadata.
fn conditions(status: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let metadata = FieldPath::new("metadata");
    let place = Place::at(&metadata);
    let list = &place.child("conditions");
    for (i, condition) in status.array_at(&["conditions"]).iter().enumerate() {
        let place = list.index(i);
        if let Some(seen) = condition.i64_at(&["observedGeneration"]).filter(|seen| *seen < 0) {
            out.push(place.child("observedGeneration").invalid(seen, NOT_NEGATIVE));
        }
        let ty = condition.str_at(&["type"]);
        if !matches!(ty, "PodScheduled" | "Ready" | "Initialized") {
            out.extend(place.child("Type").complaints(ty, names::qualified_name(ty)));
        }
    }
    out
}

/// A node that the pod is to run on is named before it has one.
fn nomination(new: &Document, old: &Document, place: &Place<'_>) -> FieldErrors {
    let node = |pod: &Document| pod.str_at(&["status", "nominatedNodeName"]).to_owned();
    let name = node(new);
    if name.is_empty() || name == node(old) {
        return FieldErrors::new();
    }
    let mut out = place.complaints(&name, names::dns1123_subdomain(&name));
    if !rules::spec(old).str_at(&["nodeName"]).is_empty() {
        out.push(place.forbidden("may not be set on pods that are already bound to a node"));
    }
    out
}

/// Containers that have ended for good and run again.
fn restarted(status: &Document, old: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let spec = rules::spec(old);
    for list in LISTS {
        let place = place.child(list);
        let now = status.array_at(&[list]);
        for (i, before) in old.array_at(&["status", list]).iter().enumerate() {
            let Some(ended) = before.at(&["state", "terminated"]).filter(|state| !state.is_null()) else {
                continue;
            };
            let name = before.str_at(&["name"]);
            let exit_code = ended.i64_at(&["exitCode"]).unwrap_or(0);
            let may = match list {
                "containerStatuses" => may_restart(spec, name, exit_code),
                "initContainerStatuses" => may_restart_init(spec, name, exit_code),
                // Containers for debugging never restart.
                _ => false,
            };
            if may {
                continue;
            }
            let runs = |status: &&Document| {
                status.str_at(&["name"]) == name
                    && status.at(&["state", "terminated"]).is_none_or(Document::is_null)
            };
            let why = "may not be transitioned to non-terminated state";
            out.extend(now.iter().filter(runs).map(|_| place.index(i).child("state").forbidden(why)));
        }
    }
    out
}

fn by_policy(policy: &str, exit_code: i64) -> bool {
    match policy {
        "Always" => true,
        "OnFailure" => exit_code != 0,
        _ => false,
    }
}

/// By the container's own policy and rules if it has one (KEP-5307), else by the pod's.
fn may_restart(spec: &Document, name: &str, exit_code: i64) -> bool {
    let mut containers = spec.array_at(&["containers"]).iter();
    let Some(container) = containers.find(|container| container.str_at(&["name"]) == name) else {
        return false;
    };
    let Some(policy) = given(container, "restartPolicy").and_then(Document::as_str) else {
        return by_policy(spec.str_at(&["restartPolicy"]), exit_code);
    };
    let mut rules = container.array_at(&["restartPolicyRules"]).iter();
    rules.any(|rule| rule.str_at(&["action"]) == "Restart" && has_exit_code(rule, exit_code))
        || by_policy(policy, exit_code)
}

fn has_exit_code(rule: &Document, exit_code: i64) -> bool {
    let listed =
        rule.array_at(&["exitCodes", "values"]).iter().any(|value| value.as_i64() == Some(exit_code));
    match rule.str_at(&["exitCodes", "operator"]) {
        "In" => listed,
        "NotIn" => !listed,
        _ => false,
    }
}

fn may_restart_init(spec: &Document, name: &str, exit_code: i64) -> bool {
    let is_sidecar = |container: &Document| {
        container.str_at(&["name"]) == name && container.str_at(&["restartPolicy"]) == "Always"
    };
    by_policy(spec.str_at(&["restartPolicy"]), exit_code)
        || spec.array_at(&["initContainers"]).iter().any(is_sidecar)
}

/// Claims that were made, or found, for the pod's resource claims.
fn claims(pod: &Document, status: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let claims = pod.array_at(&["spec", "resourceClaims"]);
    let mut seen = HashSet::new();
    for (i, claim) in status.array_at(&["resourceClaimStatuses"]).iter().enumerate() {
        let place = place.index(i);
        let place = place.child("name");
        let name = claim.str_at(&["name"]);
        if !claims.iter().any(|claim| claim.str_at(&["name"]) == name) {
            let why = "must match the name of an entry in `spec.resourceClaims`";
            out.push(place.invalid(name, why));
        }
        if !seen.insert(name) {
            out.push(place.duplicate(name));
        }
        if let Some(name) = claim.get("resourceClaimName").and_then(Document::as_str) {
            out.extend(place.complaints(name, names::dns1123_subdomain(name)));
        }
    }
    out
}

fn pod_addresses(status: &Document, old: &Document, place: &Place<'_>) -> FieldErrors {
    let addresses = addresses_of(status, "podIPs");
    let mut out = malformed(&addresses, &addresses_of(old, "podIPs"), place);
    if addresses.len() > 1 {
        out.extend(families(&addresses, place));
        out.extend(repeated(&addresses, place));
    }
    out
}

fn host_addresses(status: &Document, old: &Document, place: &Place<'_>) -> FieldErrors {
    let addresses = addresses_of(status, "hostIPs");
    let mut out = FieldErrors::new();
    if let Some(first) = addresses.first().filter(|first| **first != status.str_at(&["hostIP"])) {
        out.push(place.index(0).child("ip").invalid(*first, "must be equal to `hostIP`"));
    }
    out.extend(malformed(&addresses, &addresses_of(old, "hostIPs"), place));
    if addresses.len() > 1 {
        out.extend(repeated(&addresses, place));
        out.extend(families(&addresses, place));
    }
    out
}

fn addresses_of<'a>(status: &'a Document, list: &str) -> Vec<&'a str> {
    status.array_at(&[list]).iter().map(|address| address.str_at(&["ip"])).collect()
}

/// An address that was let in before may stay.
fn malformed(addresses: &[&str], old: &[&str], place: &Place<'_>) -> FieldErrors {
    let unknown = addresses.iter().enumerate().filter(|(_, address)| !old.contains(*address));
    unknown.filter_map(|(i, address)| network::ip_error(&place.index(i).path(), address)).collect()
}

/// An address as upstream shows it.
fn shown(address: &str) -> Document {
    [("IP", address)].into_iter().collect()
}

fn repeated(addresses: &[&str], place: &Place<'_>) -> FieldErrors {
    let mut seen = HashSet::new();
    let twice = addresses.iter().enumerate().filter(|(_, address)| !seen.insert(**address));
    twice.map(|(i, address)| place.index(i).duplicate(shown(address))).collect()
}

/// At most one address of each family.
fn families(addresses: &[&str], place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let parsed: Vec<_> = addresses.iter().map(|address| network::ip(address)).collect();
    let malformed = parsed.iter().position(Option::is_none);
    if let Some((i, address)) = malformed.and_then(|i| Some((i, addresses.get(i)?))) {
        let why = format!("failed to check for dual stack with error:invalid IP[{i}]: {address}");
        out.push(FieldError::internal(&place.path(), why));
    }
    let v4 = parsed.iter().flatten().filter(|address| address.is_ipv4()).count();
    let v6 = parsed.iter().flatten().count() - v4;
    if malformed.is_some() || v4 == 0 || v6 == 0 || addresses.len() > 2 {
        let all: Document = addresses.iter().map(|address| shown(address)).collect();
        out.push(place.invalid(all, "may specify no more than one IP for each IP family"));
    }
    out
}

/// Users that containers run as.
fn users(pod: &Document, status: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let os = match pod.str_at(&["spec", "os", "name"]) {
        "" => "linux",
        os => os,
    };
    for list in LISTS {
        let place = place.child(list);
        for (i, container) in status.array_at(&[list]).iter().enumerate() {
            let Some(user) = container.at(&["user", "linux"]).filter(|user| !user.is_null()) else {
                continue;
            };
            let place = place.index(i);
            let place = place.child("linux");
            match os {
                "windows" => out.push(place.forbidden("cannot be set for a windows pod")),
                "linux" => out.extend(linux_user(user, &place)),
                _ => {}
            }
        }
    }
    out
}

fn linux_user(user: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    for field in ["uid", "gid"] {
        let id = user.i64_at(&[field]).unwrap_or(0);
        let complaints = names::user_or_group_id(id).into_iter();
        out.extend(complaints.map(|why| place.child(field).invalid(id, why)));
    }
    let place = place.child("supplementalGroups");
    let groups = user.array_at(&["supplementalGroups"]).iter().filter_map(Document::as_i64);
    for (i, group) in groups.enumerate() {
        let complaints = names::user_or_group_id(group).into_iter();
        out.extend(complaints.map(|why| place.index(i).invalid(group, why)));
    }
    out
}
