//! Values as Go prints them, for messages that upstream makes with `%v`, `%#v` and `%T`.

use crate::{Document, Map, Node};

/// `%v`: `map[a:1 b:[x y] c:<nil>]`.
pub fn plain(value: &Document) -> String {
    match value.node() {
        Node::Null => "<nil>".to_owned(),
        Node::String(text) => text.to_owned(),
        Node::Bool(_) | Node::Int(_) | Node::Float(_) => value.to_string(),
        Node::Array(list) => format!("[{}]", list.iter().map(plain).collect::<Vec<_>>().join(" ")),
        Node::Object(map) => {
            let entry = |(key, value): (&str, &Document)| format!("{key}:{}", plain(value));
            format!("map[{}]", sorted(map).into_iter().map(entry).collect::<Vec<_>>().join(" "))
        }
    }
}

/// `%#v`: `map[string]interface {}{"a":1, "b":[]interface {}{"x"}}`.
pub fn syntax(value: &Document) -> String {
    match value.node() {
        Node::Null => "interface {}(nil)".to_owned(),
        Node::String(text) => format!("{text:?}"),
        Node::Bool(_) | Node::Int(_) | Node::Float(_) => value.to_string(),
        Node::Array(list) => {
            format!("{}{{{}}}", type_name(value), list.iter().map(syntax).collect::<Vec<_>>().join(", "))
        }
        Node::Object(map) => {
            let entry = |(key, value): (&str, &Document)| format!("{key:?}:{}", syntax(value));
            let entries: Vec<String> = sorted(map).into_iter().map(entry).collect();
            format!("{}{{{}}}", type_name(value), entries.join(", "))
        }
    }
}

/// `%T`.
pub fn type_name(value: &Document) -> &'static str {
    match value.node() {
        Node::Null => "<nil>",
        Node::Bool(_) => "bool",
        Node::Int(_) => "int64",
        Node::Float(_) => "float64",
        Node::String(_) => "string",
        Node::Array(_) => "[]interface {}",
        Node::Object(_) => "map[string]interface {}",
    }
}

/// Go prints maps in the order of their keys.
fn sorted(map: &Map) -> Vec<(&str, &Document)> {
    let mut entries: Vec<(&str, &Document)> = map.iter().collect();
    entries.sort_unstable_by(|a, b| a.0.cmp(b.0));
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc;

    #[test]
    fn values_are_printed_in_each_way() {
        let cases = [
            (doc!(null), "<nil>", "interface {}(nil)", "<nil>"),
            (doc!(true), "true", "true", "bool"),
            (doc!(7), "7", "7", "int64"),
            (doc!(1.5), "1.5", "1.5", "float64"),
            (doc!("a b"), "a b", "\"a b\"", "string"),
            (doc!(["a", 1]), "[a 1]", "[]interface {}{\"a\", 1}", "[]interface {}"),
            (
                doc!({"b": {}, "a": [null]}),
                "map[a:[<nil>] b:map[]]",
                "map[string]interface {}{\"a\":[]interface {}{interface {}(nil)}, \"b\":map[string]interface {}{}}",
                "map[string]interface {}",
            ),
        ];
        for (value, v, sharp_v, t) in cases {
            assert_eq!((plain(&value).as_str(), syntax(&value).as_str(), type_name(&value)), (v, sharp_v, t));
        }
    }
}
