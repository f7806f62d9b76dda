//! `FieldsV1`: field sets as nested maps with prefixed keys: `f:` fields, `k:` keys, `v:` values, `i:` positions, `.` the
//! parent itself.

use super::{FieldSet, Node, PathElement};
use crate::{Document, Map, json};

/// A `FieldsV1` that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid FieldsV1 key {0:?}")]
pub struct FieldsError(String);

impl FieldSet {
    /// The `FieldsV1` form.
    pub fn to_fields_v1(&self) -> Document {
        let mut out = Map::new();
        for (element, node) in &self.children {
            if !node.member && node.below.is_empty() {
                continue;
            }
            let mut value = node.below.to_fields_v1().into_object();
            if node.member && !value.is_empty() {
                let below = std::mem::take(&mut value);
                value.insert(".", Document::object());
                value.extend(below);
            }
            out.insert(key_of(element), value);
        }
        out.into()
    }

    /// Reads a `FieldsV1`.
    ///
    /// # Errors
    /// If a key is malformed.
    pub fn from_fields_v1(fields: &Document) -> Result<Self, FieldsError> {
        let mut out = Self::new();
        for (key, value) in fields.as_object().into_iter().flat_map(Map::iter).filter(|(key, _)| *key != ".")
        {
            let element = element_of(key).ok_or_else(|| FieldsError(key.to_owned()))?;
            let below = Self::from_fields_v1(value)?;
            let empty = value.as_object().is_none_or(Map::is_empty);
            let member = empty || value.get(".").is_some();
            out.children.insert(element, Node { member, below });
        }
        Ok(out)
    }
}

fn key_of(element: &PathElement) -> String {
    let text = |value: &Document| String::from_utf8_lossy(&json::encode(value)).into_owned();
    match element {
        PathElement::Field(name) => format!("f:{name}"),
        PathElement::Key(keys) => {
            let map: Document = keys.iter().map(|(k, v)| (k.clone(), v)).collect();
            format!("k:{}", text(&map))
        }
        PathElement::Value(value) => format!("v:{}", text(value)),
        PathElement::Index(index) => format!("i:{index}"),
    }
}

fn element_of(key: &str) -> Option<PathElement> {
    let (kind, rest) = key.split_once(':')?;
    let parse = || json::decode(rest.as_bytes()).ok();
    Some(match kind {
        "f" => PathElement::field(rest),
        "v" => PathElement::Value(parse()?),
        "i" => PathElement::Index(rest.parse().ok()?),
        "k" => {
            let mut keys: Vec<(Box<str>, Document)> = parse()?.into_object().into_iter().collect();
            keys.sort_by(|(a, _), (b, _)| a.cmp(b));
            PathElement::Key(keys)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc;

    #[test]
    fn fields_survive_the_round_trip() {
        let fields = doc!({
            "f:metadata": {"f:labels": {".": {}, "f:app": {}}, "f:finalizers": {"v:\"a\"": {}}},
            "f:spec": {"f:replicas": {}, "f:containers": {"k:{\"name\":\"web\"}": {".": {}, "f:image": {}}}, "f:list": {"i:0": {}}}
        });
        let set = FieldSet::from_fields_v1(&fields).unwrap();
        assert_eq!(set.to_fields_v1(), fields);
        let texts: Vec<String> = set.paths().iter().map(|path| super::super::path_text(path)).collect();
        assert!(texts.contains(&".spec.containers[name=\"web\"].image".to_owned()), "{texts:?}");
        assert!(texts.contains(&".metadata.finalizers[=\"a\"]".to_owned()));
    }
}
