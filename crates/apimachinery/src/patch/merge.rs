//! RFC 7386: maps merge, null removes, everything else replaces.

use crate::{Document, Map};

/// Applies a merge patch.
pub fn apply_merge_patch(target: &mut Document, patch: &Document) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    merge(target.make_object(), patch);
}

fn merge(target: &mut Map, patch: &Map) {
    for (key, value) in patch.iter() {
        if value.is_null() {
            target.remove(key);
        } else if let Some(inner) = value.as_object() {
            merge(target.entry(key).make_object(), inner);
        } else {
            target.insert(key, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{doc, json};
    use proptest::prelude::*;

    #[test]
    fn the_examples_of_the_rfc_hold() {
        let cases = [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, r#"{}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            (r#"{}"#, r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ];
        for (target, patch, expected) in cases {
            let mut doc = json::decode(target.as_bytes()).unwrap();
            apply_merge_patch(&mut doc, &json::decode(patch.as_bytes()).unwrap());
            assert_eq!(doc, json::decode(expected.as_bytes()).unwrap(), "{target} {patch}");
        }
    }

    fn documents() -> impl Strategy<Value = Document> {
        let leaf = prop_oneof![Just(Document::NULL), any::<i8>().prop_map(Document::from)];
        leaf.prop_recursive(3, 16, 3, |inner| {
            proptest::collection::vec(("[a-c]", inner), 0..3)
                .prop_map(|entries| entries.into_iter().collect::<Document>())
        })
    }

    proptest! {
        #[test]
        fn merging_twice_is_merging_once(target in documents(), patch in documents()) {
            let mut once = target;
            apply_merge_patch(&mut once, &patch);
            let mut twice = once.clone();
            apply_merge_patch(&mut twice, &patch);
            prop_assert_eq!(once, twice);
        }
    }

    #[test]
    fn a_patch_that_is_no_map_replaces() {
        let mut doc = doc!({"a": 1});
        apply_merge_patch(&mut doc, &doc!(3));
        assert_eq!(doc, doc!(3));
    }
}
