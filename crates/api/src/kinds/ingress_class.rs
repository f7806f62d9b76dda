//! IngressClasses.

use super::cells;
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy, validation};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors, FieldPath};

/// `networking.k8s.io/v1 IngressClass`.
pub(crate) struct IngressClass;

impl Strategy for IngressClass {
    fn default(&self, object: &mut Document) {
        if object.at(&["spec", "parameters"]).is_some_and(|parameters| !parameters.is_null()) {
            object.set_default(&["spec", "parameters", "scope"], "Cluster");
        }
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let controller = |class: &Document| class.at(&["spec", "controller"]).cloned();
        let field = FieldPath::new("spec.controller");
        validation::immutable(&field, controller(new).as_ref(), controller(old).as_ref())
            .into_iter()
            .collect()
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("Controller"), Column::text("Parameters"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let parameters = object.at(&["spec", "parameters"]).filter(|parameters| !parameters.is_null());
        let parameters = parameters.map_or(cells::NONE.to_owned(), |given| {
            let [group, kind, name] = ["apiGroup", "kind", "name"].map(|key| given.str_at(&[key]));
            let dot = if group.is_empty() { "" } else { "." };
            format!("{kind}{dot}{group}/{name}")
        });
        let controller = cells::text(object, &["spec", "controller"]);
        vec![cells::name(object), controller, parameters.into(), cells::age(object, now)]
    }
}
