//! What upstream says of a patched object that its kind does not take.
//!
//! Upstream decodes what a JSON or merge patch makes and shows it whole. What a strategic merge patch makes it converts
//! value by value: it shows the patch as Go prints maps, orders what it tells, and has other words for a wrong type.

use super::patch::PatchKind;
use skiff_apimachinery::{
    Document, FieldError, FieldPath, GroupKind, GroupVersionKind, Status, go_text, json,
};

/// 422 for a patch whose result does not decode; `patched` is the result, `refusal` why it was refused as a body.
pub(super) fn unfit(
    kind: PatchKind,
    gvk: &GroupVersionKind,
    patch: &Document,
    patched: &Document,
    refusal: &str,
) -> Status {
    let prefix = format!("{} in version {:?} cannot be handled as a {}: ", gvk.kind, gvk.version, gvk.kind);
    let why = refusal.strip_prefix(&prefix).unwrap_or(refusal);
    let (shown, why) = if kind == PatchKind::Strategic {
        (go_text::plain(patch), converting(why).unwrap_or_else(|| why.to_owned()))
    } else {
        (String::from_utf8_lossy(&json::encode(patched)).into_owned(), why.to_owned())
    };
    let error = FieldError::invalid(&FieldPath::new("patch"), shown, why);
    Status::invalid(&GroupKind::default(), "", &vec![error])
}

/// Puts what field validation found in the order in which upstream tells it: duplicates in the patch come first, unknown
/// fields of a strategic merge patch by name.
pub(super) fn arrange(kind: PatchKind, problems: &mut [String]) {
    let is_unknown = |problem: &String| !problem.starts_with("duplicate field");
    if kind == PatchKind::Strategic {
        problems.sort_by_cached_key(|problem| (is_unknown(problem), problem.clone()));
    } else {
        problems.sort_by_key(is_unknown);
    }
}

/// A wrong type in the words of upstream's converter, from those of Go's JSON decoder.
fn converting(why: &str) -> Option<String> {
    let (found, place) = why.strip_prefix("json: cannot unmarshal ")?.split_once(" into ")?;
    let (_, wanted) = place.rsplit_once(" of type ")?;
    let kind = match found.split(' ').next()? {
        "number" => "int64",
        "array" => "slice",
        "object" => "map",
        scalar => scalar,
    };
    Some(match wanted {
        "int32" | "int64" | "float64" if kind == "int64" => format!("cannot convert float64 to {wanted}"),
        "string" if kind == "int64" => "cannot convert int64 to string".to_owned(),
        "string" | "bool" | "int32" | "int64" | "float64" => format!("unrecognized type: {wanted}"),
        map if map.starts_with("map[") => format!("cannot restore map from {kind}"),
        slice if slice.starts_with("[]") => format!("cannot restore slice from {kind}"),
        _ => format!("cannot restore struct from: {kind}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    const PREFIX: &str = "Deployment in version \"v1\" cannot be handled as a Deployment: ";
    const MANY: &str =
        "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32";

    fn told(kind: PatchKind, why: &str) -> String {
        let gvk = GroupVersionKind::new("apps", "v1", "Deployment");
        let patch = doc!({"spec": {"replicas": "many", "paused": null}});
        let patched = doc!({"kind": "Deployment", "spec": {"replicas": "many"}});
        unfit(kind, &gvk, &patch, &patched, &format!("{PREFIX}{why}")).message
    }

    #[test]
    fn each_kind_of_patch_has_its_words() {
        assert_eq!(
            told(PatchKind::Merge, MANY),
            format!(
                r#" "" is invalid: patch: Invalid value: "{{\"kind\":\"Deployment\",\"spec\":{{\"replicas\":\"many\"}}}}": {MANY}"#
            )
        );
        assert_eq!(
            told(PatchKind::Strategic, MANY),
            r#" "" is invalid: patch: Invalid value: "map[spec:map[paused:<nil> replicas:many]]": unrecognized type: int32"#
        );
    }

    #[test]
    fn wrong_types_are_told_in_the_converters_words() {
        let cases = [
            ("string", "bool", "unrecognized type: bool"),
            ("number", "string", "cannot convert int64 to string"),
            ("number 1.5", "int32", "cannot convert float64 to int32"),
            ("string", "map[string]string", "cannot restore map from string"),
            ("object", "[]v1.Container", "cannot restore slice from map"),
            ("bool", "v1.PodSpec", "cannot restore struct from: bool"),
        ];
        for (found, wanted, expected) in cases {
            let why = format!("json: cannot unmarshal {found} into Go struct field A.b of type {wanted}");
            assert_eq!(converting(&why).as_deref(), Some(expected));
        }
        assert_eq!(converting("quantities must match"), None);
    }

    #[test]
    fn problems_are_put_in_upstreams_order() {
        let found = ["unknown field \"b\"", "unknown field \"a\"", "duplicate field \"c\""];
        let arranged = |kind| {
            let mut problems = found.map(str::to_owned);
            arrange(kind, &mut problems);
            problems
        };
        assert_eq!(arranged(PatchKind::Merge), [found[2], found[0], found[1]]);
        assert_eq!(arranged(PatchKind::Strategic), [found[2], found[1], found[0]]);
    }
}
