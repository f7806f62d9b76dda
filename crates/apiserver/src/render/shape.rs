//! Tables and metadata: views of objects that clients ask for by Accept.

use super::Form;
use crate::request::accept::IncludeObject;
use skiff_apimachinery::{Document, doc};

/// `meta.k8s.io/v1 Table` of hub objects.
pub(super) fn table(form: &Form, objects: &[Document], metadata: Document) -> Document {
    let rows: Vec<Document> = objects.iter().map(|object| row(form, object)).collect();
    let mut table = head(form, metadata);
    table.insert("rows", rows);
    table
}

/// A table without rows.
pub(super) fn head(form: &Form, metadata: Document) -> Document {
    let columns: Vec<Document> = form
        .hub
        .strategy
        .columns()
        .into_iter()
        .map(|column| {
            doc!({
                "name": column.name, "type": column.ty, "format": column.format,
                "description": column.description, "priority": column.priority
            })
        })
        .collect();
    doc!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": columns
    })
}

/// One row.
pub(super) fn row(form: &Form, object: &Document) -> Document {
    let cells: Vec<Document> = form.hub.strategy.cells(object, form.clock.now());
    let mut row = doc!({"cells": cells});
    let conditions = form.hub.strategy.row_conditions(object);
    if !conditions.is_empty() {
        row.insert("conditions", conditions);
    }
    match form.include {
        IncludeObject::None => {}
        IncludeObject::Metadata => row.insert("object", metadata_only(object)),
        IncludeObject::Object => {
            row.insert("object", crate::convert::from_hub(&form.row, &form.hub, object.clone()));
        }
    }
    row
}

/// `meta.k8s.io/v1 PartialObjectMetadata`.
pub(super) fn metadata_only(object: &Document) -> Document {
    let metadata = object.get("metadata").cloned().unwrap_or_else(Document::object);
    doc!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
}

/// The list metadata of a table of one object.
pub(super) fn list_metadata_of(object: &Document) -> Document {
    doc!({"resourceVersion": object.resource_version()})
}
