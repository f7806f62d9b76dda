//! The schema that an `openAPIV3Schema` describes.

use crate::schema::{Field, ListType, MapType, Rules, Schema, SchemaRef, Text, Type};
use crate::{Document, Map};

/// Builds the schema of a custom resource. The object's apiVersion, kind and metadata are always known; `metadata` is the
/// schema of object metadata. What is wrong with the description is told by [`errors`](super::errors), not here.
pub fn build(description: &Document, metadata: &SchemaRef) -> Schema {
    let mut schema = schema_of(description, metadata);
    add_object_fields(&mut schema, metadata);
    schema
}

/// Builds the schema of a part of a custom resource.
pub(super) fn schema_of(from: &Document, metadata: &SchemaRef) -> Schema {
    let child = |doc: &Document| -> SchemaRef { schema_of(doc, metadata).into() };
    let flag = |key: &str| from.bool_at(&[key]) == Some(true);
    let int_or_string = flag("x-kubernetes-int-or-string");
    let mut fields: Vec<Field> = from
        .object_at(&["properties"])
        .into_iter()
        .flat_map(Map::iter)
        .map(|(name, property)| Field::new(name.to_owned(), child(property)))
        .collect();
    fields.sort_by(|a, b| a.name.cmp(&b.name));
    let ty = if int_or_string { Type::Any } else { type_of(from.str_at(&["type"])) };
    let elements = from.get("items").filter(|items| items.as_object().is_some());
    let items = match ty {
        // Logic speaks of elements without giving a type.
        Type::Array => elements.map(child),
        Type::Any if elements.is_some() => elements.map(child),
        _ => from.get("additionalProperties").and_then(|values| match values.as_bool() {
            Some(true) => Some(Schema { preserve_unknown: true, ..Schema::default() }.into()),
            Some(false) => None,
            None => values.as_object().map(|_| child(values)),
        }),
    };
    let mut out = Schema {
        ty,
        format: text_at(from, "format").or(int_or_string.then_some(Text::Borrowed("int-or-string"))),
        fields,
        items,
        required: texts_at(from, "required"),
        list: list_type(from),
        map: if from.str_at(&["x-kubernetes-map-type"]) == "atomic" {
            MapType::Atomic
        } else {
            MapType::Granular
        },
        int_or_string,
        preserve_unknown: flag("x-kubernetes-preserve-unknown-fields"),
        embedded: flag("x-kubernetes-embedded-resource"),
        nullable: flag("nullable"),
        default: from.get("default").filter(|value| !value.is_null()).cloned(),
        description: from.str_at(&["description"]).to_owned().into(),
        rules: rules_of(from, metadata),
        ..Schema::default()
    };
    if out.embedded {
        add_object_fields(&mut out, metadata);
    }
    out
}

/// apiVersion, kind and metadata, of which a description may only restrict the metadata's name.
fn add_object_fields(schema: &mut Schema, metadata: &SchemaRef) {
    let text = || Schema { ty: Type::String, ..Schema::default() };
    let fields: [(&str, SchemaRef); 3] =
        [("apiVersion", text().into()), ("kind", text().into()), ("metadata", metadata.clone())];
    for (name, known) in fields {
        let place = schema.fields.binary_search_by(|field| field.name.as_ref().cmp(name));
        match place {
            Ok(i) if name == "metadata" => {
                let restricted = schema.fields[i].schema.get().clone();
                schema.fields[i].schema = restrict(known.get(), &restricted).into();
            }
            Ok(_) => {}
            Err(i) => schema.fields.insert(i, Field::new(name, known)),
        }
    }
}

/// Object metadata with the rules that a description has for its fields.
fn restrict(known: &Schema, by: &Schema) -> Schema {
    let mut out = known.clone();
    out.required.clone_from(&by.required);
    for field in &mut out.fields {
        if let Some(rule) = by.field(&field.name) {
            field.schema = rule.schema.clone();
        }
    }
    out
}

fn type_of(text: &str) -> Type {
    match text {
        "object" => Type::Object,
        "array" => Type::Array,
        "string" => Type::String,
        "integer" => Type::Integer,
        "number" => Type::Number,
        "boolean" => Type::Boolean,
        _ => Type::Any,
    }
}

fn list_type(from: &Document) -> ListType {
    match from.str_at(&["x-kubernetes-list-type"]) {
        "set" => ListType::Set,
        "map" => ListType::Map(texts_at(from, "x-kubernetes-list-map-keys")),
        _ => ListType::Atomic,
    }
}

fn rules_of(from: &Document, metadata: &SchemaRef) -> Option<Box<Rules>> {
    const KEYS: [&str; 17] = [
        "minimum",
        "maximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "pattern",
        "minItems",
        "maxItems",
        "uniqueItems",
        "minProperties",
        "maxProperties",
        "enum",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "x-kubernetes-validations",
    ];
    if !KEYS.iter().any(|key| from.get(key).is_some_and(|value| !value.is_null())) {
        return None;
    }
    let number = |key: &str| from.get(key).and_then(Document::as_f64);
    let count = |key: &str| from.i64_at(&[key]).and_then(|value| u64::try_from(value).ok());
    let flag = |key: &str| from.bool_at(&[key]) == Some(true);
    let children = |key: &str| -> Vec<SchemaRef> {
        from.array_at(&[key]).iter().map(|doc| schema_of(doc, metadata).into()).collect()
    };
    Some(Box::new(Rules {
        minimum: number("minimum"),
        maximum: number("maximum"),
        exclusive_minimum: flag("exclusiveMinimum"),
        exclusive_maximum: flag("exclusiveMaximum"),
        multiple_of: number("multipleOf"),
        min_length: count("minLength"),
        max_length: count("maxLength"),
        pattern: text_at(from, "pattern"),
        min_items: count("minItems"),
        max_items: count("maxItems"),
        unique_items: flag("uniqueItems"),
        min_properties: count("minProperties"),
        max_properties: count("maxProperties"),
        enumeration: from.array_at(&["enum"]).to_vec(),
        all_of: children("allOf"),
        any_of: children("anyOf"),
        one_of: children("oneOf"),
        not: from
            .get("not")
            .filter(|not| not.as_object().is_some())
            .map(|not| schema_of(not, metadata).into()),
        validations: from.array_at(&["x-kubernetes-validations"]).to_vec(),
        compiled_pattern: std::sync::OnceLock::new(),
    }))
}

fn text_at(from: &Document, key: &str) -> Option<Text> {
    let text = from.str_at(&[key]);
    (!text.is_empty()).then(|| text.to_owned().into())
}

fn texts_at(from: &Document, key: &str) -> Vec<Text> {
    from.array_at(&[key]).iter().filter_map(Document::as_str).map(|text| text.to_owned().into()).collect()
}
