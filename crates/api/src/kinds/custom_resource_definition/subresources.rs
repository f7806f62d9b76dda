//! What is wrong with the subresources of a version: where a scale finds its numbers.

use super::columns::path_error;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// What is wrong with the subresources.
pub(super) fn errors(field: &FieldPath, subresources: &Document) -> FieldErrors {
    let Some(scale) = subresources.get("scale").filter(|scale| !scale.is_null()) else {
        return FieldErrors::new();
    };
    let field = field.child("scale");
    let mut out = FieldErrors::new();
    for (key, parent) in [("specReplicasPath", ".spec"), ("statusReplicasPath", ".status")] {
        let (place, path) = (field.child(key), scale.str_at(&[key]));
        if path.is_empty() {
            out.push(FieldError::required(&place, ""));
        } else {
            let why = format!("should be a json path under {parent}");
            out.extend(below(&place, path, &[parent], &why));
        }
    }
    let (place, path) = (field.child("labelSelectorPath"), scale.str_at(&["labelSelectorPath"]));
    if !path.is_empty() {
        let why = "should be a json path under either .spec or .status";
        out.extend(below(&place, path, &[".spec", ".status"], why));
    }
    out
}

fn below(field: &FieldPath, path: &str, parents: &[&str], why: &str) -> Option<FieldError> {
    path_error(field, path).or_else(|| {
        let is_below = |parent: &str| path.strip_prefix(parent).is_some_and(|rest| rest.starts_with('.'));
        let found = parents.iter().any(|parent| is_below(parent));
        (!found).then(|| FieldError::invalid(field, path, why))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn scales_are_below_spec_and_status() {
        let complaints = |scale: Document| -> Vec<String> {
            let subresources = doc!({"status": {}, "scale": scale});
            errors(&FieldPath::new("s"), &subresources).iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            complaints(doc!({
                "specReplicasPath": ".spec.a", "statusReplicasPath": ".status.b", "labelSelectorPath": ".spec.c"
            })),
            Vec::<String>::new()
        );
        assert_eq!(
            complaints(doc!({
                "specReplicasPath": ".status.a", "statusReplicasPath": "status.b", "labelSelectorPath": ".metadata.c"
            })),
            [
                r#"s.scale.specReplicasPath: Invalid value: ".status.a": should be a json path under .spec"#,
                r#"s.scale.statusReplicasPath: Invalid value: "status.b": must be a simple json path starting with ."#,
                r#"s.scale.labelSelectorPath: Invalid value: ".metadata.c": should be a json path under either .spec or .status"#,
            ]
        );
        assert_eq!(
            complaints(doc!({})),
            ["s.scale.specReplicasPath: Required value", "s.scale.statusReplicasPath: Required value"]
        );
    }
}
