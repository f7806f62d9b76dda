//! How a value takes part in ownership: as a whole, by keys, or element by element.

use crate::fieldset::PathElement;
use crate::schema::{ListType, MapType, Schema, Type};
use crate::{Document, Map, Node};

/// How a value is owned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// As a whole: scalars, atomic lists and maps.
    Leaf,
    /// Each element by itself.
    List,
    /// Each field or key by itself.
    Map,
}

/// The shape of a field that holds these values. Where the schema says nothing, maps are owned by keys and lists as a
/// whole.
pub(super) fn shape(schema: Option<&Schema>, lhs: Option<&Document>, rhs: Option<&Document>) -> Shape {
    let ty = schema.map_or(Type::Any, |schema| schema.ty);
    let fits =
        |value: Option<&Document>, kind: fn(&Document) -> bool| value.is_none_or(|v| v.is_null() || kind(v));
    let both = |kind: fn(&Document) -> bool| fits(lhs, kind) && fits(rhs, kind);
    let is_map = |value: &Document| value.as_object().is_some();
    let is_list = |value: &Document| value.as_array().is_some();
    match ty {
        Type::Object => {
            let atomic = schema.is_some_and(|schema| schema.map == MapType::Atomic);
            if atomic || !both(is_map) { Shape::Leaf } else { Shape::Map }
        }
        Type::Array => {
            let atomic = schema.is_some_and(|schema| schema.list == ListType::Atomic);
            if atomic || !both(is_list) { Shape::Leaf } else { Shape::List }
        }
        Type::Any => {
            let some_map = lhs.is_some_and(is_map) || rhs.is_some_and(is_map);
            let deduced =
                schema.is_none_or(|schema| schema.preserve_unknown && schema.map == MapType::Granular);
            if deduced && some_map && both(is_map) { Shape::Map } else { Shape::Leaf }
        }
        Type::String | Type::Integer | Type::Number | Type::Boolean => Shape::Leaf,
    }
}

/// The list of a value; null and absence are the empty list.
pub(super) fn list(value: Option<&Document>) -> &[Document] {
    value.and_then(Document::as_array).unwrap_or(&[])
}

/// The map of a value, if it is one.
pub(super) fn map(value: Option<&Document>) -> Option<&Map> {
    value.and_then(Document::as_object)
}

/// Whether the value is absent, null or an empty list or map.
pub(super) fn is_void(value: Option<&Document>) -> bool {
    match value.map(Document::node) {
        None | Some(Node::Null) => true,
        Some(Node::Array(list)) => list.is_empty(),
        Some(Node::Object(map)) => map.is_empty(),
        Some(_) => false,
    }
}

/// How an element of this list is told apart.
///
/// # Errors
/// Why it cannot be.
pub(super) fn element_of(schema: Option<&Schema>, element: &Document) -> Result<PathElement, String> {
    match schema.map(|schema| &schema.list) {
        Some(ListType::Map(keys)) => {
            let Some(map) = element.as_object() else {
                return Err(if element.is_null() {
                    "associative list with keys may not have a null element".to_owned()
                } else {
                    "associative list with keys may not have non-map elements".to_owned()
                });
            };
            let inner = schema.and_then(Schema::element);
            let mut out: Vec<(Box<str>, Document)> = Vec::with_capacity(keys.len());
            for key in keys {
                let default = || inner?.field(key)?.schema.get().default.clone();
                let value = map.get(key).filter(|value| !value.is_null()).cloned().or_else(default).ok_or_else(|| {
                    format!(
                        "associative list with keys has an element that omits key field {key:?} (and doesn't have default value)"
                    )
                })?;
                out.push((key.as_ref().into(), value));
            }
            out.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            Ok(PathElement::Key(out))
        }
        _ => match element.node() {
            Node::Array(_) => {
                Err("associative list without keys has an element that's a list type".to_owned())
            }
            Node::Object(_) => {
                Err("associative list without keys has an element that's a map type".to_owned())
            }
            _ => Ok(PathElement::Value(element.clone())),
        },
    }
}
