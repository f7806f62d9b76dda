//! What a claim is filled with: `dataSource` of old clients and `dataSourceRef` are two names of one thing (KEP-1495).

use crate::validation::{invalid, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

const OLD: &str = "dataSource";
const NEW: &str = "dataSourceRef";
const CLAIM: &str = "PersistentVolumeClaim";
const SNAPSHOT: (&str, &str) = ("snapshot.storage.k8s.io", "VolumeSnapshot");

/// Drops sources that old clients never got, and fills in the name that was not used.
pub(super) fn prepare(claim: &mut Document, old: Option<&Document>) {
    let used = |claim: &Document, name: &str| given(claim.get("spec"), name).is_some();
    let was_used = old.is_some_and(|old| used(old, OLD) || used(old, NEW));
    let reference_was_used = old.is_some_and(|old| used(old, NEW));
    let Some(spec) = claim.get_mut("spec") else { return };
    if !reference_was_used && !namespace(spec).is_empty() {
        // KEP-3294 is off: a claim reaches no other namespace.
        spec.remove(&[NEW]);
    }
    if !was_used && given(Some(&*spec), NEW).is_none() && !is_claim_or_snapshot(&spec[OLD]) {
        spec.remove(&[OLD]);
    }
    normalize(spec);
}

/// Gives a claim's specification both names of its source, as far as they can say the same.
pub(super) fn normalize(spec: &mut Document) {
    let (old, new) = (given(Some(&*spec), OLD).cloned(), given(Some(&*spec), NEW).cloned());
    match (old, new) {
        (Some(source), None) => spec.insert(NEW, source),
        (None, Some(source)) if source.get("namespace").is_none_or(Document::is_null) => {
            spec.insert(OLD, source);
        }
        _ => {}
    }
}

/// What is wrong with the sources; groups are not checked where an earlier state had one.
pub(super) fn errors(field: &FieldPath, spec: &Document, checks_group: bool) -> FieldErrors {
    let (old, new) = (given(Some(spec), OLD), given(Some(spec), NEW));
    let mut out = FieldErrors::new();
    out.extend(old.map(|source| one(&field.child(OLD), source, checks_group)).unwrap_or_default());
    if let Some(source) = new {
        out.extend(one(&field.child(NEW), source, checks_group));
        let namespace = source.str_at(&["namespace"]);
        if !namespace.is_empty() {
            let field = field.child(NEW).child("namespace");
            out.extend(invalid(&field, namespace, names::dns1123_label(namespace)));
        }
    }
    let Some((old, new)) = old.zip(new) else { return out };
    let why = if !new.str_at(&["namespace"]).is_empty() {
        "may not be specified when dataSourceRef.namespace is specified"
    } else if ["apiGroup", "kind", "name"].iter().any(|part| old[*part] != new[*part]) {
        "must match dataSourceRef"
    } else {
        return out;
    };
    // Upstream shows the path of the field instead of its value.
    out.push(FieldError::invalid(field, field.child(OLD).as_str(), why));
    out
}

/// Whether a specification names a group in either place.
pub(super) fn has_group(spec: &Document) -> bool {
    [OLD, NEW].into_iter().any(|name| spec.at(&[name, "apiGroup"]).is_some_and(|group| !group.is_null()))
}

fn one(field: &FieldPath, source: &Document, checks_group: bool) -> FieldErrors {
    let [group, kind, name] = ["apiGroup", "kind", "name"].map(|part| source.str_at(&[part]));
    let mut out = FieldErrors::new();
    for (part, text) in [("name", name), ("kind", kind)] {
        if text.is_empty() {
            out.push(FieldError::required(&field.child(part), ""));
        }
    }
    if group.is_empty() && kind != CLAIM {
        let why = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
        out.push(FieldError::invalid(field, kind, why));
    }
    if !group.is_empty() && checks_group {
        out.extend(invalid(&field.child("apiGroup"), group, names::dns1123_subdomain(group)));
    }
    out
}

fn given<'a>(spec: Option<&'a Document>, name: &str) -> Option<&'a Document> {
    spec?.get(name).filter(|source| !source.is_null())
}

fn namespace(spec: &Document) -> &str {
    spec.str_at(&[NEW, "namespace"])
}

/// The sources that there were before the field took any.
fn is_claim_or_snapshot(source: &Document) -> bool {
    match (source.str_at(&["apiGroup"]), source.str_at(&["kind"])) {
        ("", kind) => kind == CLAIM,
        other => other == SNAPSHOT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn claim(spec: Document) -> Document {
        doc!({"spec": spec})
    }

    fn snapshot() -> Document {
        doc!({"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "s"})
    }

    #[test]
    fn the_other_name_is_filled_in_and_garbage_dropped() {
        let other = || doc!({"apiGroup": "example.com", "kind": "Backup", "name": "b"});
        let mut abroad = snapshot();
        abroad.insert("namespace", "n");
        let cases = [
            ("none", doc!({}), doc!({})),
            (
                "old name",
                doc!({"dataSource": snapshot()}),
                doc!({"dataSource": snapshot(), "dataSourceRef": snapshot()}),
            ),
            (
                "new name",
                doc!({"dataSourceRef": other()}),
                doc!({"dataSource": other(), "dataSourceRef": other()}),
            ),
            ("unknown under the old name", doc!({"dataSource": other()}), doc!({})),
            ("another namespace", doc!({"dataSourceRef": abroad.clone()}), doc!({})),
        ];
        for (name, given, expected) in cases {
            let mut new = claim(given);
            prepare(&mut new, None);
            assert_eq!(new["spec"], expected, "{name}");
        }
        let mut kept = claim(doc!({"dataSource": other()}));
        let old = claim(doc!({"dataSource": other(), "dataSourceRef": other()}));
        prepare(&mut kept, Some(&old));
        assert_eq!(kept, old);
    }

    #[test]
    fn sources_are_complete_and_say_the_same() {
        let cases = [
            ("fine", doc!({"dataSource": snapshot(), "dataSourceRef": snapshot()}), vec![]),
            (
                "empty",
                doc!({"dataSource": {}}),
                vec![
                    "spec.dataSource.name: Required value",
                    "spec.dataSource.kind: Required value",
                    r#"spec.dataSource: Invalid value: "": must be 'PersistentVolumeClaim' when referencing the default apiGroup"#,
                ],
            ),
            (
                "different",
                doc!({"dataSource": {"kind": "PersistentVolumeClaim", "name": "a"}, "dataSourceRef": snapshot()}),
                vec![r#"spec: Invalid value: "spec.dataSource": must match dataSourceRef"#],
            ),
            (
                "two places",
                doc!({
                    "dataSource": {"kind": "PersistentVolumeClaim", "name": "a"},
                    "dataSourceRef": {"kind": "PersistentVolumeClaim", "name": "a", "namespace": "a.b"}
                }),
                vec![
                    r#"spec.dataSourceRef.namespace: Invalid value: "a.b": must not contain dots"#,
                    r#"spec: Invalid value: "spec.dataSource": may not be specified when dataSourceRef.namespace is specified"#,
                ],
            ),
        ];
        for (name, spec, expected) in cases {
            let found = errors(&FieldPath::new("spec"), &spec, true);
            let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
            assert_eq!(texts, expected, "{name}");
        }
        let strange = doc!({"dataSource": {"apiGroup": "-", "kind": "K", "name": "n"}});
        assert_eq!(errors(&FieldPath::new("spec"), &strange, true).len(), 1);
        assert_eq!(errors(&FieldPath::new("spec"), &strange, false), []);
    }
}
