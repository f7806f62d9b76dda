//! When a job is complete: how many pods must succeed and whether each has an index, with limits for jobs of many.

use super::super::workload::given;
use crate::validation::names;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// Pods of an indexed job that may run at once, and indexes that may fail.
const MOST_INDEXES: i64 = 100_000;
/// Completions above which an indexed job may be too large to track.
const MANY_COMPLETIONS: i64 = 100_000;
/// What a job of so many completions may have of either, if each index has a limit of its own.
const MOST_OF_MANY: i64 = 10_000;

/// Whether each pod has an index.
pub(super) fn is_indexed(spec: &Document) -> bool {
    spec.str_at(&["completionMode"]) == "Indexed"
}

/// What is wrong with the mode and with what goes with it.
pub(super) fn validate(spec: &Document, field: &FieldPath) -> FieldErrors {
    const MODES: [&str; 2] = ["NonIndexed", "Indexed"];
    match given(spec, &["completionMode"]).map(|mode| mode.as_str().unwrap_or("")) {
        Some("Indexed") => indexed(spec, field),
        None | Some("NonIndexed") => {
            let refuse = |name: &str| {
                let value = given(spec, &[name])?;
                Some(FieldError::invalid(&field.child(name), value, "requires indexed completion mode"))
            };
            ["backoffLimitPerIndex", "maxFailedIndexes"].into_iter().filter_map(refuse).collect()
        }
        Some(mode) => vec![FieldError::not_supported(&field.child("completionMode"), mode, &MODES)],
    }
}

/// Pods of an indexed job have host names that end in their index.
pub(super) fn host_names(job: &Document) -> Option<FieldError> {
    let spec = &job["spec"];
    let completions = spec.i64_at(&["completions"]).filter(|n| *n > 0 && is_indexed(spec))?;
    let longest = format!("{}-{}", job.name(), completions - 1);
    (!names::dns1123_label(&longest).is_empty()).then(|| {
        let why = format!("will not able to create pod with invalid DNS label: {longest}");
        FieldError::invalid(&FieldPath::new("metadata").child("name"), job.name(), why)
    })
}

/// A warning for jobs whose status may grow too large.
pub(super) fn warning(spec: &Document) -> Option<&'static str> {
    let number = |name: &str| spec.i64_at(&[name]).unwrap_or(0);
    let large =
        is_indexed(spec) && number("completions") > MANY_COMPLETIONS && number("parallelism") > MOST_OF_MANY;
    large.then_some("In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail")
}

fn indexed(spec: &Document, field: &FieldPath) -> FieldErrors {
    let number = |name: &str| spec.i64_at(&[name]);
    let above = |name: &str, most: i64, why: &str| {
        let value = number(name).filter(|value| *value > most)?;
        Some(FieldError::invalid(&field.child(name), value, why))
    };
    let at_most = |why: &str| format!("must be less than or equal to {MOST_INDEXES}{why}");
    let mut out = FieldErrors::new();
    let completions = number("completions");
    if completions.is_none() {
        out.push(FieldError::required(&field.child("completions"), "when completion mode is Indexed"));
    }
    out.extend(above("parallelism", MOST_INDEXES, &at_most(" when completion mode is Indexed")));
    if let Some(completions) = completions {
        out.extend(above("maxFailedIndexes", completions, "must be less than or equal to completions"));
    }
    out.extend(above("maxFailedIndexes", MOST_INDEXES, &at_most("")));
    let many = completions.is_some_and(|completions| completions > MANY_COMPLETIONS);
    if many && number("backoffLimitPerIndex").is_some() {
        let at = field.child("maxFailedIndexes");
        if number("maxFailedIndexes").is_none() {
            let why = format!("must be specified when completions is above {MANY_COMPLETIONS}");
            out.push(FieldError::required(&at, why));
        }
        let why = format!(
            "must be less than or equal to {MOST_OF_MANY} when completions are above {MANY_COMPLETIONS} and used with backoff limit per index"
        );
        out.extend(
            ["parallelism", "maxFailedIndexes"]
                .into_iter()
                .filter_map(|name| above(name, MOST_OF_MANY, &why)),
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn modes_have_limits_of_their_own() {
        const MANY: &str = "must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index";
        let parallelism = format!("s.parallelism: Invalid value: 10001: {MANY}");
        let failed = format!("s.maxFailedIndexes: Invalid value: 10001: {MANY}");
        let cases: [(Document, &[&str]); 11] = [
            (doc!({}), &[]),
            (doc!({"completionMode": "NonIndexed", "parallelism": 200_000}), &[]),
            (
                doc!({"completionMode": "Random"}),
                &[
                    r#"s.completionMode: Unsupported value: "Random": supported values: "NonIndexed", "Indexed""#,
                ],
            ),
            (
                doc!({"backoffLimitPerIndex": 1, "maxFailedIndexes": 2}),
                &[
                    "s.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode",
                    "s.maxFailedIndexes: Invalid value: 2: requires indexed completion mode",
                ],
            ),
            (
                doc!({"completionMode": "Indexed"}),
                &["s.completions: Required value: when completion mode is Indexed"],
            ),
            (
                doc!({"completionMode": "Indexed", "completions": 100_001, "parallelism": 100_001}),
                &[
                    "s.parallelism: Invalid value: 100001: must be less than or equal to 100000 when completion mode is Indexed",
                ],
            ),
            (
                doc!({"completionMode": "Indexed", "completions": 2, "maxFailedIndexes": 3}),
                &["s.maxFailedIndexes: Invalid value: 3: must be less than or equal to completions"],
            ),
            (
                doc!({"completionMode": "Indexed", "completions": 200_000, "maxFailedIndexes": 100_001}),
                &["s.maxFailedIndexes: Invalid value: 100001: must be less than or equal to 100000"],
            ),
            (
                doc!({"completionMode": "Indexed", "completions": 100_001, "backoffLimitPerIndex": 1}),
                &["s.maxFailedIndexes: Required value: must be specified when completions is above 100000"],
            ),
            (
                doc!({
                    "completionMode": "Indexed", "completions": 100_001, "parallelism": 10_001,
                    "backoffLimitPerIndex": 1, "maxFailedIndexes": 10_001
                }),
                &[&parallelism, &failed],
            ),
            (
                doc!({
                    "completionMode": "Indexed", "completions": 100_000, "parallelism": 10_001, "backoffLimitPerIndex": 1
                }),
                &[],
            ),
        ];
        for (spec, expected) in cases {
            let errors = validate(&spec, &FieldPath::new("s"));
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(texts, expected, "{spec}");
        }
    }

    #[test]
    fn host_names_end_in_the_last_index() {
        let job = |name: &str, completions: i32| {
            doc!({
                "metadata": {"name": name}, "spec": {"completionMode": "Indexed", "completions": completions}
            })
        };
        let name = "a".repeat(61);
        assert_eq!(host_names(&job(&name, 10)), None);
        assert_eq!(
            host_names(&job(&name, 11)).unwrap().to_string(),
            format!(
                "metadata.name: Invalid value: {name:?}: will not able to create pod with invalid DNS label: {name}-10"
            )
        );
        assert_eq!(host_names(&job("a.b", 0)), None);
    }

    #[test]
    fn large_indexed_jobs_are_warned_of() {
        let spec = |parallelism: i32| doc!({"completionMode": "Indexed", "completions": 100_001, "parallelism": parallelism});
        assert_eq!(warning(&spec(10_000)), None);
        assert!(warning(&spec(10_001)).is_some());
    }
}
