//! What a definition's version says about its objects.

use super::columns::CustomColumns;
use jiff::Timestamp;
use skiff_api::strategy::{ScalePaths, UpdateScope};
use skiff_api::{Cell, Column, Strategy};
use skiff_apimachinery::schema::SchemaRef;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, LabelSelector, Node, structural};
use std::borrow::Cow;

/// The strategy of one version of a custom resource.
pub(super) struct CustomStrategy {
    schema: SchemaRef,
    has_status: bool,
    scale: Option<ScalePaths>,
    selectable: Vec<String>,
    columns: CustomColumns,
}

impl CustomStrategy {
    /// From a definition's version and the schema that was built from it.
    pub(super) fn new(version: &Document, schema: SchemaRef) -> Self {
        let subresource = |name: &str| version.at(&["subresources", name]).filter(|given| !given.is_null());
        let scale = subresource("scale").map(|scale| ScalePaths {
            spec_replicas: dotted(scale.str_at(&["specReplicasPath"])),
            status_replicas: dotted(scale.str_at(&["statusReplicasPath"])),
            label_selector: Some(dotted(scale.str_at(&["labelSelectorPath"])))
                .filter(|path| !path.is_empty()),
        });
        let selectable = version.array_at(&["selectableFields"]).iter();
        Self {
            schema,
            has_status: subresource("status").is_some(),
            scale,
            selectable: selectable.map(|field| dotted(field.str_at(&["jsonPath"]))).collect(),
            columns: CustomColumns::new(version.array_at(&["additionalPrinterColumns"])),
        }
    }

    fn validate(&self, object: &Document) -> FieldErrors {
        let mut errors = structural::validate(object, self.schema.get());
        if let Some(scale) = &self.scale {
            check_scale(object, scale, &mut errors);
        }
        errors
    }
}

impl Strategy for CustomStrategy {
    fn metadata_kept_by_status(&self) -> &'static [&'static str] {
        skiff_api::strategy::ALL_METADATA
    }

    fn default(&self, object: &mut Document) {
        let schema = self.schema.get();
        // Stored objects may hold what a newer schema does not know.
        structural::prune(object, schema);
        structural::default(object, schema);
        structural::drop_nulls(object, schema);
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        self.validate(object)
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let errors = self.validate(new);
        if errors.is_empty() {
            return errors;
        }
        // What was wrong before and did not change is let through, so that a stricter schema breaks no update (KEP-4008).
        let before = self.validate(old);
        errors.into_iter().filter(|error| !before.contains(error)).collect()
    }

    fn has_status(&self) -> bool {
        self.has_status
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn selectable_fields(&self) -> Vec<Cow<'static, str>> {
        self.selectable.iter().map(|field| Cow::Owned(field.clone())).collect()
    }

    fn scale_paths(&self) -> Option<&ScalePaths> {
        self.scale.as_ref()
    }

    fn columns(&self) -> Vec<Column> {
        self.columns.columns()
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        self.columns.cells(object, now)
    }
}

/// `.spec.replicas` without its leading dot.
fn dotted(path: &str) -> String {
    path.strip_prefix('.').unwrap_or(path).to_owned()
}

fn check_scale(object: &Document, scale: &ScalePaths, errors: &mut FieldErrors) {
    let value = |path: &str| object.at(&path.split('.').collect::<Vec<_>>());
    for path in [&scale.spec_replicas, &scale.status_replicas] {
        let field = FieldPath::new(&format!(".{path}"));
        match value(path).map(Document::node) {
            None | Some(Node::Null) => {}
            Some(Node::Int(number)) if number < 0 => {
                errors.push(FieldError::invalid(&field, number, "should be a non-negative integer"));
            }
            Some(Node::Int(number)) if number > i64::from(i32::MAX) => {
                let why = format!("should be less than or equal to {}", i32::MAX);
                errors.push(FieldError::invalid(&field, number, why));
            }
            Some(Node::Int(_)) => {}
            Some(_) => {
                errors.push(FieldError::invalid(&field, 0, "accessor error: value is not of the type int64"))
            }
        }
    }
    let Some(path) = &scale.label_selector else { return };
    let Some(text) = value(path).and_then(Document::as_str) else { return };
    if let Err(error) = LabelSelector::parse(text) {
        errors.push(FieldError::invalid(&FieldPath::new(&format!(".{path}")), text, error.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::{rows, tests::boats};
    use super::*;
    use skiff_api::Resource;
    use skiff_apimachinery::doc;
    use std::sync::Arc;

    fn row() -> Arc<Resource> {
        rows(&boats()).remove(0)
    }

    fn boat(spec: Document) -> Document {
        doc!({"apiVersion": "example.com/v1", "kind": "Boat", "metadata": {"name": "a"}, "spec": spec})
    }

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn objects_are_pruned_and_defaulted() {
        let mut object = boat(doc!({"length": 9, "engine": true, "color": null}));
        row().strategy.default(&mut object);
        assert_eq!(object["spec"], doc!({"length": 9, "sails": 2}));
    }

    #[test]
    fn objects_are_validated() {
        let errors = row().strategy.validate_create(&boat(doc!({"sails": -1})));
        let texts = texts(&errors);
        assert!(texts.iter().any(|text| text == "spec.length: Required value"), "{texts:?}");
        assert!(texts.iter().any(|text| text.contains("should be a non-negative integer")), "{texts:?}");
    }

    #[test]
    fn what_was_wrong_before_does_not_stop_an_update() {
        let old = boat(doc!({"length": 0, "color": "red"}));
        let recolored = boat(doc!({"length": 0, "color": "blue"}));
        assert_eq!(row().strategy.validate_update(UpdateScope::Main, &recolored, &old), []);
        let worse = boat(doc!({"length": -1, "color": "red"}));
        assert_eq!(row().strategy.validate_update(UpdateScope::Main, &worse, &old).len(), 1);
    }

    #[test]
    fn fields_can_be_selected_and_scaled_by() {
        let row = row();
        assert_eq!(row.strategy.selectable_fields(), ["spec.color"]);
        assert_eq!(row.strategy.select_field(&boat(doc!({"color": "red"})), "spec.color"), "red");
        assert_eq!(row.strategy.scale_paths().unwrap().spec_replicas, "spec.sails");
    }
}
