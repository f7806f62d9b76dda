//! What is wrong with a slice.

use super::{counter, device, place};
use crate::kinds::devices::{name, set};
use crate::validation::immutable;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

const MAX_DEVICES: usize = 128;
/// Of devices that have taints or take from counters.
const MAX_DEVICES_OF_SOME_KIND: usize = 64;

/// What is wrong with a slice; of a changed one the old state is given.
pub(super) fn slice(slice: &Document, old: Option<&Document>) -> FieldErrors {
    let (field, spec) = (FieldPath::new("spec"), &slice["spec"]);
    let mut out = name::driver(&field.child("driver"), spec.str_at(&["driver"]));
    out.extend(pool(&field.child("pool"), &spec["pool"]));
    out.extend(old.map(|old| frozen(&field, spec, &old["spec"])).unwrap_or_default());
    out.extend(place::of_slice(&field, spec));
    let given = |name: &str| !spec[name].is_null();
    if given("sharedCounters") && given("devices") {
        let why = "only one of `sharedCounters` or `devices` is allowed";
        out.push(FieldError::invalid(&field, "", why));
    }
    out.extend(devices(&field.child("devices"), spec, old));
    out.extend(counter::offered(&field.child("sharedCounters"), spec.array_at(&["sharedCounters"])));
    out
}

fn pool(field: &FieldPath, pool: &Document) -> FieldErrors {
    let mut out = name::pool(&field.child("name"), pool.str_at(&["name"]));
    let count = pool.i64_at(&["resourceSliceCount"]).unwrap_or(0);
    if count <= 0 {
        out.push(FieldError::invalid(&field.child("resourceSliceCount"), count, "must be greater than zero"));
    }
    let generation = pool.i64_at(&["generation"]).unwrap_or(0);
    if generation < 0 {
        let why = "must be greater than or equal to zero";
        out.push(FieldError::invalid(&field.child("generation"), generation, why));
    }
    out
}

fn frozen(field: &FieldPath, new: &Document, old: &Document) -> FieldErrors {
    let paths: [&[&str]; 3] = [&["pool", "name"], &["driver"], &["nodeName"]];
    let errors = paths.into_iter().filter_map(|path| {
        let field = path.iter().fold(field.clone(), |field, name| field.child(name));
        immutable(&field, new.at(path), old.at(path))
    });
    errors.collect()
}

fn devices(field: &FieldPath, spec: &Document, old: Option<&Document>) -> FieldErrors {
    let devices = spec.array_at(&["devices"]);
    let special = |name: &str| devices.iter().any(|device| !device.array_at(&[name]).is_empty());
    let max =
        if special("taints") || special("consumesCounters") { MAX_DEVICES_OF_SOME_KIND } else { MAX_DEVICES };
    let has_own_place = spec.bool_at(&["perDeviceNodeSelection"]) == Some(true);
    let before = old.map(|old| old.array_at(&["spec", "devices"])).unwrap_or_default();
    let rule = |field: &FieldPath, one: &Document| {
        let old = before.iter().find(|old| old["name"] == one["name"]);
        device::errors(field, one, old, has_own_place)
    };
    set(field, devices, max, rule, |device| device.str_at(&["name"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn texts(slice: &Document, old: Option<&Document>) -> Vec<String> {
        super::slice(slice, old).iter().map(ToString::to_string).collect()
    }

    /// A valid slice with some fields replaced.
    fn of(changes: &Document) -> Document {
        let mut spec = doc!({
            "driver": "d", "nodeName": "n", "pool": {"name": "p", "resourceSliceCount": 1, "generation": 0},
            "devices": [{"name": "a"}]
        });
        for (name, value) in changes.as_object().unwrap().iter() {
            spec.insert(name, value);
        }
        doc!({"spec": spec})
    }

    #[test]
    fn slices_belong_to_a_driver_and_a_pool() {
        let cases = [
            ("fine", doc!({}), vec![]),
            (
                "pool",
                doc!({"pool": {"generation": -1}}),
                vec![
                    "spec.pool.name: Required value",
                    "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero",
                    "spec.pool.generation: Invalid value: -1: must be greater than or equal to zero",
                ],
            ),
            (
                "devices",
                doc!({"devices": [{"name": "a"}, {"name": "a"}]}),
                vec![r#"spec.devices[1]: Duplicate value: "a""#],
            ),
            (
                "counters",
                doc!({"sharedCounters": [{"name": "c", "counters": {"x": {"value": "1"}}}]}),
                vec![r#"spec: Invalid value: "": only one of `sharedCounters` or `devices` is allowed"#],
            ),
        ];
        for (name, changes, expected) in cases {
            assert_eq!(texts(&of(&changes), None), expected, "{name}");
        }
    }

    #[test]
    fn a_slice_holds_fewer_devices_of_some_kinds() {
        let many = |taints: Document| {
            let devices: Vec<Document> =
                (0..65).map(|n| doc!({"name": format!("d{n}"), "taints": taints.clone()})).collect();
            texts(&of(&doc!({"devices": devices})), None)
        };
        assert_eq!(many(doc!([])), Vec::<String>::new());
        assert_eq!(
            many(doc!([{"key": "k", "effect": "None"}])),
            ["spec.devices: Too many: 65: must have at most 64 items"]
        );
    }

    #[test]
    fn a_slice_stays_with_driver_pool_and_node() {
        let new = of(&doc!({"driver": "e", "nodeName": "m", "pool": {"name": "q", "resourceSliceCount": 2}}));
        assert_eq!(
            texts(&new, Some(&of(&doc!({})))),
            [
                r#"spec.pool.name: Invalid value: "q": field is immutable"#,
                r#"spec.driver: Invalid value: "e": field is immutable"#,
                r#"spec.nodeName: Invalid value: "m": field is immutable"#,
            ]
        );
    }
}
