//! Filling in the defaults that a schema declares.

use crate::schema::{Schema, Type};
use crate::{Document, Node};

/// Fills in defaults, also inside of values that defaults brought. A null counts as absent where null is no value.
pub fn default(doc: &mut Document, schema: &Schema) {
    if let Some(map) = doc.as_object_mut() {
        for field in &schema.fields {
            let inner = field.schema.get();
            let Some(value) = &inner.default else { continue };
            let absent = map.get(&field.name).is_none_or(|current| current.is_null() && !inner.nullable);
            if absent {
                map.insert(field.name.as_ref(), value);
            }
        }
        for (key, value) in map.iter_mut() {
            let Some(inner) = schema.value_of(key) else { continue };
            if value.is_null()
                && !inner.nullable
                && let Some(default) = &inner.default
            {
                *value = default.clone();
            }
            default_inside(value, inner);
        }
    } else if let (Some(list), Some(element), Type::Array) = (doc.as_array_mut(), schema.element(), schema.ty)
    {
        for value in list {
            if value.is_null()
                && !element.nullable
                && let Some(default) = &element.default
            {
                *value = default.clone();
            }
            default_inside(value, element);
        }
    }
}

fn default_inside(doc: &mut Document, schema: &Schema) {
    if matches!(doc.node(), Node::Object(_) | Node::Array(_)) {
        default(doc, schema);
    }
}

/// Drops nulls of fields for which null is no value, so that they are absent instead of invalid.
pub fn drop_nulls(doc: &mut Document, schema: &Schema) {
    if let Some(map) = doc.as_object_mut() {
        map.retain(|key, value| {
            let Some(inner) = schema.field(key).map(|field| field.schema.get()) else { return true };
            !(value.is_null() && !inner.nullable && inner.default.is_none() && inner.ty != Type::Any)
        });
        for (key, value) in map.iter_mut() {
            if let Some(inner) = schema.value_of(key) {
                drop_nulls(value, inner);
            }
        }
    } else if let (Some(list), Some(element), Type::Array) = (doc.as_array_mut(), schema.element(), schema.ty)
    {
        list.iter_mut().for_each(|value| drop_nulls(value, element));
    }
}
