//! What is wrong with the status of a claim: who uses it, what it was given, and what drivers tell of that.

use super::allocation;
use super::form::ALLOCATION;
use super::reference::RequestNames;
use crate::kinds::devices::configuration::{self, Size};
use crate::kinds::devices::{itself, name, set};
use crate::kinds::{conditions, internal_form};
use ipnet::IpNet;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::collections::HashSet;

const MAX_CONSUMERS: usize = 256;
const MAX_CONDITIONS: usize = 8;
const MAX_DATA: usize = 10 << 10;
const MAX_INTERFACE_NAME: usize = 256;
const MAX_HARDWARE_ADDRESS: usize = 128;
const MAX_ADDRESSES: usize = 16;

/// What is wrong with the changed status of a claim.
pub(super) fn errors(new: &Document, old: &Document) -> FieldErrors {
    let field = FieldPath::new("status");
    let [allocation, before] = [new, old].map(allocation_of);
    let consumers = new.array_at(&["status", "reservedFor"]);
    let at = field.child("reservedFor");
    let mut out = set(&at, consumers, MAX_CONSUMERS, consumer, |consumer| consumer.str_at(&["uid"]));
    out.extend(devices(&field.child("devices"), new));
    if !consumers.is_empty() && allocation.is_none() {
        out.push(FieldError::forbidden(&at, "may not be specified when `allocated` is not set"));
    } else if new.deletion_timestamp().is_some() {
        let known = old.array_at(&["status", "reservedFor"]);
        if consumers.iter().any(|consumer| !known.contains(consumer)) {
            let why =
                "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set";
            out.push(FieldError::forbidden(&at, why));
        }
    }
    let at = field.child("allocation");
    match (allocation, before) {
        (Some(new), Some(old)) => {
            let [new, old] = [new, old].map(|allocation| internal_form::structure(allocation, ALLOCATION));
            if new != old {
                out.push(FieldError::invalid(&at, new, "field is immutable"));
            }
        }
        (Some(allocation), None) => {
            let names = RequestNames::of(&new["spec"]["devices"]);
            out.extend(allocation::errors(&at, allocation, &names));
        }
        (None, _) => {}
    }
    out
}

/// Drops what drivers told of devices that the claim has no more.
pub(super) fn drop_deallocated(new: &mut Document, old: &Document) {
    let mut gone = allocated(old);
    for id in allocated(new) {
        gone.remove(&id);
    }
    let Some(devices) = new.at_mut(&["status", "devices"]).and_then(Document::as_array_mut) else { return };
    devices.retain(|device| !gone.contains(&id(device)));
    if devices.is_empty() {
        new.remove(&["status", "devices"]);
    }
}

fn allocation_of(claim: &Document) -> Option<&Document> {
    claim.at(&["status", "allocation"]).filter(|allocation| !allocation.is_null())
}

/// The devices that a claim has.
fn allocated(claim: &Document) -> HashSet<String> {
    claim.array_at(&["status", "allocation", "devices", "results"]).iter().map(id).collect()
}

/// `DRIVER/POOL/DEVICE`, and the share if the device has some.
fn id(device: &Document) -> String {
    let [driver, pool, name, share] =
        ["driver", "pool", "device", "shareID"].map(|part| device.str_at(&[part]));
    let slash = if share.is_empty() { "" } else { "/" };
    format!("{driver}/{pool}/{name}{slash}{share}")
}

fn consumer(field: &FieldPath, consumer: &Document) -> FieldErrors {
    let needed = ["resource", "name", "uid"].into_iter();
    let missing = needed.filter(|name| consumer.str_at(&[*name]).is_empty());
    missing.map(|name| FieldError::required(&field.child(name), "")).collect()
}

fn devices(field: &FieldPath, claim: &Document) -> FieldErrors {
    let allocated = allocated(claim);
    let devices = || claim.array_at(&["status", "devices"]).iter().enumerate();
    let mut out = FieldErrors::new();
    for (i, one) in devices() {
        out.extend(device(&field.index(i), one, &allocated));
    }
    let mut seen = HashSet::new();
    for (i, one) in devices() {
        let id = id(one);
        if seen.contains(&id) {
            let mut error = FieldError::duplicate(&field.index(i), "");
            error.value = id;
            out.push(error);
        } else {
            seen.insert(id);
        }
    }
    out
}

fn device(field: &FieldPath, device: &Document, allocated: &HashSet<String>) -> FieldErrors {
    let text = |name: &str| device.str_at(&[name]);
    let mut out = name::driver(&field.child("driver"), text("driver"));
    out.extend(name::pool(&field.child("pool"), text("pool")));
    out.extend(name::label(&field.child("device"), text("device")));
    let share = device.get("shareID").and_then(Document::as_str);
    out.extend(share.and_then(|share| name::uid(&field.child("shareID"), share)));
    let id = id(device);
    if !allocated.contains(&id) {
        let mut error = FieldError::invalid(field, "", "must be an allocated device in the claim");
        error.value = id;
        out.push(error);
    }
    let told = device.array_at(&["conditions"]);
    let at = field.child("conditions");
    if told.len() > MAX_CONDITIONS {
        out.push(FieldError::too_many(&at, told.len(), MAX_CONDITIONS));
    }
    out.extend(conditions::errors(&at, told));
    if let Some(data) = device.get("data").filter(|data| !data.is_null()) {
        out.extend(configuration::object(&field.child("data"), Some(data), MAX_DATA, Size::Limited));
    }
    out.extend(network(&field.child("networkData"), &device["networkData"]));
    out
}

fn network(field: &FieldPath, data: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    for (name, max) in [("interfaceName", MAX_INTERFACE_NAME), ("hardwareAddress", MAX_HARDWARE_ADDRESS)] {
        if data.str_at(&[name]).len() > max {
            out.push(FieldError::too_long(&field.child(name), max));
        }
    }
    let addresses = data.array_at(&["ips"]);
    let rule = |field: &FieldPath, text: &Document| -> FieldErrors {
        address(field, itself(text)).into_iter().collect()
    };
    out.extend(set(&field.child("ips"), addresses, MAX_ADDRESSES, rule, itself));
    out
}

/// An address of an interface with the length of its network's prefix, in canonical form.
fn address(field: &FieldPath, text: &str) -> Option<FieldError> {
    let Ok(block) = text.parse::<IpNet>() else {
        let why = "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)";
        return Some(FieldError::invalid(field, text, why));
    };
    let canonical = format!("{}/{}", block.addr(), block.prefix_len());
    let why = format!("must be in canonical form ({canonical:?})");
    (text != canonical).then(|| FieldError::invalid(field, text, why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn claim(status: Document) -> Document {
        doc!({"spec": {"devices": {"requests": [{"name": "a"}]}}, "status": status})
    }

    fn allocation() -> Document {
        doc!({"devices": {"results": [{"request": "a", "driver": "d", "pool": "p", "device": "x"}]}})
    }

    fn texts(new: &Document, old: &Document) -> Vec<String> {
        errors(new, old).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn allocated_claims_are_reserved_for_consumers() {
        let pod = || doc!({"resource": "pods", "name": "p", "uid": "u"});
        let none = claim(doc!({}));
        let reserved = claim(doc!({"allocation": allocation(), "reservedFor": [pod()]}));
        assert_eq!(texts(&reserved, &none), Vec::<String>::new());
        assert_eq!(
            texts(&claim(doc!({"reservedFor": [pod(), pod(), {"resource": "pods", "uid": "v"}]})), &none),
            [
                "status.reservedFor[2].name: Required value",
                r#"status.reservedFor[1]: Duplicate value: "u""#,
                "status.reservedFor: Forbidden: may not be specified when `allocated` is not set",
            ]
        );
        let mut deleted = reserved.clone();
        deleted.set(&["metadata", "deletionTimestamp"], "2026-01-02T03:04:05Z");
        assert_eq!(texts(&deleted, &reserved), Vec::<String>::new());
        assert_eq!(
            texts(&deleted, &claim(doc!({"allocation": allocation()}))),
            [
                "status.reservedFor: Forbidden: new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"
            ]
        );
    }

    #[test]
    fn what_was_given_stays_until_it_is_taken_back() {
        let given = claim(doc!({"allocation": allocation()}));
        let mut other = given.clone();
        other.set(&["status", "allocation", "devices", "results"], Document::array());
        let found = texts(&other, &given);
        assert!(
            found[0].starts_with("status.allocation: Invalid value: {\"Devices\":{\"Results\":"),
            "{found:?}"
        );
        assert!(found[0].ends_with(": field is immutable"), "{found:?}");
        assert_eq!(texts(&claim(doc!({})), &given), Vec::<String>::new());
    }

    #[test]
    fn drivers_tell_of_devices_that_the_claim_has() {
        let told = |device: Document| {
            let status = doc!({"allocation": allocation(), "devices": [device]});
            texts(&claim(status), &claim(doc!({"allocation": allocation()})))
        };
        let device = |name: &str, value: Document| {
            let mut device = doc!({"driver": "d", "pool": "p", "device": "x"});
            device.insert(name, value);
            device
        };
        assert_eq!(told(device("data", doc!({"a": 1}))), Vec::<String>::new());
        assert_eq!(
            told(device("device", doc!("y"))),
            ["status.devices[0]: Invalid value: d/p/y: must be an allocated device in the claim"]
        );
        assert_eq!(
            told(device("networkData", doc!({"ips": ["10.0.0.1/24", "FD00::1/64", "x"]}))),
            [
                r#"status.devices[0].networkData.ips[1]: Invalid value: "FD00::1/64": must be in canonical form ("fd00::1/64")"#,
                r#"status.devices[0].networkData.ips[2]: Invalid value: "x": must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)"#,
            ]
        );
    }

    #[test]
    fn what_was_told_of_devices_goes_with_them() {
        let device = doc!({"driver": "d", "pool": "p", "device": "x"});
        let old = claim(doc!({"allocation": allocation(), "devices": [device.clone()]}));
        let mut same = old.clone();
        drop_deallocated(&mut same, &old);
        assert_eq!(same, old);
        let mut new = claim(doc!({"devices": [device]}));
        drop_deallocated(&mut new, &old);
        assert_eq!(new, claim(doc!({})));
    }
}
