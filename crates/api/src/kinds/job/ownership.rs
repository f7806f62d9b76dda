//! Labels and selector that tie pods to their job. The server makes them of the job's name and UID, unless a client says
//! that it selects the pods itself.

use super::super::workload::{self, given};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, LabelSelector, Map};

/// What the selector asks for.
const UID: &str = "batch.kubernetes.io/controller-uid";
const NAME: &str = "batch.kubernetes.io/job-name";
/// What both were called before labels of the project had its prefix.
const UID_BEFORE: &str = "controller-uid";
const NAME_BEFORE: &str = "job-name";
const LABELS: [&str; 4] = ["spec", "template", "metadata", "labels"];

/// Which of the labels a job must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Labels {
    /// All of them.
    All,
    /// Those from before the prefix: the job is older than it.
    Unprefixed,
}

impl Labels {
    /// What a change of this job must keep.
    pub(super) fn required_of(old: &Document) -> Self {
        let labels = old.object_at(&LABELS);
        let has = |key: &str| labels.is_some_and(|labels| labels.contains_key(key));
        if has(UID) && has(NAME) { Self::All } else { Self::Unprefixed }
    }

    /// In the order in which upstream misses them.
    fn expected(self, job: &Document) -> Vec<(&'static str, &str)> {
        let mut out = vec![(UID_BEFORE, job.uid()), (NAME_BEFORE, job.name())];
        if self == Self::All {
            out.extend([(UID, job.uid()), (NAME, job.name())]);
        }
        out
    }
}

/// Makes the labels and the selector; what a client gave stays, for validation to refuse.
pub(super) fn generate(job: &mut Document) {
    if is_manual(job) {
        return;
    }
    let (uid, name) = (job.uid().to_owned(), job.name().to_owned());
    let labels = job.ensure(&LABELS);
    for (key, value) in [(NAME_BEFORE, &name), (NAME, &name), (UID_BEFORE, &uid), (UID, &uid)] {
        labels.set_default(&[key], value);
    }
    job.set_default(&["spec", "selector", "matchLabels", UID], uid);
}

/// What is wrong with the labels and the selector, if the server made them.
pub(super) fn validate(job: &Document, labels: Labels) -> FieldErrors {
    let selector = given(job, &["spec", "selector"]).filter(|_| !is_manual(job));
    let Some(selector) = selector else { return FieldErrors::new() };
    let mut out = FieldErrors::new();
    if job.uid().is_empty() {
        out.push(FieldError::required(&FieldPath::new("metadata").child("uid"), ""));
    }
    let expected = labels.expected(job);
    let field = FieldPath::new("spec").child("template").child("metadata").child("labels");
    let labels = job.at(&LABELS);
    out.extend(expected.iter().filter_map(|(key, value)| wrong_label(&field, labels, key, value)));
    let expected: Map = expected.into_iter().fold(Map::new(), |mut map, (key, value)| {
        map.insert(key, value);
        map
    });
    if LabelSelector::from_object(Some(selector)).is_ok_and(|parsed| !parsed.matches(Some(&expected))) {
        let field = FieldPath::new("spec").child("selector");
        let shown = workload::shown_selector(Some(selector));
        out.push(FieldError::invalid(&field, shown, "`selector` not auto-generated"));
    }
    out
}

/// The template lacks what the selector asks for.
pub(super) fn mismatch(spec: &Document, field: &FieldPath) -> Option<FieldError> {
    let selector = LabelSelector::from_object(spec.get("selector")).ok()?;
    workload::mismatch(&selector, spec.get("template"), &field.child("template"))
}

fn wrong_label(field: &FieldPath, labels: Option<&Document>, key: &str, value: &str) -> Option<FieldError> {
    let why = format!("must be '{value}'");
    let at = field.key(key);
    match labels.and_then(|labels| labels.get(key)) {
        None => Some(FieldError::required(&at, why)),
        Some(given) if given.as_str() == Some(value) => None,
        Some(_) => Some(FieldError::invalid(&at, workload::shown_labels(labels), why)),
    }
}

fn is_manual(job: &Document) -> bool {
    job.bool_at(&["spec", "manualSelector"]) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn generated() -> Document {
        let mut job = doc!({"metadata": {"name": "j", "uid": "u"}, "spec": {"template": {}}});
        generate(&mut job);
        job
    }

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_job_selects_its_pods_by_its_uid() {
        let job = generated();
        assert_eq!(
            job["spec"]["selector"],
            doc!({"matchLabels": {"batch.kubernetes.io/controller-uid": "u"}})
        );
        assert_eq!(
            job.at(&LABELS),
            Some(&doc!({
                "job-name": "j", "batch.kubernetes.io/job-name": "j",
                "controller-uid": "u", "batch.kubernetes.io/controller-uid": "u"
            }))
        );
        assert_eq!(texts(&validate(&job, Labels::All)), Vec::<String>::new());
    }

    #[test]
    fn a_client_may_select_pods_itself() {
        let mut job = doc!({"metadata": {"name": "j", "uid": "u"}, "spec": {
            "manualSelector": true, "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}}
        }});
        let given = job.clone();
        generate(&mut job);
        assert_eq!(job, given);
        assert_eq!(texts(&validate(&job, Labels::All)), Vec::<String>::new());
    }

    #[test]
    fn what_a_client_gave_against_the_server_is_refused() {
        let mut job = doc!({"metadata": {"name": "j", "uid": "u"}, "spec": {
            "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"job-name": "x"}}}
        }});
        generate(&mut job);
        let labels = r#"{"batch.kubernetes.io/controller-uid":"u","batch.kubernetes.io/job-name":"j","controller-uid":"u","job-name":"x"}"#;
        assert_eq!(
            texts(&validate(&job, Labels::All)),
            [
                format!("spec.template.metadata.labels[job-name]: Invalid value: {labels}: must be 'j'"),
                r#"spec.selector: Invalid value: {"matchLabels":{"a":"b","batch.kubernetes.io/controller-uid":"u"}}: `selector` not auto-generated"#.to_owned(),
            ]
        );
    }

    #[test]
    fn jobs_from_before_the_prefix_keep_their_labels() {
        let mut old = generated();
        old.set(&LABELS, doc!({"job-name": "j", "controller-uid": "u"}));
        old.set(&["spec", "selector"], doc!({"matchLabels": {"controller-uid": "u"}}));
        assert_eq!(Labels::required_of(&old), Labels::Unprefixed);
        assert_eq!(texts(&validate(&old, Labels::Unprefixed)), Vec::<String>::new());
        assert_eq!(
            texts(&validate(&old, Labels::All)),
            [
                "spec.template.metadata.labels[batch.kubernetes.io/controller-uid]: Required value: must be 'u'",
                "spec.template.metadata.labels[batch.kubernetes.io/job-name]: Required value: must be 'j'",
            ]
        );
    }

    #[test]
    fn a_selector_that_the_template_misses_is_a_mismatch() {
        let spec = doc!({"selector": {"matchLabels": {"a": "b"}}, "template": {}});
        assert_eq!(
            mismatch(&spec, &FieldPath::new("spec")).unwrap().to_string(),
            "spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`"
        );
    }
}
