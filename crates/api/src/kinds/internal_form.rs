//! Objects under the names that their fields have inside upstream's server.
//!
//! Where upstream shows a struct in a message, it shows its own one: every field, in the order of the struct, under its
//! Go name, with null and zero for what is absent. A form says how one struct looks; kinds keep theirs beside their rules.

use skiff_apimachinery::{Document, Map};

/// A field of a struct.
pub(crate) struct Field {
    /// The name in the API; empty if the struct's fields are those of the object around it.
    name: &'static str,
    /// The name inside.
    shown: &'static str,
    form: Form,
}

/// What a field holds.
enum Form {
    /// A text; empty if absent.
    Text,
    /// An integer; zero if absent.
    Integer,
    /// A boolean; false if absent.
    Boolean,
    /// A value as it is; null if absent.
    Value,
    /// A map by sorted keys; null if absent.
    Map,
    /// A struct that is always there.
    Struct(&'static [Field]),
    /// A struct; null if absent.
    Pointer(&'static [Field]),
    /// A list of structs; null if absent.
    List(&'static [Field]),
    /// The fields of a struct as if they were the outer one's own.
    Embedded(&'static [Field]),
    /// An object of the API as if its fields were the outer one's own.
    Inlined,
}

// === impl Field ===

impl Field {
    const fn new(name: &'static str, shown: &'static str, form: Form) -> Self {
        Self { name, shown, form }
    }

    /// A text that is empty if absent.
    pub(crate) const fn text(name: &'static str, shown: &'static str) -> Self {
        Self::new(name, shown, Form::Text)
    }

    /// An integer that is zero if absent.
    pub(crate) const fn integer(name: &'static str, shown: &'static str) -> Self {
        Self::new(name, shown, Form::Integer)
    }

    /// A boolean that is false if absent.
    pub(crate) const fn boolean(name: &'static str, shown: &'static str) -> Self {
        Self::new(name, shown, Form::Boolean)
    }

    /// A pointer to a value, a list of values, or an object with the API's own names; null if absent.
    pub(crate) const fn value(name: &'static str, shown: &'static str) -> Self {
        Self::new(name, shown, Form::Value)
    }

    /// A map of values; null if absent.
    pub(crate) const fn map(name: &'static str, shown: &'static str) -> Self {
        Self::new(name, shown, Form::Map)
    }

    /// A struct that is always there.
    pub(crate) const fn nested(name: &'static str, shown: &'static str, fields: &'static [Self]) -> Self {
        Self::new(name, shown, Form::Struct(fields))
    }

    /// A pointer to a struct; null if absent.
    pub(crate) const fn pointer(name: &'static str, shown: &'static str, fields: &'static [Self]) -> Self {
        Self::new(name, shown, Form::Pointer(fields))
    }

    /// A list of structs; null if absent.
    pub(crate) const fn list(name: &'static str, shown: &'static str, fields: &'static [Self]) -> Self {
        Self::new(name, shown, Form::List(fields))
    }

    /// The fields of an embedded struct, which the API has beside the outer one's.
    pub(crate) const fn embedded(fields: &'static [Self]) -> Self {
        Self::new("", "", Form::Embedded(fields))
    }

    /// An embedded object that keeps the API's names, such as metadata.
    pub(crate) const fn inlined(name: &'static str) -> Self {
        Self::new(name, "", Form::Inlined)
    }

    fn show(&self, object: &Document, out: &mut Map) {
        let value = &object[self.name];
        let shown: Document = match self.form {
            Form::Text => value.as_str().unwrap_or("").into(),
            Form::Integer => value.as_i64().unwrap_or(0).into(),
            Form::Boolean => value.as_bool().unwrap_or(false).into(),
            Form::Value => value.clone(),
            Form::Map => sorted(value),
            Form::Struct(fields) => structure(value, fields),
            Form::Pointer(fields) => pointer(Some(value), fields),
            Form::List(fields) => value.as_array().map(|list| structures(list, fields)).into(),
            Form::Embedded(fields) => return fields.iter().for_each(|field| field.show(object, out)),
            Form::Inlined => {
                return out.extend(value.as_object().into_iter().flat_map(Map::iter));
            }
        };
        out.insert(self.shown, shown);
    }
}

/// A struct, whether or not the object has any of its fields.
pub(crate) fn structure(object: &Document, fields: &[Field]) -> Document {
    let mut out = Map::new();
    fields.iter().for_each(|field| field.show(object, &mut out));
    out.into()
}

/// A struct behind a pointer: null if there is none.
pub(crate) fn pointer(object: Option<&Document>, fields: &[Field]) -> Document {
    object.filter(|object| !object.is_null()).map(|object| structure(object, fields)).into()
}

/// A list of structs.
pub(crate) fn structures(list: &[Document], fields: &[Field]) -> Document {
    list.iter().map(|element| structure(element, fields)).collect()
}

fn sorted(value: &Document) -> Document {
    let mut value = value.clone();
    if let Some(map) = value.as_object_mut() {
        map.sort_keys();
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    const INNER: &[Field] = &[Field::text("name", "Name"), Field::value("mode", "Mode")];
    const FLAT: &[Field] = &[Field::text("flat", "Flat")];
    const OUTER: &[Field] = &[
        Field::inlined("metadata"),
        Field::text("id", "ID"),
        Field::integer("count", "Count"),
        Field::boolean("readOnly", "ReadOnly"),
        Field::map("labels", "Labels"),
        Field::nested("always", "Always", INNER),
        Field::pointer("maybe", "Maybe", INNER),
        Field::list("many", "Many", INNER),
        Field::embedded(FLAT),
    ];

    #[test]
    fn absent_fields_are_shown_as_go_shows_them() {
        assert_eq!(
            structure(&doc!({}), OUTER).to_string(),
            r#"{"ID":"","Count":0,"ReadOnly":false,"Labels":null,"Always":{"Name":"","Mode":null},"Maybe":null,"Many":null,"Flat":""}"#
        );
        assert_eq!(pointer(None, INNER), Document::NULL);
    }

    #[test]
    fn present_fields_keep_their_values_and_take_the_inner_names() {
        let object = doc!({
            "flat": "f", "many": [{"name": "a"}], "maybe": {"mode": 7}, "labels": {"b": "2", "a": "1"}, "id": "x",
            "metadata": {"labels": {"k": "v"}}
        });
        assert_eq!(
            structure(&object, OUTER).to_string(),
            r#"{"labels":{"k":"v"},"ID":"x","Count":0,"ReadOnly":false,"Labels":{"a":"1","b":"2"},"Always":{"Name":"","Mode":null},"Maybe":{"Name":"","Mode":7},"Many":[{"Name":"a","Mode":null}],"Flat":"f"}"#
        );
    }
}
