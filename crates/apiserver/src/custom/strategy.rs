//! What a definition's version says about its objects.

use super::columns::CustomColumns;
use jiff::Timestamp;
use skiff_api::strategy::{ScalePaths, UpdateScope};
use skiff_api::{Cell, Column, Strategy};
use skiff_apimachinery::schema::SchemaRef;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Node, structural};
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

    fn validate(&self, object: &Document, scope: Option<UpdateScope>) -> FieldErrors {
        let mut errors = structural::validate(object, self.schema.get());
        if let Some(scale) = &self.scale {
            errors.extend(scale_errors(object, scale, scope));
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
        self.validate(object, None)
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let errors = self.validate(new, Some(scope));
        if errors.is_empty() {
            return errors;
        }
        // What was wrong before and did not change is let through, so that a stricter schema breaks no update (KEP-4008).
        let before = self.validate(old, Some(scope));
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

/// What is wrong with the numbers that a scale shows; writes of the status are not held to what is wanted.
fn scale_errors(object: &Document, scale: &ScalePaths, scope: Option<UpdateScope>) -> FieldErrors {
    let wanted = Some(&scale.spec_replicas).filter(|_| scope != Some(UpdateScope::Status));
    let counts = wanted.into_iter().chain([&scale.status_replicas]);
    let mut out: FieldErrors = counts.filter_map(|path| count_error(object, path)).collect();
    if let Some(path) = &scale.label_selector {
        let refusal = |why: String| FieldError::invalid(&FieldPath::new(&format!(".{path}")), "", why);
        match value_at(object, path) {
            Ok(None) => {}
            Ok(Some(value)) if value.as_str().is_some() => {}
            Ok(Some(value)) => out.push(refusal(misfit(path, value, "string"))),
            Err(why) => out.push(refusal(why)),
        }
    }
    out
}

fn count_error(object: &Document, path: &str) -> Option<FieldError> {
    let field = FieldPath::new(&format!(".{path}"));
    let value = match value_at(object, path) {
        Ok(value) => value?,
        Err(why) => return Some(FieldError::invalid(&field, 0, why)),
    };
    let Node::Int(number) = value.node() else {
        return Some(FieldError::invalid(&field, 0, misfit(path, value, "int64")));
    };
    if number < 0 {
        return Some(FieldError::invalid(&field, number, "should be a non-negative integer"));
    }
    let max = i64::from(i32::MAX);
    (number > max)
        .then(|| FieldError::invalid(&field, number, format!("should be less than or equal to {max}")))
}

/// What stands under a dotted path; an error if it leads through what is no map.
fn value_at<'a>(object: &'a Document, path: &str) -> Result<Option<&'a Document>, String> {
    let mut value = object;
    for name in path.split('.') {
        match value.node() {
            Node::Object(map) => match map.get(name) {
                Some(inner) => value = inner,
                None => return Ok(None),
            },
            Node::Null => return Ok(None),
            _ => return Err(misfit(path, value, "map[string]interface{}")),
        }
    }
    Ok(Some(value))
}

/// `.spec.replicas accessor error: x is of the type string, expected int64`.
fn misfit(path: &str, value: &Document, wanted: &str) -> String {
    let (shown, found) = match value.node() {
        Node::Null => ("<nil>".to_owned(), "<nil>"),
        Node::Bool(_) => (value.to_string(), "bool"),
        Node::Int(_) => (value.to_string(), "int64"),
        Node::Float(_) => (value.to_string(), "float64"),
        Node::String(text) => (text.to_owned(), "string"),
        Node::Array(_) => (value.to_string(), "[]interface {}"),
        Node::Object(_) => (value.to_string(), "map[string]interface {}"),
    };
    format!(".{path} accessor error: {shown} is of the type {found}, expected {wanted}")
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
    fn scales_are_counts() {
        let row = row();
        let cases = [
            (
                doc!("x"),
                ".spec.sails: Invalid value: 0: .spec.sails accessor error: x is of the type string, expected int64",
            ),
            (
                doc!(3_000_000_000_i64),
                ".spec.sails: Invalid value: 3000000000: should be less than or equal to 2147483647",
            ),
            (doc!(-1), ".spec.sails: Invalid value: -1: should be a non-negative integer"),
        ];
        for (sails, expected) in cases {
            let object = boat(doc!({"length": 9, "sails": sails}));
            let told = texts(&row.strategy.validate_create(&object));
            assert!(told.iter().any(|text| text == expected), "{told:?}");
            let told = texts(&row.strategy.validate_update(
                UpdateScope::Status,
                &object,
                &boat(doc!({"length": 9})),
            ));
            assert!(!told.iter().any(|text| text == expected), "{told:?}");
        }
    }

    #[test]
    fn fields_can_be_selected_and_scaled_by() {
        let row = row();
        assert_eq!(row.strategy.selectable_fields(), ["spec.color"]);
        assert_eq!(row.strategy.select_field(&boat(doc!({"color": "red"})), "spec.color"), "red");
        assert_eq!(row.strategy.scale_paths().unwrap().spec_replicas, "spec.sails");
    }
}
