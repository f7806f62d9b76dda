//! What is wanted of a job, in a job and in the template of a CronJob.

use super::super::pod_template;
use super::super::workload::given;
use super::{completion, failure_policy, managed_by, success_policy};
use crate::validation;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

const COUNTS: [&str; 7] = [
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
];

/// What is wrong with it, the selector aside.
pub(crate) fn validate(spec: &Document, field: &FieldPath) -> FieldErrors {
    let has = |name: &str| given(spec, &[name]).is_some();
    let negative = |name: &&str| validation::not_negative(&field.child(name), spec.get(name));
    let mut out: FieldErrors = COUNTS.iter().filter_map(negative).collect();
    if has("maxFailedIndexes") && !has("backoffLimitPerIndex") {
        let at = field.child("backoffLimitPerIndex");
        out.push(FieldError::required(&at, "when maxFailedIndexes is specified"));
    }
    if let Some(manager) = given(spec, &["managedBy"]) {
        out.extend(managed_by::validate(manager.as_str().unwrap_or(""), &field.child("managedBy")));
    }
    out.extend(completion::validate(spec, field));
    out.extend(failure_policy::validate(spec, &field.child("podFailurePolicy")));
    out.extend(success_policy::validate(spec, &field.child("successPolicy")));
    out.extend(replacement(spec, &field.child("podReplacementPolicy")));
    let at = field.child("template");
    out.extend(pod_template::validate(spec.get("template"), &at));
    out.extend(restarts(spec, &at.child("spec").child("restartPolicy")));
    out
}

/// Pods that a policy judges must have ended before they are replaced.
fn replacement(spec: &Document, field: &FieldPath) -> Option<FieldError> {
    let policy = given(spec, &["podReplacementPolicy"])?.as_str().unwrap_or("");
    let allowed: &[&str] = match given(spec, &["podFailurePolicy"]) {
        Some(_) => &["Failed"],
        None => &["Failed", "TerminatingOrFailed"],
    };
    (!allowed.contains(&policy)).then(|| FieldError::not_supported(field, policy, allowed))
}

/// Pods of a job are not restarted for ever.
fn restarts(spec: &Document, field: &FieldPath) -> FieldErrors {
    const ALLOWED: [&str; 2] = ["OnFailure", "Never"];
    let policy = spec.str_at(&["template", "spec", "restartPolicy"]);
    let mut out = FieldErrors::new();
    if ["", "Always"].contains(&policy) {
        out.push(FieldError::required(field, "valid values: \"OnFailure\", \"Never\""));
    } else if !ALLOWED.contains(&policy) {
        out.push(FieldError::not_supported(field, policy, &ALLOWED));
    }
    if given(spec, &["podFailurePolicy"]).is_some() && policy != "Never" {
        let why = "only \"Never\" is supported when podFailurePolicy is specified";
        out.push(FieldError::invalid(field, policy, why));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Strategy;
    use skiff_apimachinery::doc;

    fn with(path: &[&str], value: Document) -> Document {
        let mut job = doc!({"spec": {"template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "a", "image": "a:1"}]
        }}}});
        job.set(&[&["spec"][..], path].concat(), value);
        super::super::Job.default(&mut job);
        job["spec"].clone()
    }

    #[test]
    fn upstreams_messages_name_the_field() {
        let rules = doc!({"rules": [{"action": "Ignore", "onExitCodes": {"operator": "In", "values": [1]}}]});
        let cases: [(&[&str], Document, &[&str]); 12] = [
            (&["parallelism"], 0.into(), &[]),
            (
                &["parallelism"],
                (-1).into(),
                &["s.parallelism: Invalid value: -1: must be greater than or equal to 0"],
            ),
            (
                &["ttlSecondsAfterFinished"],
                (-1).into(),
                &["s.ttlSecondsAfterFinished: Invalid value: -1: must be greater than or equal to 0"],
            ),
            (
                &["maxFailedIndexes"],
                1.into(),
                &[
                    "s.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified",
                    "s.maxFailedIndexes: Invalid value: 1: requires indexed completion mode",
                ],
            ),
            (&["managedBy"], "".into(), &["s.managedBy: Required value"]),
            (&["podReplacementPolicy"], "Failed".into(), &[]),
            (
                &["podReplacementPolicy"],
                "Always".into(),
                &[
                    r#"s.podReplacementPolicy: Unsupported value: "Always": supported values: "Failed", "TerminatingOrFailed""#,
                ],
            ),
            (&["podFailurePolicy"], rules, &[]),
            (
                &["podFailurePolicy", "rules"],
                doc!([{"action": "Ignore"}]),
                &[
                    "s.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required",
                ],
            ),
            (
                &["successPolicy", "rules"],
                doc!([{"succeededCount": 1}]),
                &[
                    r#"s.successPolicy: Invalid value: {"Rules":[{"SucceededIndexes":null,"SucceededCount":1}]}: requires indexed completion mode"#,
                ],
            ),
            (
                &["template", "spec", "restartPolicy"],
                "Always".into(),
                &[r#"s.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never""#],
            ),
            (&["template", "spec", "activeDeadlineSeconds"], 5.into(), &[]),
        ];
        for (path, value, expected) in cases {
            let errors = validate(&with(path, value), &FieldPath::new("s"));
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(texts, expected, "{path:?}");
        }
    }

    #[test]
    fn a_failure_policy_asks_for_pods_that_are_not_restarted() {
        let mut spec = with(&["podFailurePolicy", "rules"], Document::array());
        spec.set(&["template", "spec", "restartPolicy"], "OnFailure");
        spec.set(&["podReplacementPolicy"], "TerminatingOrFailed");
        let errors = validate(&spec, &FieldPath::new("s"));
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                r#"s.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed""#,
                r#"s.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified"#
            ]
        );
    }
}
