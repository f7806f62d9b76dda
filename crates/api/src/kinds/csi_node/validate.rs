//! What is wrong with a CSINode.

use crate::kinds::csi_driver;
use crate::kinds::internal_form::{self, Field};
use crate::validation::{invalid, names, not_negative};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::collections::HashSet;

const MAX_NODE_ID: usize = 256;

const ALLOCATABLE: &[Field] = &[Field::value("count", "Count")];
/// `storage.CSINodeDriver`.
const DRIVER: &[Field] = &[
    Field::text("name", "Name"),
    Field::text("nodeID", "NodeID"),
    Field::value("topologyKeys", "TopologyKeys"),
    Field::pointer("allocatable", "Allocatable", ALLOCATABLE),
];

/// What is wrong with the drivers of a node.
pub(super) fn node(node: &Document) -> FieldErrors {
    let field = FieldPath::new("spec.drivers");
    let mut seen = HashSet::new();
    let mut out = FieldErrors::new();
    for (i, driver) in node.array_at(&["spec", "drivers"]).iter().enumerate() {
        let field = field.index(i);
        let name = driver.str_at(&["name"]);
        out.extend(csi_driver::name(&field.child("name"), name));
        out.extend(node_id(&field.child("nodeID"), driver.str_at(&["nodeID"])));
        let count = driver.at(&["allocatable", "count"]);
        out.extend(not_negative(&field.child("allocatable").child("count"), count));
        if !seen.insert(name) {
            out.push(FieldError::duplicate(&field.child("name"), name));
        }
        out.extend(topology_keys(&field, driver.array_at(&["topologyKeys"])));
    }
    out
}

/// What is wrong with the change, the new state being valid: a driver stays as it is, but for how many volumes it takes.
pub(super) fn update(new: &Document, old: &Document) -> FieldErrors {
    let fixed = |driver: &Document| {
        let mut driver = driver.clone();
        driver.remove(&["allocatable"]);
        internal_form::structure(&driver, DRIVER)
    };
    let mut out = FieldErrors::new();
    for before in old.array_at(&["spec", "drivers"]) {
        let same = |driver: &&Document| driver["name"] == before["name"];
        for after in new.array_at(&["spec", "drivers"]).iter().filter(same) {
            let (before, after) = (fixed(before), fixed(after));
            if before != after {
                out.push(FieldError::invalid(&FieldPath::new("spec.drivers"), after, "field is immutable"));
            }
        }
    }
    out
}

fn node_id(field: &FieldPath, id: &str) -> Option<FieldError> {
    if id.is_empty() {
        return Some(FieldError::required(field, ""));
    }
    let why = format!("must be {MAX_NODE_ID} characters or less");
    (id.len() > MAX_NODE_ID).then(|| FieldError::invalid(field, id, why))
}

/// Upstream names the driver and not the key that is wrong.
fn topology_keys(field: &FieldPath, keys: &[Document]) -> FieldErrors {
    let mut seen = HashSet::new();
    let mut out = FieldErrors::new();
    for key in keys.iter().map(|key| key.as_str().unwrap_or("")) {
        if key.is_empty() {
            out.push(FieldError::required(field, ""));
        }
        if !seen.insert(key) {
            out.push(FieldError::duplicate(field, key));
        }
        out.extend(invalid(field, key, names::qualified_name(key)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    fn of(drivers: Document) -> Document {
        doc!({"spec": {"drivers": drivers}})
    }

    #[test]
    fn drivers_are_named_once_and_know_their_node() {
        let cases = [
            (
                "fine",
                doc!([{"name": "a", "nodeID": "n", "topologyKeys": ["k"], "allocatable": {"count": 0}}]),
                vec![],
            ),
            (
                "twice",
                doc!([{"name": "a", "nodeID": "n"}, {"name": "a", "allocatable": {"count": -1}}]),
                vec![
                    "spec.drivers[1].nodeID: Required value",
                    "spec.drivers[1].allocatable.count: Invalid value: -1: must be greater than or equal to 0",
                    r#"spec.drivers[1].name: Duplicate value: "a""#,
                ],
            ),
            (
                "keys",
                doc!([{"name": "a", "nodeID": "n", "topologyKeys": ["k", "k"]}]),
                vec![r#"spec.drivers[0]: Duplicate value: "k""#],
            ),
        ];
        for (name, drivers, expected) in cases {
            assert_eq!(texts(&node(&of(drivers))), expected, "{name}");
        }
        let long = node(&of(doc!([{"name": "a", "nodeID": "n".repeat(257)}])));
        assert!(texts(&long)[0].ends_with(": must be 256 characters or less"));
    }

    #[test]
    fn a_driver_stays_but_for_how_much_it_takes() {
        let old = of(doc!([{"name": "a", "nodeID": "n", "allocatable": {"count": 1}}]));
        let more = of(
            doc!([{"name": "a", "nodeID": "n", "allocatable": {"count": 2}}, {"name": "b", "nodeID": "n"}]),
        );
        assert_eq!(update(&more, &old), []);
        assert_eq!(update(&of(doc!([])), &old), []);
        assert_eq!(
            texts(&update(&of(doc!([{"name": "a", "nodeID": "m", "topologyKeys": ["k"]}])), &old)),
            [
                r#"spec.drivers: Invalid value: {"Name":"a","NodeID":"m","TopologyKeys":["k"],"Allocatable":null}: field is immutable"#
            ]
        );
    }
}
