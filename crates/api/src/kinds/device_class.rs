//! DeviceClasses: what kinds of devices there are, and what drivers are told about them.

use super::cells;
use super::devices::configuration::{self, Size};
use super::devices::{list, selector};
use crate::strategy::UpdateScope;
use crate::validation::names;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `resource.k8s.io DeviceClass`.
pub(crate) struct DeviceClass;

const MAX_CONFIGURATIONS: usize = 32;
const REQUESTS: &str = "requests.";

impl Strategy for DeviceClass {
    fn validate_create(&self, object: &Document) -> FieldErrors {
        errors(object, Size::Limited)
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let same = new["spec"]["config"] == old["spec"]["config"];
        errors(new, if same { Size::AsStored } else { Size::Limited })
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        vec![cells::name(object), cells::age(object, now)]
    }
}

fn errors(class: &Document, size: Size) -> FieldErrors {
    let (field, spec) = (FieldPath::new("spec"), &class["spec"]);
    let mut out = selector::errors(&field.child("selectors"), spec.array_at(&["selectors"]));
    let configurations = spec.array_at(&["config"]);
    out.extend(list(&field.child("config"), configurations, MAX_CONFIGURATIONS, |field, one| {
        configuration::errors(field, one, size)
    }));
    let extended = spec.get("extendedResourceName").and_then(Document::as_str);
    if let Some(name) = extended.filter(|name| !is_extended_resource(name)) {
        let why = "must be a valid extended resource name";
        out.push(FieldError::invalid(&field.child("extendedResourceName"), name, why));
    }
    out
}

/// Whether a resource is of somebody else than upstream, under a name that quotas can put a prefix before.
fn is_extended_resource(name: &str) -> bool {
    let is_native = !name.contains('/') || name.contains("kubernetes.io/");
    !is_native
        && !name.starts_with(REQUESTS)
        && names::qualified_name(&format!("{REQUESTS}{name}")).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn classes_select_configure_and_may_stand_for_a_resource() {
        let cases = [
            (
                "fine",
                doc!({"selectors": [{"cel": {"expression": "true"}}], "extendedResourceName": "example.com/gpu"}),
                vec![],
            ),
            ("selector", doc!({"selectors": [{}]}), vec!["spec.selectors[0].cel: Required value"]),
            ("configuration", doc!({"config": [{}]}), vec!["spec.config[0].opaque: Required value"]),
            (
                "resource",
                doc!({"extendedResourceName": "cpu"}),
                vec![
                    r#"spec.extendedResourceName: Invalid value: "cpu": must be a valid extended resource name"#,
                ],
            ),
        ];
        for (name, spec, expected) in cases {
            let errors = DeviceClass.validate_create(&doc!({"spec": spec}));
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(texts, expected, "{name}");
        }
    }

    #[test]
    fn configurations_may_stay_as_large_as_they_were() {
        let class = doc!({"spec": {"config": [{"opaque": {"driver": "d", "parameters": {"a": "b".repeat(11_000)}}}]}});
        assert_eq!(DeviceClass.validate_create(&class).len(), 1);
        assert_eq!(DeviceClass.validate_update(UpdateScope::Main, &class, &class), []);
    }
}
