//! Columns of custom resources: `additionalPrinterColumns` of a CustomResourceDefinition's version.

use super::json_path::JsonPath;
use jiff::Timestamp;
use skiff_api::strategy::age;
use skiff_api::{Cell, Column};
use skiff_apimachinery::{Document, Node, json};
use std::borrow::Cow;

const NAME_DESCRIPTION: &str = "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";
const AGE_DESCRIPTION: &str = "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

/// The columns of one version of a custom resource.
#[derive(Debug, Clone)]
pub struct CustomColumns(Vec<CustomColumn>);

#[derive(Debug, Clone)]
struct CustomColumn {
    column: Column,
    /// `None` if the path cannot be read; the cell is then empty.
    path: Option<JsonPath>,
}

impl CustomColumns {
    /// From a version's `additionalPrinterColumns`; without any there is an age.
    pub fn new(definitions: &[Document]) -> Self {
        if definitions.is_empty() {
            return Self(vec![age_column()]);
        }
        Self(definitions.iter().map(custom_column).collect())
    }

    /// The columns, the name first.
    pub fn columns(&self) -> Vec<Column> {
        let mut name = Column::name();
        name.description = Cow::Borrowed(NAME_DESCRIPTION);
        std::iter::once(name).chain(self.0.iter().map(|custom| custom.column.clone())).collect()
    }

    /// One row's cells.
    pub fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let custom = self.0.iter().map(|custom| {
            let value = custom.path.as_ref().and_then(|path| path.first(object));
            value.map_or(Document::NULL, |value| cell(&custom.column.ty, value, now))
        });
        std::iter::once(object.name().into()).chain(custom).collect()
    }
}

fn age_column() -> CustomColumn {
    let mut column = Column::age();
    column.ty = Cow::Borrowed("date");
    column.description = Cow::Borrowed(AGE_DESCRIPTION);
    CustomColumn { column, path: JsonPath::parse(".metadata.creationTimestamp").ok() }
}

fn custom_column(definition: &Document) -> CustomColumn {
    let text = |key: &str| Cow::<'static, str>::Owned(definition.str_at(&[key]).to_owned());
    let path = definition.str_at(&["jsonPath"]);
    let description = match text("description") {
        given if !given.is_empty() => given,
        _ => Cow::Owned(format!("Custom resource definition column (in JSONPath format): {path}")),
    };
    let priority = definition.i64_at(&["priority"]).and_then(|p| i32::try_from(p).ok()).unwrap_or(0);
    let column =
        Column { name: text("name"), ty: text("type"), format: text("format"), description, priority };
    CustomColumn { column, path: JsonPath::parse(path).ok() }
}

/// A value in a column of a type; null where it does not fit.
fn cell(ty: &str, value: &Document, now: Timestamp) -> Cell {
    match (ty, value.node()) {
        ("string", _) => text(value),
        ("integer", Node::Int(_)) | ("boolean", Node::Bool(_)) => value.clone(),
        ("integer", Node::Float(float)) => Document::from(float as i64),
        ("number", Node::Int(_) | Node::Float(_)) => value.clone(),
        ("date", Node::String(time)) => match time.parse::<Timestamp>() {
            Ok(_) => age(time, now).into(),
            Err(_) => "<invalid>".into(),
        },
        _ => Document::NULL,
    }
}

fn text(value: &Document) -> Cell {
    match value.node() {
        Node::Null => Document::NULL,
        Node::String(_) => value.clone(),
        _ => String::from_utf8_lossy(&json::encode(value)).into_owned().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn cells_follow_the_columns_types() {
        let columns = CustomColumns::new(
            doc!([
                {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
                {"name": "Ratio", "type": "number", "jsonPath": ".spec.ratio"},
                {"name": "On", "type": "boolean", "jsonPath": ".spec.on", "priority": 1},
                {"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"},
                {"name": "Tags", "type": "string", "jsonPath": ".spec.tags", "description": "what it is"},
                {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
                {"name": "Bad", "type": "date", "jsonPath": ".spec.size"},
                {"name": "Absent", "type": "string", "jsonPath": ".spec.absent"}
            ])
            .as_array()
            .unwrap(),
        );
        let object = doc!({
            "metadata": {"name": "a", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"size": 3, "ratio": 0.5, "on": true, "tags": ["x", "y"]},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]}
        });
        let now = "2026-01-01T00:05:00Z".parse().unwrap();
        assert_eq!(
            Document::from(columns.cells(&object, now)),
            doc!(["a", 3, 0.5, true, "True", "[\"x\",\"y\"]", "5m", null, null])
        );
        let headers = columns.columns();
        assert_eq!((&*headers[0].format, headers[3].priority), ("name", 1));
        assert_eq!(
            headers[1].description,
            "Custom resource definition column (in JSONPath format): .spec.size"
        );
        assert_eq!(headers[5].description, "what it is");
    }

    #[test]
    fn without_columns_there_are_name_and_age() {
        let columns = CustomColumns::new(&[]);
        let object = doc!({"metadata": {"name": "a", "creationTimestamp": "2026-01-01T00:00:00Z"}});
        let now = "2026-01-01T00:00:07Z".parse().unwrap();
        assert_eq!(Document::from(columns.cells(&object, now)), doc!(["a", "7s"]));
        assert_eq!(columns.columns()[1].ty, "date");
    }
}
