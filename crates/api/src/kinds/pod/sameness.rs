//! Whether two parts of pods say the same: null, an empty list and nothing do, as upstream's comparison has it.

use skiff_apimachinery::{Document, Map, Node};

/// Whether both say the same.
pub(super) fn is_same(one: &Document, other: &Document) -> bool {
    match (one.node(), other.node()) {
        (Node::Object(one), Node::Object(other)) => covers(one, other) && covers(other, one),
        (Node::Array(one), Node::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        _ => one == other || (is_nothing(one) && is_nothing(other)),
    }
}

/// Whether the second map says all that the first one does.
fn covers(one: &Map, other: &Map) -> bool {
    one.iter().all(|(key, value)| match other.get(key) {
        Some(other) => is_same(value, other),
        None => is_nothing(value),
    })
}

fn is_nothing(value: &Document) -> bool {
    match value.node() {
        Node::Null => true,
        Node::Array(list) => list.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn nothing_has_many_forms() {
        let cases = [
            (doc!({"a": [], "b": 1}), doc!({"b": 1}), true),
            (doc!({"a": null}), doc!({"a": []}), true),
            (doc!({"a": {}}), doc!({}), false),
            (doc!({"a": [1, 2]}), doc!({"a": [1]}), false),
            (doc!({"a": [{"b": []}]}), doc!({"a": [{}]}), true),
            (doc!({"a": ""}), doc!({"a": "b"}), false),
        ];
        for (one, other, expected) in cases {
            assert_eq!(is_same(&one, &other), expected, "{one} {other}");
            assert_eq!(is_same(&other, &one), expected, "{other} {one}");
        }
    }
}
