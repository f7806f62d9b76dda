//! CSIStorageCapacities: how much storage of a class there is where. Only the amounts change.

use super::cells;
use super::node_selector;
use crate::strategy::UpdateScope;
use crate::validation::{immutable, invalid, labels, names};
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map, Quantity};

/// `storage.k8s.io/v1 CSIStorageCapacity`.
pub(crate) struct CsiStorageCapacity;

const TOPOLOGY: &str = "nodeTopology";
const CLASS: &str = "storageClassName";

impl Strategy for CsiStorageCapacity {
    fn validate_create(&self, object: &Document) -> FieldErrors {
        errors(object, None)
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = errors(new, Some(old));
        let changed = |name| immutable(&FieldPath::new(name), new.get(name), old.get(name));
        out.extend([TOPOLOGY, CLASS].into_iter().filter_map(changed));
        out
    }

    fn warnings(&self, new: &Document, _old: Option<&Document>) -> Vec<String> {
        let field = FieldPath::new(TOPOLOGY);
        let mut out = node_selector::expression_warnings(&field, &new[TOPOLOGY]);
        let labels = new.object_at(&[TOPOLOGY, "matchLabels"]).into_iter().flat_map(Map::keys);
        out.extend(labels.filter_map(|label| {
            let (_, why) = node_selector::renamed(label)?;
            Some(format!("{}: {why}", field.child("matchLabels").child(label)))
        }));
        out
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("StorageClassName"), Column::text("Capacity"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let capacity =
            cells::int_or_string(object.get("capacity")).unwrap_or_else(|| cells::UNSET.to_owned());
        let class = cells::text(object, &["storageClassName"]);
        vec![cells::name(object), class, capacity.into(), cells::age(object, now)]
    }
}

/// Values of a selector that were no label values may stay so.
fn errors(object: &Document, old: Option<&Document>) -> FieldErrors {
    let field = FieldPath::new(TOPOLOGY);
    let topology = |object: &Document| labels::selector(&field, object.get(TOPOLOGY));
    let is_of_value = |error: &FieldError| error.field.as_str().contains("].values[");
    let lenient = old.is_some_and(|old| topology(old).iter().any(is_of_value));
    let mut out: FieldErrors =
        topology(object).into_iter().filter(|error| !(lenient && is_of_value(error))).collect();
    let class = object.str_at(&[CLASS]);
    out.extend(invalid(&FieldPath::new(CLASS), class, names::dns1123_subdomain(class)));
    if let Some(Ok(amount)) = object.get("capacity").and_then(Quantity::from_document)
        && amount.is_negative()
    {
        let why = "must be greater than or equal to 0";
        out.push(FieldError::invalid(&FieldPath::new("capacity"), amount, why));
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

    #[test]
    fn amounts_are_not_negative_and_topologies_valid() {
        let cases = [
            (
                "fine",
                doc!({"storageClassName": "c", "capacity": "1Gi", "nodeTopology": {"matchLabels": {"a": "b"}}}),
                vec![],
            ),
            (
                "capacity",
                doc!({"storageClassName": "c", "capacity": "-1"}),
                vec![r#"capacity: Invalid value: "-1": must be greater than or equal to 0"#],
            ),
            (
                "topology",
                doc!({"storageClassName": "c", "nodeTopology": {"matchExpressions": [{"key": "a", "operator": "In"}]}}),
                vec![
                    "nodeTopology.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
                ],
            ),
        ];
        for (name, object, expected) in cases {
            assert_eq!(texts(&CsiStorageCapacity.validate_create(&object)), expected, "{name}");
        }
    }

    #[test]
    fn only_the_amounts_change() {
        let old = doc!({"storageClassName": "a", "capacity": "1"});
        let new =
            doc!({"storageClassName": "b", "capacity": "2", "nodeTopology": {"matchLabels": {"x": "y"}}});
        assert_eq!(
            texts(&CsiStorageCapacity.validate_update(UpdateScope::Main, &new, &old)),
            [
                r#"nodeTopology: Invalid value: {"matchLabels":{"x":"y"}}: field is immutable"#,
                r#"storageClassName: Invalid value: "b": field is immutable"#,
            ]
        );
    }

    #[test]
    fn deprecated_labels_are_warned_of() {
        let object = doc!({"nodeTopology": {
            "matchExpressions": [{"key": "beta.kubernetes.io/os"}], "matchLabels": {"beta.kubernetes.io/arch": "a"}
        }});
        assert_eq!(
            CsiStorageCapacity.warnings(&object, None),
            [
                r#"nodeTopology.matchExpressions[0].key: beta.kubernetes.io/os is deprecated since v1.14; use "kubernetes.io/os" instead"#,
                r#"nodeTopology.matchLabels.beta.kubernetes.io/arch: deprecated since v1.14; use "kubernetes.io/arch" instead"#,
            ]
        );
    }
}
