//! Resource claims: their number, and the devices they ask for by device class.

use super::object_count::count_name;
use crate::quota::{Evaluator, Write};
use crate::resource_list::ResourceList;
use jiff::Timestamp;
use skiff_apimachinery::Document;
use skiff_apimachinery::quantity::Quantity;

const GROUP: &str = "resource.k8s.io";
/// What follows a device class.
const DEVICES: &str = ".deviceclass.resource.k8s.io/devices";
/// Most devices that one claim can be given; what asking for all of them counts.
const MOST_DEVICES: i64 = 32;

/// Measures ResourceClaims.
pub(super) struct ResourceClaims;

impl Evaluator for ResourceClaims {
    fn handles(&self, write: &Write<'_>) -> bool {
        write.subresource.is_empty()
    }

    fn tracks(&self, name: &str) -> bool {
        name == count_name(GROUP, "resourceclaims") || name.ends_with(DEVICES)
    }

    fn usage(&self, claim: &Document, _now: Timestamp) -> ResourceList {
        let mut used = ResourceList::default();
        used.set(count_name(GROUP, "resourceclaims"), Quantity::from_value(1));
        for request in claim.array_at(&["spec", "devices", "requests"]) {
            used.add(&devices(request));
        }
        used
    }
}

/// Devices by class; of alternatives the largest of each.
fn devices(request: &Document) -> ResourceList {
    let mut most = ResourceList::default();
    let exactly = request.get("exactly").into_iter();
    for choice in exactly.chain(request.array_at(&["firstAvailable"])) {
        let count = match choice.str_at(&["allocationMode"]) {
            "All" => MOST_DEVICES,
            _ => choice.i64_at(&["count"]).unwrap_or(1),
        };
        let name = format!("{}{DEVICES}", choice.str_at(&["deviceClassName"]));
        most.raise_to(&std::iter::once((name, Quantity::from_value(count))).collect());
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn devices_count_by_class() {
        let claim = doc!({"spec": {"devices": {"requests": [
            {"name": "a", "exactly": {"deviceClassName": "gpu", "allocationMode": "ExactCount", "count": 2}},
            {"name": "b", "firstAvailable": [
                {"deviceClassName": "gpu", "count": 1},
                {"deviceClassName": "gpu", "count": 3},
                {"deviceClassName": "nic", "allocationMode": "All"}
            ]}
        ]}}});
        assert_eq!(
            ResourceClaims.usage(&claim, Timestamp::UNIX_EPOCH).to_string(),
            "count/resourceclaims.resource.k8s.io=1,gpu.deviceclass.resource.k8s.io/devices=5,\
             nic.deviceclass.resource.k8s.io/devices=32"
        );
    }
}
