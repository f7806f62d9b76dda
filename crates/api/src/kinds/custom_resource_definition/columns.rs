//! What is wrong with the columns that a version adds to tables.

use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// Types of cells, sorted.
const TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
/// Formats of cells, sorted.
const FORMATS: [&str; 8] = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

/// What is wrong with the columns of a version.
pub(super) fn errors(field: &FieldPath, version: &Document) -> FieldErrors {
    let columns = version.array_at(&["additionalPrinterColumns"]).iter().enumerate();
    columns.flat_map(|(i, column)| column_errors(&field.index(i), column)).collect()
}

fn column_errors(field: &FieldPath, column: &Document) -> FieldErrors {
    let text = |key: &str| column.str_at(&[key]);
    let mut out = FieldErrors::new();
    if text("name").is_empty() {
        out.push(FieldError::required(&field.child("name"), ""));
    }
    let (place, ty) = (field.child("type"), text("type"));
    let why = format!("must be one of {}", TYPES.join(","));
    if ty.is_empty() {
        out.push(FieldError::required(&place, why));
    } else if !TYPES.contains(&ty) {
        out.push(FieldError::invalid(&place, ty, why));
    }
    let format = text("format");
    if !format.is_empty() && !FORMATS.contains(&format) {
        let why = format!("must be one of {}", FORMATS.join(","));
        out.push(FieldError::invalid(&field.child("format"), format, why));
    }
    let (place, path) = (field.child("JSONPath"), text("jsonPath"));
    if path.is_empty() {
        out.push(FieldError::required(&place, ""));
    } else {
        out.extend(path_error(&place, path));
    }
    out
}

/// What is wrong with a path as such; whether anything is found there shows when it is followed.
pub(super) fn path_error(field: &FieldPath, path: &str) -> Option<FieldError> {
    let why = "must be a simple json path starting with .";
    (!path.starts_with('.')).then(|| FieldError::invalid(field, path, why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn columns_have_a_name_a_type_and_a_path() {
        let version = doc!({"additionalPrinterColumns": [
            {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
            {"name": "", "type": "text", "format": "moon", "jsonPath": "spec"},
            {"name": "x"}
        ]});
        let texts: Vec<String> =
            errors(&FieldPath::new("c"), &version).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "c[1].name: Required value",
                r#"c[1].type: Invalid value: "text": must be one of boolean,date,integer,number,string"#,
                r#"c[1].format: Invalid value: "moon": must be one of byte,date,date-time,double,float,int32,int64,password"#,
                r#"c[1].JSONPath: Invalid value: "spec": must be a simple json path starting with ."#,
                "c[2].type: Required value: must be one of boolean,date,integer,number,string",
                "c[2].JSONPath: Required value",
            ]
        );
    }
}
