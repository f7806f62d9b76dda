//! What Go writes even when empty, and what it leaves out.

use crate::schema::{Field, Schema, Type};
use crate::{Document, Map};

/// Drops empty values that Go omits and adds those that it always writes, all the way down. Idempotent.
pub fn complete(doc: &mut Document, schema: &Schema) {
    match schema.ty {
        Type::Object if !schema.fields.is_empty() => {
            let Some(map) = doc.as_object_mut() else { return };
            for (key, value) in map.iter_mut() {
                if let Some(field) = schema.field(key) {
                    complete(value, field.schema.get());
                }
            }
            map.retain(|key, value| match schema.field(key) {
                Some(field) => !(absent_in_go(field, value) || value.is_null() && field.pointer),
                None => true,
            });
            complete_fields(map, schema);
        }
        Type::Object => {
            if let (Some(map), Some(element)) = (doc.as_object_mut(), schema.element()) {
                map.values_mut().for_each(|value| complete(value, element));
            }
        }
        Type::Array => {
            if let (Some(list), Some(element)) = (doc.as_array_mut(), schema.element()) {
                list.iter_mut().for_each(|value| complete(value, element));
            }
        }
        _ => {}
    }
}

/// The object that Go holds before anything is set: what is always written, empty.
pub fn zero(schema: &Schema) -> Document {
    let mut map = Map::new();
    complete_fields(&mut map, schema);
    map.into()
}

/// What an always written field holds when it is not set.
pub fn zero_field(schema: &Schema) -> Document {
    match schema.ty {
        Type::Object if !schema.fields.is_empty() => zero(schema),
        Type::String if schema.format.is_none() => "".into(),
        Type::Integer | Type::Number => 0.into(),
        Type::Boolean => false.into(),
        Type::Any if schema.format.as_deref() == Some("quantity") => "0".into(),
        _ => Document::NULL,
    }
}

/// Whether Go omits this value of the field.
pub(super) fn absent_in_go(field: &Field, value: &Document) -> bool {
    if field.always {
        return false;
    }
    // a pointer that is set is written, whatever it points to
    !field.pointer && value.is_empty()
}

pub(super) fn complete_fields(map: &mut Map, schema: &Schema) {
    for field in schema.fields.iter().filter(|field| field.always) {
        let inner = field.schema.get();
        // a pointer without omitempty is null, which says no more than absence
        if field.pointer || map.contains_key(&field.name) {
            continue;
        }
        let value = zero_field(inner);
        // of lists, maps and times, null says no more than absence to any client
        if !value.is_null() {
            map.insert(field.name.as_ref(), value);
        }
    }
}
