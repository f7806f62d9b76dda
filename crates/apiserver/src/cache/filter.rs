//! Which objects a list or watch is about: namespace, name, labels, fields.

use super::entry::Entry;
use skiff_api::Resource;
use skiff_apimachinery::Status;
use skiff_apimachinery::selector::{FieldSelector, LabelSelector};

/// A selection of objects of one resource.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    namespace: Option<Box<str>>,
    name: Option<Box<str>>,
    labels: Option<LabelSelector>,
    fields: Option<FieldSelector>,
}

impl Filter {
    /// The selection of a request in the row's version.
    ///
    /// # Errors
    /// 400 if a selector is malformed or names a field that cannot be selected by.
    pub fn parse(
        row: &Resource,
        namespace: &str,
        name: &str,
        labels: &str,
        fields: &str,
    ) -> Result<Self, Status> {
        let malformed = |error: &dyn std::fmt::Display| Status::bad_request(error.to_string());
        let labels = LabelSelector::parse(labels).map_err(|e| malformed(&e))?;
        let fields = FieldSelector::parse(fields).map_err(|e| malformed(&e))?;
        for term in fields.terms() {
            check_field(row, &term.field)?;
        }
        // What is cached has the names of the stored version.
        let fields = fields.renamed(|field| row.strategy.stored_field(field));
        let name =
            Some(name).filter(|name| !name.is_empty()).or_else(|| fields.required_value("metadata.name"));
        Ok(Self {
            namespace: (!namespace.is_empty()).then(|| namespace.into()),
            name: name.map(Into::into),
            labels: (!labels.is_everything()).then_some(labels),
            fields: (!fields.is_everything()).then_some(fields),
        })
    }

    /// Whether every object of the namespace is selected.
    pub fn selects_all(&self) -> bool {
        self.name.is_none() && self.labels.is_none() && self.fields.is_none()
    }

    /// The one name that can match, if the selection says so.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether an object is selected.
    pub fn matches(&self, entry: &Entry) -> bool {
        self.namespace.as_deref().is_none_or(|namespace| namespace == entry.namespace())
            && self.name.as_deref().is_none_or(|name| name == entry.name())
            && self.fields.as_ref().is_none_or(|fields| fields_match(entry, fields))
            && self.labels.as_ref().is_none_or(|labels| labels.matches_by(|key| label_of(entry, key)))
    }
}

fn fields_match(entry: &Entry, fields: &FieldSelector) -> bool {
    fields.terms().iter().all(|term| (field_of(entry, &term.field) == term.value) != term.negated)
}

fn label_of<'a>(entry: &'a Entry, key: &str) -> Option<&'a str> {
    entry.metadata().labels.iter().find(|(k, _)| **k == *key).map(|(_, value)| &**value)
}

fn field_of<'a>(entry: &'a Entry, field: &str) -> &'a str {
    match field {
        "metadata.name" => entry.name(),
        "metadata.namespace" => entry.namespace(),
        _ => entry.metadata().fields.iter().find(|(name, _)| name == field).map_or("", |(_, value)| value),
    }
}

fn check_field(row: &Resource, field: &str) -> Result<(), Status> {
    let known = matches!(field, "metadata.name" | "metadata.namespace")
        || row.strategy.selectable_fields().iter().any(|known| known == field);
    if known {
        return Ok(());
    }
    Err(Status::bad_request(format!("field label not supported: {field}")))
}
