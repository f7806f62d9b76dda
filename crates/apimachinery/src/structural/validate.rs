//! Validation of a custom resource against its schema, in the words and the order of upstream's OpenAPI validator.

use super::verdict::Verdict;
use super::{embedded, format, lists, numbers, types};
use crate::schema::{Rules, Schema, Type};
use crate::{Document, FieldError, FieldErrors, FieldPath, Map, Node};

/// What is wrong with the object; rules in CEL are checked elsewhere.
pub fn validate(doc: &Document, schema: &Schema) -> FieldErrors {
    let mut out = value_errors(doc, schema);
    embedded::check(doc, schema, &FieldPath::root(), true, &mut out);
    lists::check(doc, schema, &FieldPath::root(), &mut out);
    out
}

/// What is wrong with a value by the rules of its schema alone.
pub(super) fn value_errors(doc: &Document, schema: &Schema) -> FieldErrors {
    check(doc, schema, &FieldPath::root()).errors
}

fn check(doc: &Document, schema: &Schema, path: &FieldPath) -> Verdict {
    let mut out = Verdict::default();
    if types::applies(schema) {
        match types::error(doc, schema, path) {
            Some(error) => out.add(error),
            None => out.count(),
        }
        out.count();
    }
    if doc.is_null() {
        return out;
    }
    if let Some(rules) = &schema.rules {
        out.merge(composites(doc, rules, path));
    }
    match doc.node() {
        Node::Array(list) => out.merge(check_list(list, schema, path)),
        Node::String(text) => out.add_all(check_text(text, schema, path)),
        Node::Int(_) | Node::Float(_) => {
            out.add_all(schema.rules.iter().flat_map(|rules| numbers::errors(doc, rules, path)));
        }
        Node::Null | Node::Bool(_) | Node::Object(_) => {}
    }
    out.add_all(schema.rules.iter().filter_map(|rules| enumeration(doc, rules, path)));
    if let Some(map) = doc.as_object() {
        out.merge(check_map(map, schema, path));
    }
    out.count();
    out
}

/// `spec.replicas in body should be less than or equal to 3`.
pub(super) fn wrong(path: &FieldPath, value: impl Into<Document>, why: &str) -> FieldError {
    FieldError::invalid(path, value, format!("{} in body {why}", path.as_str()))
}

fn check_map(map: &Map, schema: &Schema, path: &FieldPath) -> Verdict {
    let mut out = Verdict::default();
    if let Some(error) = schema.rules.as_ref().and_then(|rules| map_size(map, rules, path)) {
        out.add(error);
        return out;
    }
    let (named, free): (Vec<_>, Vec<_>) = map.iter().partition(|(key, _)| schema.field(key).is_some());
    for (key, value) in free.into_iter().chain(named) {
        if let Some(inner) = schema.value_of(key) {
            out.merge(check(value, inner, &path.child(key)));
        }
    }
    for name in schema.required.iter().filter(|name| !map.contains_key(name)) {
        out.add(FieldError::required(&path.child(name), ""));
    }
    out
}

fn map_size(map: &Map, rules: &Rules, path: &FieldPath) -> Option<FieldError> {
    let count = map.len() as u64;
    if let Some(min) = rules.min_properties.filter(|min| count < *min) {
        return Some(wrong(path, map.len(), &format!("should have at least {min} properties")));
    }
    let max = rules.max_properties.filter(|max| count > *max)?;
    Some(FieldError::too_many(path, map.len(), max as usize))
}

fn check_list(list: &[Document], schema: &Schema, path: &FieldPath) -> Verdict {
    let mut out = Verdict::default();
    if let (Some(element), Type::Array | Type::Any) = (schema.element(), schema.ty) {
        for (i, value) in list.iter().enumerate() {
            out.merge(check(value, element, &path.index(i)));
        }
    }
    let Some(rules) = &schema.rules else { return out };
    let count = list.len() as u64;
    if let Some(min) = rules.min_items.filter(|min| count < *min) {
        out.add(wrong(path, list.len(), &format!("should have at least {min} items")));
    }
    if let Some(max) = rules.max_items.filter(|max| count > *max) {
        out.add(FieldError::too_many(path, list.len(), max as usize));
    }
    if rules.unique_items && list.iter().enumerate().any(|(i, one)| list[..i].contains(one)) {
        out.add(wrong(path, "", "shouldn't contain duplicates"));
    }
    out
}

/// The length or the pattern, and the format.
fn check_text(text: &str, schema: &Schema, path: &FieldPath) -> Vec<FieldError> {
    let mut out: Vec<FieldError> =
        schema.rules.as_ref().and_then(|rules| text_rule(text, rules, path)).into_iter().collect();
    if let Some(name) = schema.format.as_deref().filter(|name| format::is_checked(name))
        && !format::fits(name, text)
    {
        let why = format!("{} in body must be of type {name}: {text:?}", path.as_str());
        out.push(FieldError::type_invalid(path, text, why));
    }
    out
}

/// The first rule that the text breaks.
fn text_rule(text: &str, rules: &Rules, path: &FieldPath) -> Option<FieldError> {
    let length = text.chars().count() as u64;
    if let Some(max) = rules.max_length.filter(|max| length > *max) {
        return Some(FieldError::too_long(path, max as usize));
    }
    if let Some(min) = rules.min_length.filter(|min| length < *min) {
        return Some(wrong(path, text, &format!("should be at least {min} chars long")));
    }
    let pattern = rules.pattern.as_deref()?;
    (rules.matches_pattern(text) == Some(false))
        .then(|| wrong(path, text, &format!("should match '{pattern}'")))
}

fn enumeration(doc: &Document, rules: &Rules, path: &FieldPath) -> Option<FieldError> {
    let equal = |one: &Document| one == doc || (one.as_f64().is_some() && one.as_f64() == doc.as_f64());
    if rules.enumeration.is_empty() || rules.enumeration.iter().any(equal) {
        return None;
    }
    let text = |one: &Document| one.as_str().map_or_else(|| one.to_string(), str::to_owned);
    let texts: Vec<String> = rules.enumeration.iter().map(text).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    Some(FieldError::not_supported(path, doc, &texts))
}

/// Alternatives; of those that all fail the one that fits best explains.
fn composites(doc: &Document, rules: &Rules, path: &FieldPath) -> Verdict {
    let mut out = Verdict::default();
    let judge = |schema: &Schema| check(doc, schema, path);
    if !rules.any_of.is_empty() {
        let mut verdicts = Vec::new();
        for schema in &rules.any_of {
            verdicts.push(judge(schema.get()));
            if verdicts.last().is_some_and(Verdict::is_valid) {
                break;
            }
        }
        if !verdicts.iter().any(Verdict::is_valid) {
            out.add(composite(path, "must validate at least one schema (anyOf)"));
        }
        out.merge_all(Verdict::best(verdicts));
    }
    if !rules.one_of.is_empty() {
        let verdicts: Vec<Verdict> = rules.one_of.iter().map(|schema| judge(schema.get())).collect();
        let valid = verdicts.iter().filter(|verdict| verdict.is_valid()).count();
        let why = match valid {
            0 => "Found none valid".to_owned(),
            _ => format!("Found {valid} valid alternatives"),
        };
        if valid != 1 {
            let why = format!("must validate one and only one schema (oneOf). {why}");
            out.add(composite(path, &why));
        }
        if valid <= 1 {
            out.merge_all(Verdict::best(verdicts));
        }
    }
    let all: Vec<Verdict> = rules.all_of.iter().map(|schema| judge(schema.get())).collect();
    let valid = all.iter().filter(|verdict| verdict.is_valid()).count();
    let total = all.len();
    out.merge_all(all);
    if valid != total {
        let none = if valid == 0 { ". None validated" } else { "" };
        out.add(composite(path, &format!("must validate all the schemas (allOf){none}")));
    }
    if rules.not.as_ref().is_some_and(|not| judge(not.get()).is_valid()) {
        out.add(composite(path, "must not validate the schema (not)"));
    }
    out
}

/// Upstream reports these at the root, with an empty value.
fn composite(path: &FieldPath, why: &str) -> FieldError {
    FieldError::invalid(&FieldPath::root(), "", format!("{:?} {why}", path.as_str()))
}
