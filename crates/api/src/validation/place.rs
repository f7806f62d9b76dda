//! Where in an object a rule looks, as a chain of borrowed steps.
//!
//! A [`FieldPath`] is text that has to be made, and most objects are valid: for them no path is ever shown. A place is made
//! of what is at hand, costs nothing, and becomes text when an error needs it.

use super::invalid;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// Where in an object: a step, and the place that it starts at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Start(&'a FieldPath),
    Field(&'a str),
    Index(usize),
    Key(&'a str),
}

// === impl Place ===

impl<'a> Place<'a> {
    /// The place that a path names.
    pub(crate) fn at(path: &'a FieldPath) -> Self {
        Self { parent: None, step: Step::Start(path) }
    }

    /// A field under this one.
    pub(crate) fn child<'b>(&'b self, name: &'b str) -> Place<'b> {
        Place { parent: Some(self), step: Step::Field(name) }
    }

    /// An element of this list.
    pub(crate) fn index(&self, index: usize) -> Place<'_> {
        Place { parent: Some(self), step: Step::Index(index) }
    }

    /// A key of this map.
    pub(crate) fn key<'b>(&'b self, key: &'b str) -> Place<'b> {
        Place { parent: Some(self), step: Step::Key(key) }
    }

    /// The text.
    pub(crate) fn path(&self) -> FieldPath {
        let before = || self.parent.map_or_else(FieldPath::root, |parent| parent.path());
        match self.step {
            Step::Start(path) => path.clone(),
            Step::Field(name) => before().child(name),
            Step::Index(index) => before().index(index),
            Step::Key(key) => before().key(key),
        }
    }

    /// `Required value`.
    pub(crate) fn required(&self, detail: impl Into<String>) -> FieldError {
        FieldError::required(&self.path(), detail)
    }

    /// `Invalid value`.
    pub(crate) fn invalid(&self, value: impl Into<Document>, detail: impl Into<String>) -> FieldError {
        FieldError::invalid(&self.path(), value, detail)
    }

    /// `Unsupported value`.
    pub(crate) fn not_supported(&self, value: impl Into<Document>, supported: &[&str]) -> FieldError {
        FieldError::not_supported(&self.path(), value, supported)
    }

    /// `Duplicate value`.
    pub(crate) fn duplicate(&self, value: impl Into<Document>) -> FieldError {
        FieldError::duplicate(&self.path(), value)
    }

    /// `Not found`.
    pub(crate) fn not_found(&self, value: impl Into<Document>) -> FieldError {
        FieldError::not_found(&self.path(), value)
    }

    /// `Forbidden`.
    pub(crate) fn forbidden(&self, detail: impl Into<String>) -> FieldError {
        FieldError::forbidden(&self.path(), detail)
    }

    /// `Too long`.
    pub(crate) fn too_long(&self, max: usize) -> FieldError {
        FieldError::too_long(&self.path(), max)
    }

    /// One error for each complaint about a value.
    pub(crate) fn complaints(&self, value: &str, complaints: Vec<String>) -> FieldErrors {
        if complaints.is_empty() { FieldErrors::new() } else { invalid(&self.path(), value, complaints) }
    }

    /// The value is among the allowed ones; an empty one is required.
    pub(crate) fn one_of(&self, value: &str, allowed: &[&str]) -> Option<FieldError> {
        if value.is_empty() { Some(self.required("")) } else { self.among(value, allowed) }
    }

    /// The value is among the allowed ones; an empty one is as wrong as any other.
    pub(crate) fn among(&self, value: &str, allowed: &[&str]) -> Option<FieldError> {
        (!allowed.contains(&value)).then(|| self.not_supported(value, allowed))
    }

    /// The integer is not negative.
    pub(crate) fn not_negative(&self, value: Option<i64>) -> Option<FieldError> {
        let value = value.filter(|value| *value < 0)?;
        Some(self.invalid(value, "must be greater than or equal to 0"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_as_the_path_of_its_steps() {
        let start = FieldPath::new("spec.template");
        let place = Place::at(&start);
        let place = place.child("containers");
        let place = place.index(1);
        assert_eq!(
            place.child("limits").key("cpu").path().as_str(),
            "spec.template.containers[1].limits[cpu]"
        );
        let root = FieldPath::root();
        assert_eq!(Place::at(&root).child("spec").path().as_str(), "spec");
    }

    #[test]
    fn an_empty_value_is_required_only_where_one_is() {
        let field = FieldPath::new("f");
        let place = Place::at(&field);
        let text = |error: Option<FieldError>| error.map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(text(place.one_of("", &["a"])), "f: Required value");
        assert_eq!(text(place.among("", &["a"])), r#"f: Unsupported value: "": supported values: "a""#);
        assert_eq!(text(place.one_of("a", &["a"])), "");
        assert_eq!(
            text(place.not_negative(Some(-1))),
            "f: Invalid value: -1: must be greater than or equal to 0"
        );
    }
}
