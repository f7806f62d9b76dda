//! What may not change of a claim: all of its specification, but for what is set once and what grows.

use super::CLASS;
use super::data_source;
use crate::kinds::difference;
use crate::kinds::internal_form::{self, Field};
use crate::validation::immutable;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Quantity};

const ATTRIBUTES: &str = "volumeAttributesClassName";
const REQUEST: [&str; 3] = ["resources", "requests", "storage"];

const RESOURCES: &[Field] = &[Field::map("limits", "Limits"), Field::map("requests", "Requests")];
const DATA_SOURCE: &[Field] =
    &[Field::value("apiGroup", "APIGroup"), Field::text("kind", "Kind"), Field::text("name", "Name")];
const DATA_SOURCE_REF: &[Field] = &[Field::embedded(DATA_SOURCE), Field::value("namespace", "Namespace")];
/// `core.PersistentVolumeClaimSpec`.
const SPEC: &[Field] = &[
    Field::value("accessModes", "AccessModes"),
    Field::value("selector", "Selector"),
    Field::nested("resources", "Resources", RESOURCES),
    Field::text("volumeName", "VolumeName"),
    Field::value("storageClassName", "StorageClassName"),
    Field::value("volumeMode", "VolumeMode"),
    Field::pointer("dataSource", "DataSource", DATA_SOURCE),
    Field::pointer("dataSourceRef", "DataSourceRef", DATA_SOURCE_REF),
    Field::value(ATTRIBUTES, "VolumeAttributesClassName"),
];

/// What is wrong with the change, the new state being valid.
pub(super) fn claim(new: &Document, old: &Document) -> FieldErrors {
    let is_upgrade = upgrades_from_annotation(new, old);
    let mut out = FieldErrors::new();
    if !is_upgrade {
        out.extend(annotation(new, old));
    }
    out.extend(specification(new, old, is_upgrade));
    out.extend(size(new, old));
    let mode = ["spec", "volumeMode"];
    out.extend(immutable(&FieldPath::new("volumeMode"), new.at(&mode), old.at(&mode)));
    out.extend(attributes(new, old));
    out
}

/// The specification stays, apart from what the binder, the class and the size are allowed.
fn specification(new: &Document, old: &Document, is_upgrade: bool) -> Option<FieldError> {
    let spec = |claim: &Document| claim.get("spec").cloned().unwrap_or_default();
    let (mut after, mut before) = (spec(new), spec(old));
    // A claim that was stored by an older server may lack one of its source's names.
    data_source::normalize(&mut before);
    if before.str_at(&["volumeName"]).is_empty() {
        copy(&mut before, &after, "volumeName");
    }
    if is_upgrade {
        after.remove(&["storageClassName"]);
    } else if gets_its_class(new, old) {
        copy(&mut after, &before, "storageClassName");
    }
    if new.str_at(&["status", "phase"]) == "Bound" {
        if after.object_at(&["resources", "requests"]).is_some() {
            let size = before.at(&REQUEST).cloned().unwrap_or_else(|| "0".into());
            after.set(&REQUEST, size);
        }
        if is_given(&after, ATTRIBUTES) {
            copy(&mut after, &before, ATTRIBUTES);
        }
    }
    let [before, after] = [before, after].map(|spec| internal_form::structure(&spec, SPEC));
    (before != after).then(|| {
        let difference = difference::unified(&before, &after);
        let why = format!(
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n{difference}"
        );
        FieldError::forbidden(&FieldPath::new("spec"), why)
    })
}

/// A claim may ask for less again while it did not get more, but never for what it has or less (KEP-1790).
fn size(new: &Document, old: &Document) -> Option<FieldError> {
    let of = |claim: &Document| claim.get("spec").map_or(Quantity::ZERO, |spec| Quantity::at(spec, &REQUEST));
    let has = Quantity::at(new, &["status", "capacity", "storage"]);
    (of(new) < of(old) && of(new) <= has).then(|| {
        let field = FieldPath::new("spec.resources.requests.storage");
        FieldError::forbidden(&field, "field can not be less than status.capacity")
    })
}

fn attributes(new: &Document, old: &Document) -> Option<FieldError> {
    let class =
        |claim: &Document| claim.at(&["spec", ATTRIBUTES]).and_then(Document::as_str).map(str::to_owned);
    class(old)?;
    let why = match class(new).as_deref() {
        None => "update from non-nil value to nil is forbidden",
        // An empty name that stays is no change.
        Some("") if class(old).as_deref() != Some("") => {
            "update from non-nil value to an empty string is forbidden"
        }
        Some(_) => return None,
    };
    Some(FieldError::forbidden(&FieldPath::new("spec").child(ATTRIBUTES), why))
}

fn annotation(new: &Document, old: &Document) -> Option<FieldError> {
    let value = |claim: &Document| claim.annotation(CLASS).unwrap_or("").to_owned();
    let field = FieldPath::new("metadata").child("annotations").child(CLASS);
    (value(new) != value(old)).then(|| FieldError::invalid(&field, value(new), "field is immutable"))
}

/// Whether the class that an annotation named moves into its field.
fn upgrades_from_annotation(new: &Document, old: &Document) -> bool {
    let Some(class) = old.annotation(CLASS) else { return false };
    class_field(old).is_none()
        && class_field(new) == Some(class)
        && new.annotation(CLASS).is_none_or(|annotation| annotation == class)
}

/// Whether a claim without a class gets one.
fn gets_its_class(new: &Document, old: &Document) -> bool {
    let Some(class) = class_field(new) else { return false };
    class_field(old).is_none() && old.annotation(CLASS).is_none_or(|annotation| annotation == class)
}

fn class_field(claim: &Document) -> Option<&str> {
    claim.at(&["spec", "storageClassName"]).and_then(Document::as_str)
}

fn is_given(spec: &Document, name: &str) -> bool {
    spec.get(name).is_some_and(|value| !value.is_null())
}

fn copy(to: &mut Document, from: &Document, name: &str) {
    to.insert(name, from.get(name).cloned());
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    /// A claim with some fields replaced.
    fn of(changes: &Document, phase: &str) -> Document {
        let mut claim = doc!({
            "metadata": {"annotations": {}},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}, "volumeMode": "Block"},
            "status": {"phase": phase, "capacity": {"storage": "1Gi"}}
        });
        for (name, value) in changes.as_object().unwrap().iter() {
            claim.set(&["spec", name], value);
        }
        claim
    }

    fn texts(new: &Document, old: &Document) -> Vec<String> {
        claim(new, old).iter().map(ToString::to_string).collect()
    }

    fn sized(storage: &str) -> Document {
        doc!({"resources": {"requests": {"storage": storage}}})
    }

    #[test]
    fn the_difference_is_told() {
        let expected = [
            "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
            "@@ -6,7 +6,7 @@",
            r#"   "Resources": {"#,
            r#"     "Limits": null,"#,
            r#"     "Requests": {"#,
            r#"-      "storage": "2Gi""#,
            r#"+      "storage": "3Gi""#,
            "     }",
            "   },",
            r#"   "VolumeName": "","#,
            "",
        ];
        assert_eq!(texts(&of(&sized("3Gi"), "Pending"), &of(&doc!({}), "Pending")), [expected.join("\n")]);
    }

    #[test]
    fn what_is_set_once_and_what_grows_may_change() {
        let none = doc!({});
        let fine = [
            ("nothing", doc!({}), doc!({}), "Pending"),
            ("the volume", doc!({"volumeName": "v"}), none.clone(), "Pending"),
            ("the class", doc!({"storageClassName": "c"}), none.clone(), "Pending"),
            ("more", sized("3Gi"), none.clone(), "Bound"),
            ("less, but more than there is", sized("1536Mi"), none.clone(), "Bound"),
            ("the attributes", doc!({ATTRIBUTES: "b"}), doc!({ATTRIBUTES: "a"}), "Bound"),
            (
                "the other name of a source",
                doc!({
                    "dataSource": {"kind": "PersistentVolumeClaim", "name": "a"},
                    "dataSourceRef": {"kind": "PersistentVolumeClaim", "name": "a"}
                }),
                doc!({"dataSource": {"kind": "PersistentVolumeClaim", "name": "a"}}),
                "Bound",
            ),
        ];
        for (name, new, old, phase) in fine {
            assert_eq!(texts(&of(&new, phase), &of(&old, phase)), Vec::<String>::new(), "{name}");
        }
        let volume = |name: &str| of(&doc!({"volumeName": name}), "Bound");
        assert_eq!(texts(&volume("b"), &volume("a")).len(), 1);
        let class = |name: &str| of(&doc!({"storageClassName": name}), "Bound");
        assert_eq!(texts(&class("b"), &class("a")).len(), 1);
    }

    #[test]
    fn claims_do_not_shrink_below_what_they_have() {
        let small = of(&sized("1Gi"), "Bound");
        assert_eq!(
            texts(&small, &of(&doc!({}), "Bound")),
            ["spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"]
        );
    }

    #[test]
    fn attributes_have_a_class_once_they_had_one() {
        let gold = of(&doc!({ATTRIBUTES: "gold"}), "Bound");
        let cases = [
            (doc!({ATTRIBUTES: ""}), "update from non-nil value to an empty string is forbidden"),
            (doc!({}), "update from non-nil value to nil is forbidden"),
        ];
        for (changes, why) in cases {
            let found = texts(&of(&changes, "Bound"), &gold);
            let text = format!("spec.volumeAttributesClassName: Forbidden: {why}");
            assert!(found.contains(&text), "{found:?}");
        }
    }

    #[test]
    fn the_class_moves_from_its_annotation_to_its_field() {
        let annotated = |class: &str, changes: &Document| {
            let mut claim = of(changes, "Bound");
            claim.set(&["metadata", "annotations", CLASS], class);
            claim
        };
        let old = annotated("a", &doc!({}));
        let moved = of(&doc!({"storageClassName": "a"}), "Bound");
        assert_eq!(texts(&moved, &old), Vec::<String>::new());
        assert_eq!(
            texts(&annotated("b", &doc!({})), &old),
            [
                r#"metadata.annotations.volume.beta.kubernetes.io/storage-class: Invalid value: "b": field is immutable"#
            ]
        );
    }
}
