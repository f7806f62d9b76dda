//! What is wrong with a StatefulSet.

use super::super::pod_template;
use super::super::workload::{self, given};
use super::{claims, strategy};
use crate::validation::{self, labels, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, LabelSelector};

/// What an update may change in the spec.
const MUTABLE: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

/// How much of a set is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// All of it.
    Whole,
    /// What an update may change.
    Mutable,
    /// What an update may change, the template aside: the stored set is invalid by rules that are newer than it.
    MutableButTemplate,
}

/// What is wrong with a new set.
pub(super) fn created(set: &Document) -> FieldErrors {
    spec(set, Extent::Whole)
}

/// What is wrong with a changed set.
pub(super) fn changed(new: &Document, old: &Document) -> FieldErrors {
    let extent =
        if spec(old, Extent::Mutable).is_empty() { Extent::Mutable } else { Extent::MutableButTemplate };
    let mut out = spec(new, extent);
    let frozen = |set: &Document| {
        let mut spec = set.get("spec").cloned().unwrap_or_default();
        MUTABLE.iter().for_each(|field| drop(spec.remove(&[field])));
        spec
    };
    if frozen(new) != frozen(old) {
        let why = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
        out.push(FieldError::forbidden(&FieldPath::new("spec"), why));
    }
    out
}

fn spec(set: &Document, extent: Extent) -> FieldErrors {
    let field = FieldPath::new("spec");
    let spec = &set["spec"];
    let mut out = FieldErrors::new();
    out.extend(pod_management(spec.str_at(&["podManagementPolicy"]), &field.child("podManagementPolicy")));
    out.extend(strategy::validate(&spec["updateStrategy"], &field.child("updateStrategy")));
    out.extend(retention(spec, &field.child("persistentVolumeClaimRetentionPolicy")));
    if extent == Extent::Whole {
        out.extend(claims::validate(spec, &field));
    }
    let counts = [&["replicas"][..], &["minReadySeconds"], &["ordinals", "start"]];
    let negative = |path: &[&str]| {
        let place = path.iter().fold(field.clone(), |place, name| place.child(name));
        validation::not_negative(&place, spec.at(path))
    };
    out.extend(counts.into_iter().filter_map(negative));
    let service = spec.str_at(&["serviceName"]);
    if extent == Extent::Whole && !service.is_empty() {
        let place = field.child("serviceName");
        out.extend(validation::invalid(&place, service, names::dns1123_label(service)));
    }
    out.extend(pods(spec, &field, extent));
    out
}

fn pod_management(policy: &str, field: &FieldPath) -> Option<FieldError> {
    match policy {
        "" => Some(FieldError::required(field, "")),
        "OrderedReady" | "Parallel" => None,
        _ => Some(FieldError::invalid(field, policy, "must be 'OrderedReady' or 'Parallel'")),
    }
}

fn retention(spec: &Document, field: &FieldPath) -> FieldErrors {
    const POLICIES: [&str; 2] = ["Retain", "Delete"];
    let Some(policy) = given(spec, &["persistentVolumeClaimRetentionPolicy"]) else {
        return FieldErrors::new();
    };
    let check = |when: &str| {
        let value = policy.str_at(&[when]);
        (!POLICIES.contains(&value)).then(|| FieldError::not_supported(&field.child(when), value, &POLICIES))
    };
    ["whenDeleted", "whenScaled"].into_iter().filter_map(check).collect()
}

/// What is wrong with the selector and the template.
fn pods(spec: &Document, field: &FieldPath, extent: Extent) -> FieldErrors {
    let at = field.child("selector");
    let mut out = workload::selector(spec, &at, "empty selector is invalid for statefulset");
    let place = field.child("template");
    let template = &spec["template"];
    match LabelSelector::from_object(spec.get("selector")) {
        Err(_) => out.push(FieldError::invalid(&at, workload::shown_selector(spec.get("selector")), "")),
        Ok(selector) => {
            let whole = claims::with_volumes(template, spec);
            out.extend(workload::mismatch(&selector, Some(&whole), &place));
            if extent != Extent::MutableButTemplate {
                out.extend(pod_template::validate(Some(&whole), &place));
            }
            let given = whole.object_at(&["metadata", "labels"]);
            out.extend(labels::labels(&place.child("labels"), given));
        }
    }
    out.extend(workload::always_restarted(Some(template), &place, "StatefulSet"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Strategy;
    use skiff_apimachinery::doc;

    fn set() -> Document {
        let mut set = doc!({"metadata": {"name": "db"}, "spec": {
            "serviceName": "db",
            "selector": {"matchLabels": {"app": "db"}},
            "template": {
                "metadata": {"labels": {"app": "db"}},
                "spec": {"containers": [{
                    "name": "a", "image": "a:1", "volumeMounts": [{"name": "data", "mountPath": "/data"}]
                }]}
            },
            "volumeClaimTemplates": [{
                "metadata": {"name": "data"},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
            }]
        }});
        super::super::StatefulSet.default(&mut set);
        set
    }

    fn with(path: &[&str], value: Document) -> Document {
        let mut set = set();
        let full: Vec<&str> = ["spec"].iter().chain(path).copied().collect();
        set.set(&full, value);
        set
    }

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_defaulted_set_is_valid() {
        assert_eq!(created(&set()), []);
    }

    #[test]
    fn upstreams_messages_name_the_field() {
        const MISMATCH: &str = r#"spec.template.metadata.labels: Invalid value: {"app":"db"}: `selector` does not match template `labels`"#;
        let cases: [(&[&str], Document, &[&str]); 12] = [
            (&["podManagementPolicy"], "".into(), &["spec.podManagementPolicy: Required value"]),
            (
                &["podManagementPolicy"],
                "Random".into(),
                &[
                    r#"spec.podManagementPolicy: Invalid value: "Random": must be 'OrderedReady' or 'Parallel'"#,
                ],
            ),
            (&["updateStrategy", "type"], "".into(), &["spec.updateStrategy: Required value"]),
            (
                &["persistentVolumeClaimRetentionPolicy", "whenScaled"],
                "Keep".into(),
                &[
                    r#"spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "Keep": supported values: "Retain", "Delete""#,
                ],
            ),
            (
                &["replicas"],
                (-1).into(),
                &["spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
            ),
            (
                &["minReadySeconds"],
                (-1).into(),
                &["spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0"],
            ),
            (
                &["ordinals", "start"],
                (-1).into(),
                &["spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0"],
            ),
            (
                &["serviceName"],
                "Db".into(),
                &[
                    r#"spec.serviceName: Invalid value: "Db": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"#,
                ],
            ),
            (&["selector"], Document::NULL, &["spec.selector: Required value", MISMATCH]),
            (
                &["selector"],
                doc!({}),
                &["spec.selector: Invalid value: {}: empty selector is invalid for statefulset"],
            ),
            (&["selector", "matchLabels", "app"], "x".into(), &[MISMATCH]),
            (
                &["template", "spec", "activeDeadlineSeconds"],
                5.into(),
                &[
                    "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in StatefulSet is not Supported",
                ],
            ),
        ];
        for (path, value, expected) in cases {
            assert_eq!(texts(&created(&with(path, value))), expected, "{path:?}");
        }
    }

    #[test]
    fn updates_change_what_upstream_lets_them() {
        const FROZEN: &str = "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
        let cases: [(&[&str], Document, &[&str]); 6] = [
            (&["replicas"], 3.into(), &[]),
            (&["ordinals", "start"], 3.into(), &[]),
            (&["template", "spec", "terminationGracePeriodSeconds"], 5.into(), &[]),
            (&["persistentVolumeClaimRetentionPolicy", "whenScaled"], "Delete".into(), &[]),
            (&["podManagementPolicy"], "Parallel".into(), &[FROZEN]),
            // what a name may be was told when the set was new
            (&["serviceName"], "Db".into(), &[FROZEN]),
        ];
        for (path, value, expected) in cases {
            assert_eq!(texts(&changed(&with(path, value), &set())), expected, "{path:?}");
        }
    }

    #[test]
    fn a_template_that_was_invalid_does_not_hinder_updates() {
        let invalid = |replicas: i32| {
            let mut set = with(&["template", "spec", "containers"], Document::array());
            set.set(&["spec", "replicas"], replicas);
            set
        };
        assert_eq!(texts(&changed(&invalid(2), &invalid(1))), Vec::<String>::new());
        let refused = changed(&invalid(1), &set());
        assert_eq!(texts(&refused), ["spec.template.spec.containers: Required value"]);
    }
}
