//! Values of a type that their schema does not take, in the words of structured-merge-diff, which prints them as Go does.

use crate::go_text::{plain, syntax, type_name};
use crate::schema::{Schema, Type};
use crate::{Document, Node};

/// What is wrong with the type of a value; null fits everywhere.
pub(super) fn mismatch(doc: &Document, schema: &Schema) -> Option<String> {
    match (schema.ty, doc.node()) {
        (Type::Any, _)
        | (_, Node::Null)
        | (Type::Integer | Type::Number, Node::Int(_) | Node::Float(_))
        | (Type::String, Node::String(_))
        | (Type::Boolean, Node::Bool(_))
        | (Type::Array, Node::Array(_))
        | (Type::Object, Node::Object(_)) => None,
        (Type::Integer | Type::Number, _) => {
            Some(format!("expected numeric (int or float), got {}", type_name(doc)))
        }
        (Type::String, _) => {
            Some(format!("expected string, got &value.valueUnstructured{{Value:{}}}", syntax(doc)))
        }
        (Type::Boolean, _) => Some(format!("expected boolean, got &{{{}}}", plain(doc))),
        (Type::Array, _) => Some(format!("expected list, got &{{{}}}", plain(doc))),
        (Type::Object, _) => Some(format!("expected map, got &{{{}}}", plain(doc))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc;

    #[test]
    fn other_types_are_told() {
        let cases = [
            (Type::Integer, doc!(1.0), None),
            (Type::Integer, doc!("one"), Some("expected numeric (int or float), got string")),
            (Type::Number, doc!({}), Some("expected numeric (int or float), got map[string]interface {}")),
            (Type::String, doc!(1), Some("expected string, got &value.valueUnstructured{Value:1}")),
            (
                Type::String,
                doc!(["a"]),
                Some("expected string, got &value.valueUnstructured{Value:[]interface {}{\"a\"}}"),
            ),
            (Type::Boolean, doc!("maybe"), Some("expected boolean, got &{maybe}")),
            (Type::Array, doc!("a"), Some("expected list, got &{a}")),
            (Type::Object, doc!([1, 2]), Some("expected map, got &{[1 2]}")),
            (Type::Object, doc!(null), None),
            (Type::Any, doc!([1]), None),
        ];
        for (ty, value, expected) in cases {
            let schema = Schema { ty, ..Schema::default() };
            assert_eq!(mismatch(&value, &schema).as_deref(), expected, "{ty:?} {value}");
        }
    }
}
