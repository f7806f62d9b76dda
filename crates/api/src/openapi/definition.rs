//! Definitions: built-in types from the generated table, custom resources from their schemas.

use super::Dialect;
use super::descriptions::Descriptions;
use crate::schemas::{self, Definition, FieldLine};
use skiff_apimachinery::schema::{ListType, MapType, Schema, SchemaRef, Type};
use skiff_apimachinery::{Document, GroupVersionKind, doc};

const API_VERSION: &str = "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources";
const KIND: &str = "Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds";
const METADATA: &str = "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";
const LIST_METADATA: &str = "Standard list metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds";

/// A built-in type.
pub(super) fn builtin(definition: &Definition, dialect: Dialect, texts: &Descriptions) -> Document {
    let name = definition.name();
    let mut out = described(texts.definition(&name));
    let mut head = definition.head.split(' ');
    merge(&mut out, type_of(head.next().unwrap_or("a"), dialect));
    if name == schemas::QUANTITY && dialect == Dialect::V3 {
        out.remove(&["type"]);
        out.insert("oneOf", doc!([{"type": "string"}, {"type": "number"}]));
    }
    let (mut properties, mut required) = (Document::object(), Vec::new());
    for field in definition.fields() {
        let text = match texts.field(&name, field.name) {
            "" => type_meta(field.name),
            text => text,
        };
        properties.insert(field.name, property(&field, text, dialect));
        if field.has("*") {
            required.push(field.name);
        }
    }
    if !properties.is_empty() {
        out.insert("properties", properties);
    }
    if !required.is_empty() {
        out.insert("required", required);
    }
    let kinds: Vec<Document> = definition
        .kinds()
        .map(|(group, version, kind)| doc!({"group": group, "kind": kind, "version": version}))
        .collect();
    if !kinds.is_empty() {
        out.insert("x-kubernetes-group-version-kind", kinds);
    }
    for token in head {
        if let Some(map_type) = token.strip_prefix("mt:") {
            out.insert("x-kubernetes-map-type", map_type);
        } else if let Some(union) = token.strip_prefix("union:") {
            out.ensure(&["x-kubernetes-unions"]).push(union_of(union));
        }
    }
    out
}

/// What the fields that every kind has are; their texts are not among those of the kinds.
fn type_meta(field: &str) -> &'static str {
    match field {
        "apiVersion" => API_VERSION,
        "kind" => KIND,
        _ => "",
    }
}

/// `DISCRIMINATOR:FIELD=VALUE,..`.
fn union_of(text: &str) -> Document {
    let (discriminator, fields) = text.split_once(':').unwrap_or((text, ""));
    let fields: Document = fields.split(',').filter_map(|pair| pair.split_once('=')).collect();
    doc!({"discriminator": discriminator, "fields-to-discriminateBy": fields})
}

fn property(field: &FieldLine, text: &str, dialect: Dialect) -> Document {
    let mut out = described(text);
    let ty = type_of(field.ty, dialect);
    if dialect == Dialect::V3 && field.ty.starts_with('$') {
        // a reference has no siblings in OpenAPI 3.0
        out.insert("allOf", vec![ty]);
    } else {
        merge(&mut out, ty);
    }
    if let Some(list) = field.value("lt:") {
        match list.strip_prefix("map:") {
            Some(keys) => {
                out.insert("x-kubernetes-list-map-keys", keys.split(',').collect::<Vec<_>>());
                out.insert("x-kubernetes-list-type", "map");
            }
            None => out.insert("x-kubernetes-list-type", list),
        }
    }
    for (mark, key) in [
        ("mt:", "x-kubernetes-map-type"),
        ("mk:", "x-kubernetes-patch-merge-key"),
        ("ps:", "x-kubernetes-patch-strategy"),
    ] {
        if let Some(value) = field.value(mark) {
            out.insert(key, value);
        }
    }
    if dialect == Dialect::V3 {
        // upstream prunes both from its OpenAPI 2.0 document
        if let Some(values) = field.value("en:") {
            let values: Vec<&str> = values.split(',').collect();
            let place = if field.ty.starts_with('[') { out.ensure(&["items"]) } else { &mut out };
            place.insert("enum", values);
        }
        let default =
            field.value("df:").and_then(|text| skiff_apimachinery::json::decode(text.as_bytes()).ok());
        if let Some(default) = default {
            out.insert("default", default);
        }
    }
    out
}

fn type_of(ty: &str, dialect: Dialect) -> Document {
    if let Some(target) = ty.strip_prefix('$') {
        return dialect.reference(&schemas::full(target));
    }
    if let Some(element) = ty.strip_prefix('[') {
        return doc!({"items": element_of(element, dialect), "type": "array"});
    }
    if let Some(value) = ty.strip_prefix('{') {
        return doc!({"additionalProperties": element_of(value, dialect), "type": "object"});
    }
    match ty {
        "s" => doc!({"type": "string"}),
        "y" => doc!({"format": "byte", "type": "string"}),
        "t" => doc!({"format": "date-time", "type": "string"}),
        "i4" => doc!({"format": "int32", "type": "integer"}),
        "i8" => doc!({"format": "int64", "type": "integer"}),
        "i" => doc!({"type": "integer"}),
        "n" => doc!({"format": "double", "type": "number"}),
        "b" => doc!({"type": "boolean"}),
        "o" => doc!({"type": "object"}),
        "q" if dialect == Dialect::V3 => {
            doc!({"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]})
        }
        "q" => doc!({"format": "int-or-string", "type": "string"}),
        _ => Document::object(),
    }
}

fn element_of(ty: &str, dialect: Dialect) -> Document {
    let element = type_of(ty, dialect);
    if dialect == Dialect::V3 && ty.starts_with('$') { doc!({"allOf": [element]}) } else { element }
}

/// The definition's name of a custom kind: its group's labels reversed.
pub(super) fn custom_name(kind: &GroupVersionKind) -> String {
    let group: Vec<&str> = kind.group.split('.').rev().collect();
    format!("{}.{}.{}", group.join("."), kind.version, kind.kind)
}

/// A custom resource. Of one that takes anything OpenAPI 2.0 tells no fields: clients would take those for all there are.
pub(super) fn custom(kind: &GroupVersionKind, schema: Option<&Schema>, dialect: Dialect) -> Document {
    let mut out = match schema {
        Some(schema) if dialect == Dialect::V3 || !schema.preserve_unknown => {
            with_metadata(from_schema(schema, dialect), dialect)
        }
        _ => doc!({"type": "object"}),
    };
    tag(&mut out, kind);
    out
}

/// Adds the fields that every kind has.
fn with_metadata(mut out: Document, dialect: Dialect) -> Document {
    for field in ["apiVersion", "kind"] {
        out.set(&["properties", field], doc!({"description": (type_meta(field)), "type": "string"}));
    }
    let target = dialect.reference("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
    let mut metadata = described(METADATA);
    merge(&mut metadata, if dialect == Dialect::V3 { doc!({"allOf": [target]}) } else { target });
    out.set(&["properties", "metadata"], metadata);
    out
}

/// The list of a custom resource.
pub(super) fn custom_list(
    kind: &GroupVersionKind,
    list_kind: &str,
    plural: &str,
    dialect: Dialect,
) -> Document {
    let items = format!(
        "List of {plural}. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md"
    );
    let mut metadata = described(LIST_METADATA);
    merge(&mut metadata, dialect.reference("io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"));
    let list = GroupVersionKind::new(kind.group.clone(), kind.version.clone(), list_kind.to_owned());
    let mut out = doc!({
        "description": format!("{list_kind} is a list of {}", kind.kind),
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"description": API_VERSION, "type": "string"},
            "items": {"description": items, "type": "array", "items": (dialect.reference(&custom_name(kind)))},
            "kind": {"description": KIND, "type": "string"},
            "metadata": metadata
        }
    });
    tag(&mut out, &list);
    out
}

fn tag(out: &mut Document, kind: &GroupVersionKind) {
    out.insert(
        "x-kubernetes-group-version-kind",
        doc!([{"group": kind.group.as_ref(), "kind": kind.kind.as_ref(), "version": kind.version.as_ref()}]),
    );
}

/// A schema as OpenAPI writes it. OpenAPI 2.0 has no null, no alternatives and no negation: fields that need them say less.
pub(super) fn from_schema(schema: &Schema, dialect: Dialect) -> Document {
    let mut out = described(&schema.description);
    if schema.int_or_string {
        out.insert("x-kubernetes-int-or-string", true);
        if dialect == Dialect::V3 {
            out.insert("anyOf", doc!([{"type": "integer"}, {"type": "string"}]));
        }
    } else if let Some(ty) = type_name(schema.ty) {
        let anything = schema.preserve_unknown && dialect == Dialect::V2;
        if !(anything && schema.ty != Type::Object) {
            out.insert("type", ty);
        }
    }
    if let Some(format) = &schema.format {
        out.insert("format", format.as_ref());
    }
    let hidden = dialect == Dialect::V2 && schema.preserve_unknown;
    if !schema.fields.is_empty() && !hidden {
        let properties: Document = schema
            .fields
            .iter()
            .map(|field| (field.name.as_ref(), from_schema(field.schema.get(), dialect)))
            .collect();
        out.insert("properties", properties);
    }
    if let Some(items) = &schema.items {
        let key = if schema.ty == Type::Array { "items" } else { "additionalProperties" };
        out.insert(key, from_schema(items.get(), dialect));
    }
    if !schema.required.is_empty() {
        out.insert("required", schema.required.iter().map(AsRef::as_ref).collect::<Vec<&str>>());
    }
    if let Some(default) = &schema.default
        && dialect == Dialect::V3
    {
        out.insert("default", default);
    }
    if schema.nullable && dialect == Dialect::V3 {
        out.insert("nullable", true);
    }
    extensions(&mut out, schema);
    rules(&mut out, schema, dialect);
    out
}

fn extensions(out: &mut Document, schema: &Schema) {
    match &schema.list {
        ListType::Atomic => {}
        ListType::Set => out.insert("x-kubernetes-list-type", "set"),
        ListType::Map(keys) => {
            out.insert("x-kubernetes-list-map-keys", keys.iter().map(AsRef::as_ref).collect::<Vec<&str>>());
            out.insert("x-kubernetes-list-type", "map");
        }
    }
    if schema.map == MapType::Atomic {
        out.insert("x-kubernetes-map-type", "atomic");
    }
    if schema.preserve_unknown {
        out.insert("x-kubernetes-preserve-unknown-fields", true);
    }
    if schema.embedded {
        out.insert("x-kubernetes-embedded-resource", true);
    }
}

fn rules(out: &mut Document, schema: &Schema, dialect: Dialect) {
    let Some(rules) = &schema.rules else { return };
    let number =
        |value: f64| if value.fract() == 0.0 { Document::from(value as i64) } else { Document::from(value) };
    for (key, value) in
        [("minimum", rules.minimum), ("maximum", rules.maximum), ("multipleOf", rules.multiple_of)]
    {
        if let Some(value) = value {
            out.insert(key, number(value));
        }
    }
    for (key, value) in [
        ("minLength", rules.min_length),
        ("maxLength", rules.max_length),
        ("minItems", rules.min_items),
        ("maxItems", rules.max_items),
        ("minProperties", rules.min_properties),
        ("maxProperties", rules.max_properties),
    ] {
        if let Some(value) = value {
            out.insert(key, value);
        }
    }
    for (key, set) in [
        ("exclusiveMinimum", rules.exclusive_minimum),
        ("exclusiveMaximum", rules.exclusive_maximum),
        ("uniqueItems", rules.unique_items),
    ] {
        if set {
            out.insert(key, true);
        }
    }
    if let Some(pattern) = &rules.pattern {
        out.insert("pattern", pattern.as_ref());
    }
    if !rules.enumeration.is_empty() {
        out.insert("enum", rules.enumeration.clone());
    }
    if !rules.validations.is_empty() {
        out.insert("x-kubernetes-validations", rules.validations.clone());
    }
    if dialect == Dialect::V2 {
        return;
    }
    let all = |refs: &[SchemaRef]| -> Vec<Document> {
        refs.iter().map(|s| from_schema(s.get(), dialect)).collect()
    };
    for (key, list) in [("allOf", &rules.all_of), ("anyOf", &rules.any_of), ("oneOf", &rules.one_of)] {
        if !list.is_empty() {
            out.insert(key, all(list));
        }
    }
    if let Some(not) = &rules.not {
        out.insert("not", from_schema(not.get(), dialect));
    }
}

fn type_name(ty: Type) -> Option<&'static str> {
    Some(match ty {
        Type::Any => return None,
        Type::Object => "object",
        Type::Array => "array",
        Type::String => "string",
        Type::Integer => "integer",
        Type::Number => "number",
        Type::Boolean => "boolean",
    })
}

fn described(text: &str) -> Document {
    let mut out = Document::object();
    if !text.is_empty() {
        out.insert("description", text);
    }
    out
}

fn merge(to: &mut Document, from: Document) {
    to.make_object().extend(from.into_object());
}
