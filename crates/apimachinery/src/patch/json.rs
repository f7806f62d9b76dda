//! RFC 6902: a list of operations at JSON pointers.

use super::PatchError;
use crate::{Document, Node};

/// Most operations of one patch.
pub const MAX_OPERATIONS: usize = 10_000;
/// Most bytes that all `copy` operations of one patch may add.
const MAX_COPIED: usize = 3 * 1024 * 1024;

/// Applies all operations, or none: on failure the object is left half edited and must be thrown away.
///
/// # Errors
/// If the patch is malformed, has too many operations, or does not fit the object.
pub fn apply_json_patch(target: &mut Document, patch: &Document) -> Result<(), PatchError> {
    let Some(operations) = patch.as_array() else {
        return Err(PatchError::Malformed(
            "error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch"
                .to_owned(),
        ));
    };
    if operations.len() > MAX_OPERATIONS {
        return Err(PatchError::TooLarge(format!(
            "The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {}",
            operations.len()
        )));
    }
    let mut copied = 0;
    operations.iter().try_for_each(|operation| apply(target, operation, &mut copied))
}

fn apply(target: &mut Document, operation: &Document, copied: &mut usize) -> Result<(), PatchError> {
    let name = operation.str_at(&["op"]);
    let path = operation
        .get("path")
        .and_then(Document::as_str)
        .ok_or_else(|| PatchError::Unprocessable(format!("{name} operation does not apply: missing path")))?;
    let path = Pointer::parse(path)?;
    let fails = |why: String| PatchError::Unprocessable(format!("{name} operation does not apply: {why}"));
    let value = || {
        operation
            .get("value")
            .cloned()
            .ok_or_else(|| fails("operation missing value field: missing value".to_owned()))
    };
    match name {
        "add" => path.add(target, value()?).map_err(fails),
        "remove" => path.remove(target).map(drop).map_err(fails),
        "replace" => {
            let slot = path.find_mut(target).ok_or_else(|| fails(path.missing()))?;
            *slot = value()?;
            Ok(())
        }
        "test" => {
            let wanted = operation.get("value").unwrap_or(&Document::NULL);
            let matches = match path.find(target) {
                Some(found) => same(found, wanted),
                None => wanted.is_null(),
            };
            if matches {
                Ok(())
            } else {
                Err(PatchError::Unprocessable(format!("testing value {} failed: test failed", path.text)))
            }
        }
        "move" | "copy" => {
            let from = operation
                .get("from")
                .and_then(Document::as_str)
                .ok_or_else(|| fails("missing from".into()))?;
            let from = Pointer::parse(from)?;
            let value = if name == "move" {
                from.remove(target).map_err(fails)?
            } else {
                let value = from.find(target).cloned().ok_or_else(|| fails(from.missing()))?;
                *copied += crate::json::encode(&value).len();
                if *copied > MAX_COPIED {
                    return Err(fails(format!(
                        "Unable to complete the copy, the accumulated size increase of copy is {copied}, exceeding the limit {MAX_COPIED}"
                    )));
                }
                value
            };
            path.add(target, value).map_err(fails)
        }
        other => Err(PatchError::Unprocessable(format!("Unexpected kind: {other}"))),
    }
}

/// Equality of values where `1` and `1.0` are the same number.
fn same(a: &Document, b: &Document) -> bool {
    match (a.node(), b.node()) {
        (Node::Int(_) | Node::Float(_), Node::Int(_) | Node::Float(_)) => a.as_f64() == b.as_f64(),
        (Node::Array(a), Node::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Node::Object(a), Node::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// A JSON pointer (RFC 6901).
struct Pointer<'a> {
    text: &'a str,
    steps: Vec<String>,
}

impl<'a> Pointer<'a> {
    fn parse(text: &'a str) -> Result<Self, PatchError> {
        if text.is_empty() {
            return Ok(Self { text, steps: Vec::new() });
        }
        let Some(rest) = text.strip_prefix('/') else {
            return Err(PatchError::Unprocessable(format!("invalid JSON pointer {text:?}")));
        };
        let steps = rest.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
        Ok(Self { text, steps })
    }

    fn missing(&self) -> String {
        format!("doc is missing path: {}: missing value", self.text)
    }

    fn find<'d>(&self, doc: &'d Document) -> Option<&'d Document> {
        self.steps.iter().try_fold(doc, |doc, step| match doc.node() {
            Node::Object(map) => map.get(step),
            Node::Array(list) => list.get(index(step, list.len())?),
            _ => None,
        })
    }

    fn find_mut<'d>(&self, doc: &'d mut Document) -> Option<&'d mut Document> {
        self.steps.iter().map(String::as_str).try_fold(doc, step_mut)
    }

    fn parent<'d>(&self, doc: &'d mut Document) -> Result<(&'d mut Document, &str), String> {
        let (last, parents) =
            self.steps.split_last().ok_or_else(|| "the whole document has no parent".to_owned())?;
        let parent =
            parents.iter().map(String::as_str).try_fold(doc, step_mut).ok_or_else(|| self.missing())?;
        Ok((parent, last))
    }

    fn add(&self, doc: &mut Document, value: Document) -> Result<(), String> {
        if self.steps.is_empty() {
            *doc = value;
            return Ok(());
        }
        let (parent, last) = self.parent(doc)?;
        if let Some(map) = parent.as_object_mut() {
            map.insert(last, value);
            return Ok(());
        }
        let list = parent.as_array_mut().ok_or_else(|| self.missing())?;
        let at = match last {
            "-" => list.len(),
            last => index(last, list.len() + 1)
                .ok_or_else(|| format!("Unable to access invalid index: {last}: invalid index referenced"))?,
        };
        list.insert(at, value);
        Ok(())
    }

    fn remove(&self, doc: &mut Document) -> Result<Document, String> {
        if self.steps.is_empty() {
            return Ok(doc.take());
        }
        let (parent, last) = self.parent(doc)?;
        if let Some(map) = parent.as_object_mut() {
            return map
                .remove(last)
                .ok_or_else(|| format!("Unable to remove nonexistent key: {last}: missing value"));
        }
        let list = parent.as_array_mut().ok_or_else(|| self.missing())?;
        let at = index(last, list.len())
            .ok_or_else(|| format!("Unable to access invalid index: {last}: invalid index referenced"))?;
        Ok(list.remove(at))
    }
}

fn step_mut<'d>(doc: &'d mut Document, step: &str) -> Option<&'d mut Document> {
    if doc.as_object().is_some() {
        return doc.get_mut(step);
    }
    let list = doc.as_array_mut()?;
    let at = index(step, list.len())?;
    list.get_mut(at)
}

/// An index below the length; negative ones count from the end.
fn index(step: &str, length: usize) -> Option<usize> {
    let number: i64 = step.parse().ok()?;
    let at = if number < 0 { i64::try_from(length).ok()? + number } else { number };
    usize::try_from(at).ok().filter(|at| *at < length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc;

    fn patched(mut doc: Document, patch: Document) -> Result<Document, PatchError> {
        apply_json_patch(&mut doc, &patch).map(|()| doc)
    }

    #[test]
    fn operations_do_what_the_rfc_says() {
        let cases = [
            (doc!({"a": 1}), doc!([{"op": "add", "path": "/b", "value": 2}]), doc!({"a": 1, "b": 2})),
            (doc!({"a": [1, 3]}), doc!([{"op": "add", "path": "/a/1", "value": 2}]), doc!({"a": [1, 2, 3]})),
            (doc!({"a": [1]}), doc!([{"op": "add", "path": "/a/-", "value": 2}]), doc!({"a": [1, 2]})),
            (doc!({"a": 1, "b": 2}), doc!([{"op": "remove", "path": "/a"}]), doc!({"b": 2})),
            (
                doc!({"a/b": 1, "m~n": 2}),
                doc!([{"op": "replace", "path": "/a~1b", "value": 3}]),
                doc!({"a/b": 3, "m~n": 2}),
            ),
            (
                doc!({"a": {"x": 1}}),
                doc!([{"op": "move", "from": "/a/x", "path": "/y"}]),
                doc!({"a": {}, "y": 1}),
            ),
            (
                doc!({"a": [1]}),
                doc!([{"op": "copy", "from": "/a", "path": "/b"}]),
                doc!({"a": [1], "b": [1]}),
            ),
            (doc!({"a": 1}), doc!([{"op": "test", "path": "/a", "value": 1.0}]), doc!({"a": 1})),
        ];
        for (doc, patch, expected) in cases {
            assert_eq!(patched(doc, patch.clone()).unwrap(), expected, "{patch}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for patch in [
            doc!([{"op": "add", "path": "/x/y", "value": 1}]),
            doc!([{"op": "remove", "path": "/x"}]),
            doc!([{"op": "replace", "path": "/x", "value": 1}]),
            doc!([{"op": "test", "path": "/a", "value": 2}]),
            doc!([{"op": "add", "path": "/list/7", "value": 2}]),
            doc!([{"op": "jump", "path": "/a"}]),
            doc!([{"op": "add", "path": "a", "value": 1}]),
        ] {
            let result = patched(doc!({"a": 1, "list": []}), patch.clone());
            assert!(matches!(result, Err(PatchError::Unprocessable(_))), "{patch}");
        }
        assert!(matches!(patched(doc!({}), doc!({})), Err(PatchError::Malformed(_))));
    }

    #[test]
    fn the_number_of_operations_is_bounded() {
        let one = doc!({"op": "test", "path": "", "value": {}});
        let patch = Document::from(vec![one; MAX_OPERATIONS + 1]);
        assert_eq!(
            patched(doc!({}), patch).unwrap_err().to_string(),
            "The allowed maximum operations in a JSON patch is 10000, got 10001"
        );
    }
}
