//! The structs of claims as upstream's messages show them.

use crate::kinds::internal_form::Field;
use crate::kinds::node_selector::SELECTOR;

/// `resource.ResourceClaimSpec`.
pub(super) const SPEC: &[Field] = &[Field::nested("devices", "Devices", DEVICES)];

/// `resource.ResourceClaimTemplateSpec`.
pub(super) const TEMPLATE_SPEC: &[Field] = &[Field::inlined("metadata"), Field::nested("spec", "Spec", SPEC)];

/// `resource.AllocationResult`.
pub(super) const ALLOCATION: &[Field] = &[
    Field::nested("devices", "Devices", ALLOCATED_DEVICES),
    Field::pointer("nodeSelector", "NodeSelector", SELECTOR),
    Field::value("allocationTimestamp", "AllocationTimestamp"),
];

const DEVICES: &[Field] = &[
    Field::list("requests", "Requests", REQUEST),
    Field::list("constraints", "Constraints", CONSTRAINT),
    Field::list("config", "Config", CONFIGURATION),
];
const REQUEST: &[Field] = &[
    Field::text("name", "Name"),
    Field::pointer("exactly", "Exactly", EXACT),
    Field::list("firstAvailable", "FirstAvailable", ALTERNATIVE),
];
const EXACT: &[Field] = &[
    Field::text("deviceClassName", "DeviceClassName"),
    Field::list("selectors", "Selectors", DEVICE_SELECTOR),
    Field::text("allocationMode", "AllocationMode"),
    Field::integer("count", "Count"),
    Field::value("adminAccess", "AdminAccess"),
    Field::list("tolerations", "Tolerations", TOLERATION),
    Field::pointer("capacity", "Capacity", CAPACITY),
];
const ALTERNATIVE: &[Field] = &[
    Field::text("name", "Name"),
    Field::text("deviceClassName", "DeviceClassName"),
    Field::list("selectors", "Selectors", DEVICE_SELECTOR),
    Field::text("allocationMode", "AllocationMode"),
    Field::integer("count", "Count"),
    Field::list("tolerations", "Tolerations", TOLERATION),
    Field::pointer("capacity", "Capacity", CAPACITY),
];
const DEVICE_SELECTOR: &[Field] = &[Field::pointer("cel", "CEL", CEL)];
const CEL: &[Field] = &[Field::text("expression", "Expression")];
const TOLERATION: &[Field] = &[
    Field::text("key", "Key"),
    Field::text("operator", "Operator"),
    Field::text("value", "Value"),
    Field::text("effect", "Effect"),
    Field::value("tolerationSeconds", "TolerationSeconds"),
];
const CAPACITY: &[Field] = &[Field::map("requests", "Requests")];
const CONSTRAINT: &[Field] = &[
    Field::value("requests", "Requests"),
    Field::value("matchAttribute", "MatchAttribute"),
    Field::value("distinctAttribute", "DistinctAttribute"),
];
const OPAQUE: &[Field] = &[Field::text("driver", "Driver"), Field::value("parameters", "Parameters")];
const CONFIGURATION: &[Field] =
    &[Field::value("requests", "Requests"), Field::pointer("opaque", "Opaque", OPAQUE)];

const ALLOCATED_DEVICES: &[Field] =
    &[Field::list("results", "Results", RESULT), Field::list("config", "Config", ALLOCATED_CONFIGURATION)];
const RESULT: &[Field] = &[
    Field::text("request", "Request"),
    Field::text("driver", "Driver"),
    Field::text("pool", "Pool"),
    Field::text("device", "Device"),
    Field::value("adminAccess", "AdminAccess"),
    Field::list("tolerations", "Tolerations", TOLERATION),
    Field::value("bindingConditions", "BindingConditions"),
    Field::value("bindingFailureConditions", "BindingFailureConditions"),
    Field::value("shareID", "ShareID"),
    Field::map("consumedCapacity", "ConsumedCapacity"),
];
const ALLOCATED_CONFIGURATION: &[Field] = &[Field::text("source", "Source"), Field::embedded(CONFIGURATION)];
