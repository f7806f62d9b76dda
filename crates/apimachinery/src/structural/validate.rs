//! Validation of a custom resource against its schema, in the words of upstream's OpenAPI validator.

use super::{format, lists};
use crate::schema::{Rules, Schema, Type};
use crate::{Document, FieldError, FieldErrors, FieldPath, Map, Node};

/// What is wrong with the object; rules in CEL are checked elsewhere.
pub fn validate(doc: &Document, schema: &Schema) -> FieldErrors {
    let mut out = FieldErrors::new();
    check(doc, schema, &FieldPath::root(), &mut out);
    lists::check(doc, schema, &FieldPath::root(), &mut out);
    embedded(doc, schema, &FieldPath::root(), true, &mut out);
    out
}

fn check(doc: &Document, schema: &Schema, path: &FieldPath, out: &mut FieldErrors) {
    if doc.is_null() && schema.nullable {
        return;
    }
    if !fits_type(doc, schema) {
        let name = type_names(schema);
        let actual = kind_of(doc);
        let why = format!("{} in body must be of type {name}: {actual:?}", path.as_str());
        out.push(FieldError::type_invalid(path, actual, why));
        return;
    }
    match doc.node() {
        Node::Object(map) => check_map(map, schema, path, out),
        Node::Array(list) => check_list(list, schema, path, out),
        Node::String(text) => check_text(text, schema, path, out),
        Node::Int(_) | Node::Float(_) => check_number(doc, schema, path, out),
        Node::Null | Node::Bool(_) => {}
    }
    if let Some(rules) = &schema.rules {
        check_enumeration(doc, rules, path, out);
        check_composites(doc, rules, path, out);
    }
}

fn fits_type(doc: &Document, schema: &Schema) -> bool {
    if schema.int_or_string {
        return matches!(doc.node(), Node::Int(_) | Node::String(_)) || is_whole(doc);
    }
    match schema.ty {
        Type::Any => true,
        Type::Object => doc.as_object().is_some(),
        Type::Array => doc.as_array().is_some(),
        Type::String => doc.as_str().is_some(),
        Type::Boolean => doc.as_bool().is_some(),
        Type::Number => doc.as_f64().is_some(),
        Type::Integer => is_whole(doc),
    }
}

fn is_whole(doc: &Document) -> bool {
    doc.as_i64().is_some() || doc.as_f64().is_some_and(|value| value.fract() == 0.0)
}

fn type_names(schema: &Schema) -> &'static str {
    if schema.int_or_string {
        return "integer,string";
    }
    match schema.ty {
        Type::Any => "",
        Type::Object => "object",
        Type::Array => "array",
        Type::String => "string",
        Type::Integer => "integer",
        Type::Number => "number",
        Type::Boolean => "boolean",
    }
}

fn kind_of(doc: &Document) -> &'static str {
    match doc.node() {
        Node::Null => "null",
        Node::Bool(_) => "boolean",
        Node::Int(_) => "integer",
        Node::Float(_) => "number",
        Node::String(_) => "string",
        Node::Array(_) => "array",
        Node::Object(_) => "object",
    }
}

/// `spec.replicas in body should be less than or equal to 3`.
fn wrong(path: &FieldPath, value: &Document, why: &str) -> FieldError {
    FieldError::invalid(path, value, format!("{} in body {why}", path.as_str()))
}

fn check_map(map: &Map, schema: &Schema, path: &FieldPath, out: &mut FieldErrors) {
    if let Some(rules) = &schema.rules {
        let count = map.len() as u64;
        if let Some(min) = rules.min_properties.filter(|min| count < *min) {
            let why = format!("should have at least {min} properties");
            out.push(wrong(path, &map.clone().into(), &why));
        }
        if let Some(max) = rules.max_properties.filter(|max| count > *max) {
            out.push(FieldError::too_many(path, map.len(), max as usize));
        }
    }
    for name in schema.required.iter().filter(|name| !map.contains_key(name)) {
        out.push(FieldError::required(&path.child(name), ""));
    }
    for (key, value) in map.iter() {
        if let Some(inner) = schema.value_of(key) {
            check(value, inner, &path.child(key), out);
        }
    }
}

fn check_list(list: &[Document], schema: &Schema, path: &FieldPath, out: &mut FieldErrors) {
    if let Some(rules) = &schema.rules {
        let count = list.len() as u64;
        if let Some(min) = rules.min_items.filter(|min| count < *min) {
            out.push(FieldError::invalid(
                path,
                list.len(),
                format!("{} in body should have at least {min} items", path.as_str()),
            ));
        }
        if let Some(max) = rules.max_items.filter(|max| count > *max) {
            out.push(FieldError::too_many(path, list.len(), max as usize));
        }
        if rules.unique_items && list.iter().enumerate().any(|(i, one)| list[..i].contains(one)) {
            out.push(wrong(path, &list.to_vec().into(), "shouldn't contain duplicates"));
        }
    }
    if let (Some(element), Type::Array) = (schema.element(), schema.ty) {
        for (i, value) in list.iter().enumerate() {
            check(value, element, &path.index(i), out);
        }
    }
}

fn check_text(text: &str, schema: &Schema, path: &FieldPath, out: &mut FieldErrors) {
    let value = || Document::from(text);
    if let Some(name) = schema.format.as_deref()
        && !format::fits(name, text)
    {
        out.push(wrong(path, &value(), &format!("must be of type {name}: {text:?}")));
    }
    let Some(rules) = &schema.rules else { return };
    let length = text.chars().count() as u64;
    if let Some(max) = rules.max_length.filter(|max| length > *max) {
        out.push(FieldError::too_long(path, max as usize));
    }
    if let Some(min) = rules.min_length.filter(|min| length < *min) {
        out.push(wrong(path, &value(), &format!("should be at least {min} chars long")));
    }
    if let Some(pattern) = &rules.pattern
        && rules.matches_pattern(text) == Some(false)
    {
        out.push(wrong(path, &value(), &format!("should match '{pattern}'")));
    }
}

fn check_number(doc: &Document, schema: &Schema, path: &FieldPath, out: &mut FieldErrors) {
    let (Some(rules), Some(value)) = (&schema.rules, doc.as_f64()) else { return };
    let shown = |bound: f64| Document::from(bound).to_string();
    if let Some(factor) = rules.multiple_of.filter(|factor| *factor > 0.0 && (value / factor).fract() != 0.0)
    {
        out.push(wrong(path, doc, &format!("should be a multiple of {}", shown(factor))));
    }
    if let Some(max) = rules.maximum {
        if rules.exclusive_maximum && value >= max {
            out.push(wrong(path, doc, &format!("should be less than {}", shown(max))));
        } else if value > max {
            out.push(wrong(path, doc, &format!("should be less than or equal to {}", shown(max))));
        }
    }
    if let Some(min) = rules.minimum {
        if rules.exclusive_minimum && value <= min {
            out.push(wrong(path, doc, &format!("should be greater than {}", shown(min))));
        } else if value < min {
            out.push(wrong(path, doc, &format!("should be greater than or equal to {}", shown(min))));
        }
    }
}

fn check_enumeration(doc: &Document, rules: &Rules, path: &FieldPath, out: &mut FieldErrors) {
    let equal = |one: &Document| one == doc || (one.as_f64().is_some() && one.as_f64() == doc.as_f64());
    if rules.enumeration.is_empty() || rules.enumeration.iter().any(equal) {
        return;
    }
    let texts: Vec<String> = rules
        .enumeration
        .iter()
        .map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    out.push(FieldError::not_supported(path, doc, &texts));
}

fn check_composites(doc: &Document, rules: &Rules, path: &FieldPath, out: &mut FieldErrors) {
    let problems = |schema: &Schema| {
        let mut inner = FieldErrors::new();
        check(doc, schema, path, &mut inner);
        inner
    };
    if !rules.any_of.is_empty() {
        let results: Vec<FieldErrors> = rules.any_of.iter().map(|schema| problems(schema.get())).collect();
        if results.iter().all(|errors| !errors.is_empty()) {
            composite(path, "validate at least one schema (anyOf)", out);
            // the closest alternative explains best
            out.extend(results.into_iter().min_by_key(Vec::len).unwrap_or_default());
        }
    }
    if !rules.one_of.is_empty() {
        let results: Vec<FieldErrors> = rules.one_of.iter().map(|schema| problems(schema.get())).collect();
        match results.iter().filter(|errors| errors.is_empty()).count() {
            1 => {}
            0 => {
                composite(path, "validate one and only one schema (oneOf). Found none valid", out);
                out.extend(results.into_iter().min_by_key(Vec::len).unwrap_or_default());
            }
            count => composite(
                path,
                &format!("validate one and only one schema (oneOf). Found {count} valid alternatives"),
                out,
            ),
        }
    }
    if !rules.all_of.is_empty() {
        let mut failed = FieldErrors::new();
        for schema in &rules.all_of {
            failed.extend(problems(schema.get()));
        }
        if !failed.is_empty() {
            composite(path, "validate all the schemas (allOf)", out);
            out.extend(failed);
        }
    }
    if let Some(not) = &rules.not
        && problems(not.get()).is_empty()
    {
        composite(path, "not validate the schema (not)", out);
    }
}

/// Upstream reports these at the root, with an empty value.
fn composite(path: &FieldPath, why: &str, out: &mut FieldErrors) {
    out.push(FieldError::invalid(&FieldPath::root(), "", format!("{:?} must {why}", path.as_str())));
}

/// Embedded objects need an apiVersion and a kind.
fn embedded(doc: &Document, schema: &Schema, path: &FieldPath, root: bool, out: &mut FieldErrors) {
    if let Some(map) = doc.as_object() {
        if schema.embedded && !root {
            for key in ["apiVersion", "kind"] {
                match map.get(key) {
                    None => out.push(FieldError::required(&path.child(key), "")),
                    Some(value) if value.as_str().is_none() => {
                        out.push(FieldError::invalid(&path.child(key), value, "must be a string"));
                    }
                    Some(value) if value.is_empty() => {
                        out.push(FieldError::invalid(&path.child(key), value, "must not be empty"));
                    }
                    Some(_) => {}
                }
            }
        }
        for (key, value) in map.iter() {
            if let Some(inner) = schema.value_of(key) {
                embedded(value, inner, &path.child(key), false, out);
            }
        }
    } else if let (Some(list), Some(element)) = (doc.as_array(), schema.element()) {
        for (i, value) in list.iter().enumerate() {
            embedded(value, element, &path.index(i), false, out);
        }
    }
}
