//! RuntimeClasses: the handler never changes. Validation is in its own file.

mod validate;

use super::cells;
use super::node_selector;
use crate::strategy::UpdateScope;
use crate::validation::immutable;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors, FieldPath, Map};

/// `node.k8s.io/v1 RuntimeClass`.
pub(crate) struct RuntimeClass;

impl Strategy for RuntimeClass {
    fn validate_create(&self, object: &Document) -> FieldErrors {
        validate::class(object)
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = validate::class(new);
        out.extend(immutable(&FieldPath::new("handler"), new.get("handler"), old.get("handler")));
        out
    }

    fn warnings(&self, new: &Document, _old: Option<&Document>) -> Vec<String> {
        let labels = new.object_at(&["scheduling", "nodeSelector"]).into_iter().flat_map(Map::keys);
        let renamed = labels.filter_map(node_selector::renamed);
        renamed.map(|(_, why)| format!("scheduling.nodeSelector: {why}")).collect()
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("Handler"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        vec![cells::name(object), cells::text(object, &["handler"]), cells::age(object, now)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn the_handler_does_not_change() {
        let [old, new] = ["a", "b"].map(|handler| doc!({"handler": handler}));
        let errors = RuntimeClass.validate_update(UpdateScope::Main, &new, &old);
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(texts, [r#"handler: Invalid value: "b": field is immutable"#]);
    }

    #[test]
    fn deprecated_labels_are_warned_of() {
        let class = doc!({"scheduling": {"nodeSelector": {"a": "b", "beta.kubernetes.io/os": "linux"}}});
        assert_eq!(
            RuntimeClass.warnings(&class, None),
            [r#"scheduling.nodeSelector: deprecated since v1.14; use "kubernetes.io/os" instead"#]
        );
    }
}
