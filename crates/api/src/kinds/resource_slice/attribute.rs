//! Attributes of devices: one value each, of one of four types.

use crate::kinds::devices::name;
use crate::kinds::internal_form::{self, Field};
use crate::kinds::semantic_version::is_version;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map};

const MAX_VALUE: usize = 64;

/// `resource.DeviceAttribute`.
const ATTRIBUTE: &[Field] = &[
    Field::value("int", "IntValue"),
    Field::value("bool", "BoolValue"),
    Field::value("string", "StringValue"),
    Field::value("version", "VersionValue"),
];

/// What is wrong with the attributes of a device.
pub(super) fn errors(field: &FieldPath, attributes: Option<&Map>) -> FieldErrors {
    let mut attributes: Vec<(&str, &Document)> = attributes.into_iter().flat_map(Map::iter).collect();
    attributes.sort_unstable_by_key(|(name, _)| *name);
    let mut out = FieldErrors::new();
    for (name, attribute) in attributes {
        let field = name::keyed(field, name);
        out.extend(name::qualified(&field, name));
        out.extend(value(&field, attribute));
    }
    out
}

fn value(field: &FieldPath, attribute: &Document) -> FieldErrors {
    let text = |name: &str| attribute.get(name).and_then(Document::as_str);
    let mut out = FieldErrors::new();
    if let Some(version) = text("version").filter(|version| !is_version(version)) {
        let why = "must be a string compatible with semver.org spec 2.0.0";
        out.push(FieldError::invalid(&field.child("version"), version, why));
    }
    for name in ["string", "version"] {
        if text(name).is_some_and(|text| text.len() > MAX_VALUE) {
            out.push(FieldError::too_long(&field.child(name), MAX_VALUE));
        }
    }
    let kinds = ["int", "bool", "string", "version"].into_iter();
    let shown: Document = match kinds.filter(|kind| !attribute[*kind].is_null()).count() {
        0 => "".into(),
        1 => return out,
        _ => internal_form::structure(attribute, ATTRIBUTE),
    };
    out.push(FieldError::invalid(field, shown, "exactly one value must be specified"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn attributes_have_one_value() {
        let cases = [
            (
                doc!({"model": {"string": "x"}, "d.example/v": {"version": "1.2.3"}, "n": {"int": 0}, "b": {"bool": false}}),
                vec![],
            ),
            (doc!({"a": {}}), vec![r#"d[a]: Invalid value: "": exactly one value must be specified"#]),
            (
                doc!({"a": {"int": 1, "string": "x"}}),
                vec![
                    r#"d[a]: Invalid value: {"IntValue":1,"BoolValue":null,"StringValue":"x","VersionValue":null}: exactly one value must be specified"#,
                ],
            ),
            (
                doc!({"a": {"version": "v1"}}),
                vec![
                    r#"d[a].version: Invalid value: "v1": must be a string compatible with semver.org spec 2.0.0"#,
                ],
            ),
            (doc!({"/a": {"int": 1}}), vec![r#"d[/a]: Invalid value: "": the domain must not be empty"#]),
        ];
        for (attributes, expected) in cases {
            let found = errors(&FieldPath::new("d"), attributes.as_object());
            let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
            assert_eq!(texts, expected);
        }
    }
}
