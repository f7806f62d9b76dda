//! Cells of table rows that several kinds print alike.

use crate::strategy::{self, Cell};
use jiff::Timestamp;
use skiff_apimachinery::{Document, Map};

/// What upstream prints for nothing.
pub(crate) const NONE: &str = "<none>";
/// What upstream prints for what it cannot tell.
pub(crate) const UNKNOWN: &str = "<unknown>";
/// What upstream prints for a value that was not given.
pub(crate) const UNSET: &str = "<unset>";

/// The object's name.
pub(crate) fn name(object: &Document) -> Cell {
    object.name().into()
}

/// How long ago the object was created.
pub(crate) fn age(object: &Document, now: Timestamp) -> Cell {
    strategy::age(object.creation_timestamp(), now).into()
}

/// How long ago a time was; `<unknown>` without one.
pub(crate) fn since(time: &str, now: Timestamp) -> String {
    strategy::age(time, now)
}

/// When the object was created: the column of kinds without a printer of their own.
pub(crate) fn created_at(object: &Document) -> Cell {
    object.creation_timestamp().into()
}

/// The text, or `<none>`.
pub(crate) fn or_none(text: &str) -> Cell {
    if text.is_empty() { NONE } else { text }.into()
}

/// The text under a path; empty if absent.
pub(crate) fn text(object: &Document, path: &[&str]) -> Cell {
    object.str_at(path).into()
}

/// The integer under a path; 0 if absent.
pub(crate) fn integer(object: &Document, path: &[&str]) -> Cell {
    object.i64_at(path).unwrap_or(0).into()
}

/// The boolean under a path; false if absent.
pub(crate) fn boolean(object: &Document, path: &[&str]) -> Cell {
    object.bool_at(path).unwrap_or(false).into()
}

/// How many elements a list has.
pub(crate) fn count(object: &Document, path: &[&str]) -> Cell {
    object.array_at(path).len().into()
}

/// Names and images of a pod spec's containers, the init containers that stay running included.
pub(crate) fn containers(pod_spec: Option<&Document>) -> [Cell; 2] {
    let Some(spec) = pod_spec else { return ["".into(), "".into()] };
    let sidecars = spec
        .array_at(&["initContainers"])
        .iter()
        .filter(|container| container.str_at(&["restartPolicy"]) == "Always");
    let all: Vec<&Document> = sidecars.chain(spec.array_at(&["containers"])).collect();
    ["name", "image"].map(|field| {
        let texts: Vec<&str> = all.iter().map(|container| container.str_at(&[field])).collect();
        texts.join(",").into()
    })
}

/// Labels or a plain selector: `a=b,c=d`, or `<none>`.
pub(crate) fn labels(map: Option<&Map>) -> Cell {
    or_none(&pairs(map).join(","))
}

/// A `metav1.LabelSelector` in its text form, or `<none>`.
pub(crate) fn selector(selector: Option<&Document>) -> Cell {
    let Some(selector) = selector else { return NONE.into() };
    let mut parts = pairs(selector.object_at(&["matchLabels"]));
    for requirement in selector.array_at(&["matchExpressions"]) {
        let key = requirement.str_at(&["key"]);
        let mut values: Vec<&str> =
            requirement.array_at(&["values"]).iter().filter_map(Document::as_str).collect();
        values.sort_unstable();
        let values = values.join(",");
        parts.push(match requirement.str_at(&["operator"]) {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    parts.sort_by(|a, b| selector_key(a).cmp(selector_key(b)));
    or_none(&parts.join(","))
}

fn selector_key(part: &str) -> &str {
    let part = part.trim_start_matches('!');
    part.find(['=', ' ']).map_or(part, |end| &part[..end])
}

fn pairs(map: Option<&Map>) -> Vec<String> {
    let mut out: Vec<String> = map
        .into_iter()
        .flat_map(Map::iter)
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or("")))
        .collect();
    out.sort();
    out
}

/// A condition's status; empty if the object has no such condition.
pub(crate) fn condition<'a>(object: &'a Document, ty: &str) -> Option<&'a Document> {
    object.array_at(&["status", "conditions"]).iter().find(|c| c.str_at(&["type"]) == ty)
}

/// A number or text, as `IntOrString` prints.
pub(crate) fn int_or_string(value: Option<&Document>) -> Option<String> {
    let value = value.filter(|value| !value.is_null())?;
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn selectors_print_sorted_by_key() {
        let given = doc!({
            "matchLabels": {"b": "1"},
            "matchExpressions": [
                {"key": "c", "operator": "Exists"},
                {"key": "a", "operator": "In", "values": ["y", "x"]},
                {"key": "d", "operator": "DoesNotExist"}
            ]
        });
        assert_eq!(selector(Some(&given)), Document::from("a in (x,y),b=1,c,!d"));
        assert_eq!(selector(Some(&doc!({}))), Document::from(NONE));
    }

    #[test]
    fn sidecars_are_listed_with_the_containers() {
        let spec = doc!({
            "initContainers": [{"name": "i", "image": "x"}, {"name": "s", "image": "y", "restartPolicy": "Always"}],
            "containers": [{"name": "c", "image": "z"}]
        });
        assert_eq!(containers(Some(&spec)), [Document::from("s,c"), Document::from("y,z")]);
    }
}
