//! Where a kubelet once took its configuration from: the fields are still checked, and nothing reads them.

use crate::kinds::internal_form::{self, Field};
use crate::validation::{invalid, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

const CONFIG_MAP: &[Field] = &[
    Field::text("namespace", "Namespace"),
    Field::text("name", "Name"),
    Field::text("uid", "UID"),
    Field::text("resourceVersion", "ResourceVersion"),
    Field::text("kubeletConfigKey", "KubeletConfigKey"),
];
const SOURCE: &[Field] = &[Field::pointer("configMap", "ConfigMap", CONFIG_MAP)];

/// Who wrote the source.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Spec,
    Status,
}

/// Drops sources that were not there before: the feature is gone.
pub(super) fn drop_unused(node: &mut Document, old: Option<&Document>) {
    for path in [["spec", "configSource"], ["status", "config"]] {
        let used = old.and_then(|old| old.at(&path)).is_some_and(|source| !source.is_null());
        if !used {
            node.remove(&path);
        }
    }
}

/// What is wrong with the sources of a node.
pub(super) fn errors(node: &Document) -> FieldErrors {
    let given = |path: &[&str]| node.at(path).filter(|source| !source.is_null());
    let mut out = FieldErrors::new();
    if let Some(wanted) = given(&["spec", "configSource"]) {
        out.extend(source(&FieldPath::new("spec.configSource"), wanted, Place::Spec));
    }
    for name in ["assigned", "active", "lastKnownGood"] {
        if let Some(used) = given(&["status", "config", name]) {
            out.extend(source(&FieldPath::new("status.config").child(name), used, Place::Status));
        }
    }
    out
}

fn source(field: &FieldPath, source: &Document, place: Place) -> FieldErrors {
    match source.get("configMap").filter(|map| !map.is_null()) {
        Some(map) => config_map(&field.child("configMap"), map, place),
        None => {
            let shown = internal_form::structure(source, SOURCE);
            vec![FieldError::invalid(field, shown, "exactly one reference subfield must be non-nil")]
        }
    }
}

fn config_map(field: &FieldPath, map: &Document, place: Place) -> FieldErrors {
    let mut out = FieldErrors::new();
    for name in ["uid", "resourceVersion"] {
        let field = field.child(name);
        match (place, map.str_at(&[name]).is_empty()) {
            (Place::Spec, false) => {
                out.push(FieldError::forbidden(&field, format!("{name} must not be set in spec")));
            }
            (Place::Status, true) => {
                out.push(FieldError::required(&field, format!("{name} must be set in status")));
            }
            _ => {}
        }
    }
    type Rule = (&'static str, fn(&str) -> Vec<String>);
    let rules: [Rule; 3] = [
        ("namespace", names::dns1123_label),
        ("name", names::dns1123_subdomain),
        ("kubeletConfigKey", names::config_map_key),
    ];
    for (name, rule) in rules {
        let text = map.str_at(&[name]);
        let field = field.child(name);
        if text.is_empty() {
            out.push(FieldError::required(&field, format!("{name} must be set")));
        } else {
            out.extend(invalid(&field, text, rule(text)));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn sources_are_checked_by_who_wrote_them() {
        let map = doc!({"configMap": {"namespace": "n", "name": "m", "uid": "u", "kubeletConfigKey": "k"}});
        let node = doc!({"spec": {"configSource": map.clone()}, "status": {"config": {"active": map, "assigned": {}}}});
        let texts: Vec<String> = errors(&node).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "spec.configSource.configMap.uid: Forbidden: uid must not be set in spec",
                r#"status.config.assigned: Invalid value: {"ConfigMap":null}: exactly one reference subfield must be non-nil"#,
                "status.config.active.configMap.resourceVersion: Required value: resourceVersion must be set in status",
            ]
        );
    }

    #[test]
    fn sources_are_kept_only_where_they_were() {
        let given = doc!({"spec": {"configSource": {"configMap": {}}, "providerID": "p"}});
        let mut new = given.clone();
        drop_unused(&mut new, Some(&given));
        assert_eq!(new, given);
        drop_unused(&mut new, None);
        assert_eq!(new, doc!({"spec": {"providerID": "p"}}));
    }
}
