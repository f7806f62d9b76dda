//! What may not change of a persistent volume.

use super::form::{NODE_AFFINITY, SOURCE};
use super::validate::given;
use crate::kinds::{difference, internal_form, node_selector};
use crate::validation::immutable;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// What is wrong with the change, both states being valid.
pub(super) fn volume(new: &Document, old: &Document) -> FieldErrors {
    static EMPTY: Document = Document::NULL;
    let [new, old] = [new, old].map(|volume| volume.get("spec").unwrap_or(&EMPTY));
    let mut out: FieldErrors = source(new, old).into_iter().collect();
    out.extend(immutable(&FieldPath::new("volumeMode"), new.get("volumeMode"), old.get("volumeMode")));
    if let Some(affinity) = given(old, "nodeAffinity") {
        out.extend(node_affinity(given(new, "nodeAffinity"), affinity));
    }
    let class = "volumeAttributesClassName";
    if given(old, class).is_some() && given(new, class).is_none() {
        let why = "update from non-nil value to nil is forbidden";
        out.push(FieldError::forbidden(&FieldPath::new("spec").child(class), why));
    }
    out
}

/// The source stays, but a driver may be told once which secret expands the volume.
fn source(new: &Document, old: &Document) -> Option<FieldError> {
    const EXPANDS: &str = "controllerExpandSecretRef";
    let mut new = new.clone();
    if given(old, "csi").is_some_and(|csi| given(csi, EXPANDS).is_none()) {
        new.remove(&["csi", EXPANDS]);
    }
    let [new, old] = [&new, old].map(|spec| internal_form::structure(spec, SOURCE));
    (new != old).then(|| {
        let difference = difference::unified(&old, &new);
        let why = format!("spec.persistentvolumesource is immutable after creation\n{difference}");
        FieldError::forbidden(&FieldPath::new("spec.persistentvolumesource"), why)
    })
}

/// The nodes stay; only names of labels may follow the times.
fn node_affinity(new: Option<&Document>, old: &Document) -> Option<FieldError> {
    let same = new.is_some_and(|new| follows(new, old));
    (!same).then(|| {
        let shown = internal_form::pointer(new, NODE_AFFINITY);
        let why = "field is immutable, except for updating from beta label to GA";
        FieldError::invalid(&FieldPath::new("nodeAffinity"), shown, why)
    })
}

/// Whether an affinity is the old one, but for deprecated labels that got their new names.
fn follows(new: &Document, old: &Document) -> bool {
    let [new, old] = [new, old].map(|affinity| internal_form::structure(affinity, NODE_AFFINITY));
    let terms = |affinity: &Document| affinity.array_at(&["Required", "NodeSelectorTerms"]).to_vec();
    let (mut before, after) = (terms(&old), terms(&new));
    for (old, new) in before.iter_mut().zip(&after) {
        for list in ["MatchExpressions", "MatchFields"] {
            rename(old.get_mut(list), new.array_at(&[list]));
        }
    }
    let anywhere = |affinity: &Document| affinity["Required"].is_null();
    before == after && anywhere(&new) == anywhere(&old)
}

/// Gives deprecated labels their new names where the other list has these.
fn rename(old: Option<&mut Document>, new: &[Document]) {
    let requirements = old.and_then(Document::as_array_mut).into_iter().flatten();
    for (old, new) in requirements.zip(new) {
        let name = node_selector::renamed(old.str_at(&["Key"])).map(|(name, _)| name);
        if name == Some(new.str_at(&["Key"])) {
            old.set(&["Key"], name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn texts(new: &Document, old: &Document) -> Vec<String> {
        let holder = |spec: &Document| doc!({"spec": spec});
        volume(&holder(new), &holder(old)).iter().map(ToString::to_string).collect()
    }

    fn affinity(key: &str, values: &[&str]) -> Document {
        doc!({"nodeAffinity": {"required": {"nodeSelectorTerms": [
            {"matchExpressions": [{"key": key, "operator": "In", "values": values.to_vec()}]}
        ]}}})
    }

    #[test]
    fn the_source_does_not_change() {
        let of = |path: &str| doc!({"hostPath": {"path": path, "type": ""}});
        assert_eq!(texts(&of("/a"), &of("/a")), Vec::<String>::new());
        let expected = [
            "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation",
            "@@ -2,7 +2,7 @@",
            r#"   "GCEPersistentDisk": null,"#,
            r#"   "AWSElasticBlockStore": null,"#,
            r#"   "HostPath": {"#,
            r#"-    "Path": "/a","#,
            r#"+    "Path": "/b","#,
            r#"     "Type": """#,
            "   },",
            r#"   "Glusterfs": null,"#,
            "",
        ];
        assert_eq!(texts(&of("/b"), &of("/a")), [expected.join("\n")]);
    }

    #[test]
    fn a_driver_learns_once_which_secret_expands() {
        let of = |name: Option<&str>| {
            let secret = name.map(|name| doc!({"name": name, "namespace": "n"}));
            doc!({"csi": {"driver": "d", "volumeHandle": "h", "controllerExpandSecretRef": secret}})
        };
        assert_eq!(texts(&of(Some("a")), &of(None)), Vec::<String>::new());
        assert_eq!(texts(&of(Some("b")), &of(Some("a"))).len(), 1);
        assert_eq!(texts(&of(None), &of(Some("a"))).len(), 1);
    }

    #[test]
    fn the_nodes_stay_but_labels_may_get_their_new_names() {
        let beta = affinity("failure-domain.beta.kubernetes.io/zone", &["z"]);
        let stable = affinity("topology.kubernetes.io/zone", &["z"]);
        assert_eq!(texts(&stable, &beta), Vec::<String>::new());
        assert_eq!(texts(&beta, &doc!({})), Vec::<String>::new());
        assert_eq!(texts(&beta, &stable).len(), 1);
        assert_eq!(
            texts(&affinity("a", &["y"]), &affinity("a", &["z"])),
            [
                r#"nodeAffinity: Invalid value: {"Required":{"NodeSelectorTerms":[{"MatchExpressions":[{"Key":"a","Operator":"In","Values":["y"]}],"MatchFields":null}]}}: field is immutable, except for updating from beta label to GA"#
            ]
        );
        assert_eq!(
            texts(&doc!({}), &beta),
            [
                "nodeAffinity: Invalid value: null: field is immutable, except for updating from beta label to GA"
            ]
        );
    }

    #[test]
    fn modes_stay_and_attributes_have_a_class_once_they_had_one() {
        let block = doc!({"volumeMode": "Block", "volumeAttributesClassName": "gold"});
        assert_eq!(
            texts(&doc!({"volumeMode": "Filesystem"}), &block),
            [
                r#"volumeMode: Invalid value: "Filesystem": field is immutable"#,
                "spec.volumeAttributesClassName: Forbidden: update from non-nil value to nil is forbidden",
            ]
        );
        let silver = doc!({"volumeMode": "Block", "volumeAttributesClassName": "silver"});
        assert_eq!(texts(&silver, &block), Vec::<String>::new());
    }
}
