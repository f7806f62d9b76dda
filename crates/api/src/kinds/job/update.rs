//! What may change in a job that is there.

use super::super::workload::{self, given};
use super::completion;
use crate::validation;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// What is wrong with the change.
pub(super) fn validate(new: &Document, old: &Document) -> FieldErrors {
    let field = FieldPath::new("spec");
    let (now, before) = (&new["spec"], &old["spec"]);
    let frozen = |name: &str| validation::immutable(&field.child(name), now.get(name), before.get(name));
    let mut out = FieldErrors::new();
    out.extend(completions(now, before, &field));
    out.extend(workload::immutable_selector(new, old));
    out.extend(template(new, old, &field));
    for name in ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"] {
        out.extend(frozen(name));
    }
    out
}

/// An indexed job may be scaled: its completions and parallelism move together.
fn completions(now: &Document, before: &Document, field: &FieldPath) -> Option<FieldError> {
    let at = field.child("completions");
    let value = |spec: &Document| spec.i64_at(&["completions"]);
    if !completion::is_indexed(now) {
        return validation::immutable(&at, now.get("completions"), before.get("completions"));
    }
    let wanted = value(now).filter(|_| value(now) != value(before))?;
    (now.i64_at(&["parallelism"]) != Some(wanted)).then(|| {
        let why = format!("can only be modified in tandem with {}", field.child("parallelism"));
        FieldError::invalid(&at, wanted, why)
    })
}

fn template(new: &Document, old: &Document, field: &FieldPath) -> Option<FieldError> {
    const PATH: [&str; 2] = ["spec", "template"];
    let now = new.at(&PATH).cloned().unwrap_or_default();
    let mut before = old.at(&PATH).cloned().unwrap_or_default();
    let suspended = old.bool_at(&["spec", "suspend"]) == Some(true);
    let never_started = given(old, &["status", "startTime"]).is_none();
    if suspended && never_started {
        allow_other_places(&now, &mut before);
    }
    validation::immutable(&field.child("template"), Some(&now), Some(&before))
}

/// A job whose pods were never placed may change where they go: what says so is not compared.
fn allow_other_places(now: &Document, before: &mut Document) {
    const FREE: [&[&str]; 5] = [
        &["spec", "nodeSelector"],
        &["spec", "tolerations"],
        &["metadata", "annotations"],
        &["metadata", "labels"],
        &["spec", "schedulingGates"],
    ];
    const AFFINITY: [&str; 2] = ["spec", "affinity"];
    const TO_NODES: [&str; 3] = ["spec", "affinity", "nodeAffinity"];
    match (given(now, &AFFINITY), given(before, &AFFINITY).is_some()) {
        (None, false) => {}
        (None, true) => {
            before.remove(&TO_NODES);
            // The other affinities would have to stay.
            if before.at(&AFFINITY).is_some_and(Document::is_empty) {
                before.remove(&AFFINITY);
            }
        }
        (Some(_), _) => {
            before.ensure(&AFFINITY).make_object();
            workload::restore(before, now, &TO_NODES);
        }
    }
    for path in FREE {
        workload::restore(before, now, path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Strategy;
    use crate::kinds::job::Job;
    use crate::strategy::UpdateScope;
    use skiff_apimachinery::doc;

    fn job(spec: &Document) -> Document {
        let mut job = doc!({"metadata": {"name": "j", "uid": "u"}, "spec": {"template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "a", "image": "a:1"}]
        }}}});
        for (key, value) in spec.as_object().unwrap().iter() {
            job.set(&["spec", key], value);
        }
        Job.default(&mut job);
        Job.prepare_for_create(&mut job);
        job
    }

    fn errors(new: &Document, old: &Document) -> Vec<String> {
        validate(new, old).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_wanted_stays() {
        let rules = doc!({"rules": [{"action": "Ignore", "onExitCodes": {"operator": "In", "values": [1]}}]});
        let plain = doc!({});
        let indexed = doc!({"completionMode": "Indexed", "completions": 2, "parallelism": 2});
        let cases: [(&Document, &[&str], Document, &[&str]); 10] = [
            (&plain, &["parallelism"], 3.into(), &[]),
            (&plain, &["suspend"], true.into(), &[]),
            (&plain, &["backoffLimit"], 3.into(), &[]),
            (&plain, &["completions"], 3.into(), &["spec.completions: Invalid value: 3: field is immutable"]),
            (
                &plain,
                &["completionMode"],
                "Indexed".into(),
                &[r#"spec.completionMode: Invalid value: "Indexed": field is immutable"#],
            ),
            (
                &plain,
                &["managedBy"],
                "a.b/c".into(),
                &[r#"spec.managedBy: Invalid value: "a.b/c": field is immutable"#],
            ),
            (
                &plain,
                &["podFailurePolicy"],
                rules,
                &[
                    r#"spec.podFailurePolicy: Invalid value: {"rules":[{"action":"Ignore","onExitCodes":{"operator":"In","values":[1]}}]}: field is immutable"#,
                ],
            ),
            (
                &plain,
                &["selector"],
                doc!({"matchLabels": {"a": "b"}}),
                &[r#"spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: field is immutable"#],
            ),
            (
                &indexed,
                &["completions"],
                3.into(),
                &["spec.completions: Invalid value: 3: can only be modified in tandem with spec.parallelism"],
            ),
            (&indexed, &["parallelism"], 3.into(), &[]),
        ];
        for (spec, path, value, expected) in cases {
            let old = job(spec);
            let mut new = old.clone();
            new.set(&[&["spec"][..], path].concat(), value);
            assert_eq!(errors(&new, &old), expected, "{path:?}");
        }
    }

    #[test]
    fn an_indexed_job_is_scaled() {
        let old = job(&doc!({"completionMode": "Indexed", "completions": 2, "parallelism": 2}));
        let mut new = old.clone();
        new.set(&["spec", "completions"], 3);
        new.set(&["spec", "parallelism"], 3);
        assert_eq!(errors(&new, &old), Vec::<String>::new());
        assert_eq!(Job.validate_update(UpdateScope::Main, &new, &old), []);
    }

    #[test]
    fn pods_that_were_never_placed_may_go_elsewhere() {
        let node =
            doc!({"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1}]}});
        let both = doc!({"nodeAffinity": {}, "podAffinity": {}});
        // before, after, whether a job that waits may change so
        let cases: [(&[&str], Document, Document, bool); 10] = [
            (&["spec", "nodeSelector"], Document::NULL, doc!({"a": "b"}), true),
            (&["spec", "tolerations"], Document::NULL, doc!([{"operator": "Exists"}]), true),
            (&["metadata", "annotations"], Document::NULL, doc!({"a": "b"}), true),
            (&["metadata", "labels", "a"], Document::NULL, "b".into(), true),
            (&["spec", "schedulingGates"], doc!([{"name": "g"}]), Document::NULL, true),
            (&["spec", "affinity"], Document::NULL, node.clone(), true),
            (&["spec", "affinity"], node.clone(), Document::NULL, true),
            (&["spec", "affinity"], both.clone(), Document::NULL, false),
            (&["spec", "affinity"], node, both, false),
            (&["spec", "hostNetwork"], Document::NULL, true.into(), false),
        ];
        for (path, was, is, allowed) in cases {
            let with = |value: &Document, suspend: bool| {
                let mut job = job(&doc!({"suspend": suspend}));
                let full = [&["spec", "template"][..], path].concat();
                if value.is_null() {
                    drop(job.remove(&full))
                } else {
                    job.set(&full, value)
                }
                job
            };
            let refused = |old: &Document, suspend: bool| !errors(&with(&is, suspend), old).is_empty();
            let mut waiting = with(&was, true);
            assert_eq!(refused(&waiting, true), !allowed, "{path:?} {was} {is}");
            waiting.set(&["status", "startTime"], "2024-01-01T00:00:00Z");
            assert!(refused(&waiting, true), "{path:?} once it started");
            assert!(refused(&with(&was, false), false), "{path:?} as it runs");
        }
    }
}
