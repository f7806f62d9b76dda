//! `FieldsV1`: a set of fields as JSON. Keys are `f:NAME`, `k:{...}`, `v:VALUE`, `i:INDEX`; `.` marks a member that also
//! has children; a member without children is an empty map.

use super::{FieldSet, PathElement};
use crate::{Document, Map, json};

/// A `FieldsV1` that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error unmarshalling fields: {0}")]
pub struct FieldsError(String);

impl FieldSet {
    /// Reads a `FieldsV1`.
    ///
    /// # Errors
    /// If a key is malformed or a value is no map.
    pub fn from_fields(fields: &Document) -> Result<Self, FieldsError> {
        let map = fields.as_object().ok_or_else(|| FieldsError(format!("not a map: {fields}")))?;
        let mut out = Self::new();
        for (key, value) in map.iter() {
            if key == "." {
                continue;
            }
            let element = parse(key)?;
            let inner = value.as_object().ok_or_else(|| FieldsError(format!("not a map: {value}")))?;
            if inner.is_empty() || inner.contains_key(".") {
                out.insert_member(element.clone());
            }
            out.set_below(element, Self::from_fields(value)?);
        }
        Ok(out)
    }

    /// The `FieldsV1` of this set.
    pub fn to_fields(&self) -> Document {
        let mut out = Map::new();
        for (element, member, below) in self.elements() {
            let value = match below {
                None => Document::object(),
                Some(below) if !member => below.to_fields(),
                Some(below) => {
                    let mut marked = Map::new();
                    marked.insert(".", Document::object());
                    marked.extend(below.to_fields().into_object());
                    marked.into()
                }
            };
            out.insert(text(element), value);
        }
        out.into()
    }
}

fn parse(key: &str) -> Result<PathElement, FieldsError> {
    let wrong = || FieldsError(format!("unknown path element {key:?}"));
    let (kind, rest) = key.split_once(':').ok_or_else(wrong)?;
    let value = || json::decode(rest.as_bytes()).map_err(|_| wrong());
    match kind {
        "f" => Ok(PathElement::field(rest)),
        "v" => value().map(PathElement::Value),
        "i" => rest.parse().map(PathElement::Index).map_err(|_| wrong()),
        "k" => {
            let doc = value()?;
            doc.as_object().ok_or_else(wrong)?;
            let mut keys: Vec<(Box<str>, Document)> = doc.into_object().into_iter().collect();
            keys.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            Ok(PathElement::Key(keys))
        }
        _ => Err(wrong()),
    }
}

fn text(element: &PathElement) -> String {
    match element {
        PathElement::Field(name) => format!("f:{name}"),
        PathElement::Key(keys) => {
            let doc: Document = keys.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
            format!("k:{}", String::from_utf8_lossy(&json::encode(&doc)))
        }
        PathElement::Value(value) => format!("v:{}", String::from_utf8_lossy(&json::encode(value))),
        PathElement::Index(index) => format!("i:{index}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc;
    use crate::fieldset::path_text;
    use proptest::prelude::*;

    #[test]
    fn fields_read_and_write_as_upstream_stores_them() {
        let fields = doc!({
            "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
            "f:spec": {
                "f:containers": {"k:{\"name\":\"web\"}": {".": {}, "f:image": {}}},
                "f:finalizers": {"v:\"a\"": {}}
            }
        });
        let set = FieldSet::from_fields(&fields).unwrap();
        assert_eq!(set.to_fields(), fields);
        let paths: Vec<String> = set.paths().iter().map(|path| path_text(path)).collect();
        assert_eq!(
            paths,
            [
                ".metadata.labels",
                ".metadata.labels.app",
                ".spec.containers[name=\"web\"]",
                ".spec.containers[name=\"web\"].image",
                ".spec.finalizers[=\"a\"]"
            ]
        );
        assert!(FieldSet::from_fields(&doc!({"x": {}})).is_err());
        assert!(FieldSet::from_fields(&doc!({"f:a": 1})).is_err());
    }

    pub(crate) fn sets() -> impl Strategy<Value = FieldSet> {
        let element = prop_oneof![
            "[a-c]".prop_map(|name| PathElement::field(&name)),
            "[a-c]".prop_map(|name| PathElement::Key(vec![("name".into(), name.into())])),
            (0..3_i64).prop_map(|value| PathElement::Value(value.into())),
        ];
        proptest::collection::vec(proptest::collection::vec(element, 1..4), 0..6).prop_map(|paths| {
            let mut out = FieldSet::new();
            for path in paths {
                out.insert(&path);
            }
            out
        })
    }

    proptest! {
        #[test]
        fn any_set_reads_back(set in sets()) {
            prop_assert_eq!(FieldSet::from_fields(&set.to_fields()).unwrap(), set);
        }

        #[test]
        fn the_laws_of_sets_hold(a in sets(), b in sets()) {
            prop_assert_eq!(a.union(&b), b.union(&a));
            prop_assert_eq!(a.intersection(&b), b.intersection(&a));
            prop_assert_eq!(a.difference(&b).union(&a.intersection(&b)), a.clone());
            prop_assert!(a.difference(&a).is_empty());
            prop_assert_eq!(a.union(&b).len() + a.intersection(&b).len(), a.len() + b.len());
        }
    }
}
