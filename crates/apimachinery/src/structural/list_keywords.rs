//! What is wrong with the keywords that say how lists and maps are merged.

use super::rules::{flag, given, nested};
use crate::{Document, FieldError, FieldErrors, FieldPath};
use std::collections::HashSet;

const LIST_TYPES: [&str; 3] = ["atomic", "set", "map"];
const MAP_TYPES: [&str; 2] = ["atomic", "granular"];
const LIST_TYPE: &str = "x-kubernetes-list-type";
const MAP_TYPE: &str = "x-kubernetes-map-type";
const KEYS: &str = "x-kubernetes-list-map-keys";

/// What is wrong with one description's keywords, those inside of it aside.
pub(super) fn check(schema: &Document, path: &FieldPath, out: &mut FieldErrors) {
    let map_type = given(schema, MAP_TYPE).and_then(Document::as_str);
    out.extend(of_type(schema, path, "object", MAP_TYPE));
    if let Some(text) = map_type.filter(|text| !MAP_TYPES.contains(text)) {
        out.push(FieldError::not_supported(&path.child(MAP_TYPE), text, &MAP_TYPES));
    }
    let list_type = given(schema, LIST_TYPE).and_then(Document::as_str);
    match of_type(schema, path, "array", LIST_TYPE) {
        None if list_type == Some("set") => out.extend(set_items(schema, path)),
        error => out.extend(error),
    }
    if let Some(text) = list_type.filter(|text| !LIST_TYPES.contains(text)) {
        out.push(FieldError::not_supported(&path.child(LIST_TYPE), text, &LIST_TYPES));
    }
    let keys: Vec<&str> = schema.array_at(&[KEYS]).iter().filter_map(Document::as_str).collect();
    if !keys.is_empty() && list_type != Some("map") {
        let (place, why) = (path.child(LIST_TYPE), "must be map if x-kubernetes-list-map-keys is non-empty");
        out.push(match list_type {
            None => FieldError::required(&place, why),
            Some(text) => FieldError::invalid(&place, text, why),
        });
    }
    if list_type == Some("map") {
        map_list(schema, &keys, path, out);
    }
    if let Some(list_type @ ("set" | "map")) = list_type {
        items(schema, list_type, &keys, path, out);
    }
}

/// The keyword is for one type only.
fn of_type(schema: &Document, path: &FieldPath, ty: &str, keyword: &str) -> Option<FieldError> {
    let given_type = schema.str_at(&["type"]);
    if given(schema, keyword).is_none() || given_type == ty {
        return None;
    }
    let (place, why) = (path.child("type"), format!("must be {ty} if {keyword} is specified"));
    Some(if given_type.is_empty() {
        FieldError::required(&place, why)
    } else {
        FieldError::invalid(&place, given_type, why)
    })
}

/// Elements of a set are told apart as a whole.
fn set_items(schema: &Document, path: &FieldPath) -> Option<FieldError> {
    const WHY: &str = "must be atomic as item of a list with x-kubernetes-list-type=set";
    let items = nested(schema, "items")?;
    let list_type = given(items, LIST_TYPE).and_then(Document::as_str);
    // Upstream shows the list type in both cases.
    let (wrong, keyword) = match items.str_at(&["type"]) {
        "array" => (list_type.is_some_and(|ty| ty != "atomic"), LIST_TYPE),
        "object" => (items.str_at(&[MAP_TYPE]) != "atomic", MAP_TYPE),
        _ => return None,
    };
    wrong.then(|| FieldError::invalid(&path.child("items").child(keyword), list_type, WHY))
}

/// Elements of a list that is a map are objects, told apart by scalar fields.
fn map_list(schema: &Document, keys: &[&str], path: &FieldPath, out: &mut FieldErrors) {
    if keys.is_empty() {
        let why = "must not be empty if x-kubernetes-list-type is map";
        out.push(FieldError::required(&path.child(KEYS), why));
    }
    let place = path.child("items");
    let Some(items) = nested(schema, "items") else {
        out.push(match given(schema, "items") {
            None => FieldError::required(&place, "must have a schema if x-kubernetes-list-type is map"),
            Some(items) => {
                let why = "must only have a single schema if x-kubernetes-list-type is map";
                FieldError::invalid(&place, items, why)
            }
        });
        return;
    };
    let ty = items.str_at(&["type"]);
    if ty != "object" {
        let why = "must be object if parent array's x-kubernetes-list-type is map";
        out.push(FieldError::invalid(&place.child("type"), ty, why));
        return;
    }
    let mut seen = HashSet::new();
    let wrong_keys = |why: &str| FieldError::invalid(&path.child(KEYS), keys.to_vec(), why);
    for key in keys {
        match items.at(&["properties", key]) {
            None => out.push(wrong_keys("entries must all be names of item properties")),
            Some(property) if ["array", "object"].contains(&property.str_at(&["type"])) => {
                let place = place.child("properties").key(key).child("type");
                let why = "must be a scalar type if parent array's x-kubernetes-list-type is map";
                // Upstream shows the type of the items here.
                out.push(FieldError::invalid(&place, ty, why));
            }
            Some(_) => {}
        }
        if !seen.insert(*key) {
            out.push(wrong_keys("must not contain duplicate entries"));
        }
    }
}

/// Elements are there, and so is what tells them apart.
fn items(schema: &Document, list_type: &str, keys: &[&str], path: &FieldPath, out: &mut FieldErrors) {
    let Some(items) = nested(schema, "items") else { return };
    let place = path.child("items");
    if flag(items, "nullable") {
        let why = format!("cannot be nullable when x-kubernetes-list-type is {list_type}");
        out.push(FieldError::forbidden(&place.child("nullable"), why));
    }
    if list_type != "map" {
        return;
    }
    let required: Vec<&str> = items.array_at(&["required"]).iter().filter_map(Document::as_str).collect();
    for key in keys {
        let Some(property) = items.at(&["properties", key]) else { continue };
        let place = place.child("properties").key(key);
        if !required.contains(key) && given(property, "default").is_none() {
            let why = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
            out.push(FieldError::required(&place.child("default"), why));
        }
        if flag(property, "nullable") {
            let why = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
            out.push(FieldError::forbidden(&place.child("nullable"), why));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc;

    fn complaints(description: Document) -> Vec<String> {
        let mut out = FieldErrors::new();
        check(&description, &FieldPath::new("s"), &mut out);
        out.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn merge_keywords_suit_their_type() {
        let cases = [
            (
                doc!({"x-kubernetes-map-type": "fine"}),
                vec![
                    "s.type: Required value: must be object if x-kubernetes-map-type is specified",
                    r#"s.x-kubernetes-map-type: Unsupported value: "fine": supported values: "atomic", "granular""#,
                ],
            ),
            (
                doc!({"type": "string", "x-kubernetes-list-type": "set"}),
                vec![
                    r#"s.type: Invalid value: "string": must be array if x-kubernetes-list-type is specified"#,
                ],
            ),
            (
                doc!({"type": "array", "x-kubernetes-list-type": "bag"}),
                vec![
                    r#"s.x-kubernetes-list-type: Unsupported value: "bag": supported values: "atomic", "set", "map""#,
                ],
            ),
            (
                doc!({"type": "array", "x-kubernetes-list-map-keys": ["a"]}),
                vec![
                    "s.x-kubernetes-list-type: Required value: must be map if x-kubernetes-list-map-keys is non-empty",
                ],
            ),
            (
                doc!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "object", "nullable": true}}),
                vec![
                    "s.items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set",
                    "s.items.nullable: Forbidden: cannot be nullable when x-kubernetes-list-type is set",
                ],
            ),
        ];
        for (description, expected) in cases {
            assert_eq!(complaints(description.clone()), expected, "{description}");
        }
    }

    #[test]
    fn keys_of_lists_are_scalar_fields_that_are_always_there() {
        let of = |keys: Document, items: Document| {
            complaints(doc!({
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys, "items": items
            }))
        };
        assert_eq!(
            of(doc!([]), Document::NULL),
            [
                "s.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map",
                "s.items: Required value: must have a schema if x-kubernetes-list-type is map",
            ]
        );
        let items = doc!({"type": "object", "required": ["a", "o"], "properties": {
            "a": {"type": "string", "nullable": true}, "b": {"type": "string"}, "o": {"type": "array"}
        }});
        assert_eq!(
            of(doc!(["a", "b", "o", "x", "a"]), items),
            [
                r#"s.items.properties[o].type: Invalid value: "object": must be a scalar type if parent array's x-kubernetes-list-type is map"#,
                r#"s.x-kubernetes-list-map-keys: Invalid value: ["a","b","o","x","a"]: entries must all be names of item properties"#,
                r#"s.x-kubernetes-list-map-keys: Invalid value: ["a","b","o","x","a"]: must not contain duplicate entries"#,
                "s.items.properties[a].nullable: Forbidden: this property is in x-kubernetes-list-map-keys, so it cannot be nullable",
                "s.items.properties[b].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
                "s.items.properties[a].nullable: Forbidden: this property is in x-kubernetes-list-map-keys, so it cannot be nullable",
            ]
        );
    }
}
