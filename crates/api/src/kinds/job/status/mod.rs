//! What the status of a job may tell. Controllers other than the server's may write it, so that upstream holds each write
//! to what jobs can be: what it tells (`state`) and how it differs from what was told (`history`).

mod history;
mod state;

use super::super::workload;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::collections::HashSet;

/// What is wrong with a status.
pub(super) fn validate(new: &Document, old: &Document) -> FieldErrors {
    let mut out = workload::negative(new, &["active", "succeeded", "failed", "ready", "terminating"]);
    out.extend(uncounted(new));
    let change = Change { new, old };
    out.extend(state::validate(&change));
    out.extend(history::validate(&change));
    out
}

/// A status beside the one before.
struct Change<'a> {
    new: &'a Document,
    old: &'a Document,
}

impl Change<'_> {
    /// Whether the job is so now.
    fn is(&self, condition: &str) -> bool {
        is(self.new, condition, "True")
    }

    /// Whether the job was so before.
    fn was(&self, condition: &str) -> bool {
        is(self.old, condition, "True")
    }

    /// Whether one of these conditions is new or gone.
    fn turned(&self, conditions: &[&str]) -> bool {
        conditions.iter().any(|condition| self.is(condition) != self.was(condition))
    }

    /// Whether one of these fields of the status differs.
    fn differs(&self, names: &[&str]) -> bool {
        names.iter().any(|name| told(self.new, name) != told(self.old, name))
    }

    /// Whether one of these counts differs.
    fn count_differs(&self, name: &str) -> bool {
        count(self.new, name) != count(self.old, name)
    }
}

fn is(job: &Document, condition: &str, status: &str) -> bool {
    job.array_at(&["status", "conditions"])
        .iter()
        .any(|told| told.str_at(&["type"]) == condition && told.str_at(&["status"]) == status)
}

/// A field of the status, unless it is absent.
fn told<'a>(job: &'a Document, name: &str) -> Option<&'a Document> {
    workload::given(job, &["status", name])
}

fn count(job: &Document, name: &str) -> i64 {
    job.i64_at(&["status", name]).unwrap_or(0)
}

fn at(name: &str) -> FieldPath {
    FieldPath::new("status").child(name)
}

fn of_conditions(why: &str) -> FieldError {
    super::invalid_whole(&at("conditions"), why)
}

/// Pods that ended and are not counted yet, each told once.
fn uncounted(job: &Document) -> FieldErrors {
    const UNCOUNTED: &str = "uncountedTerminatedPods";
    let mut seen = HashSet::new();
    let mut out = FieldErrors::new();
    for list in ["succeeded", "failed"] {
        let field = at(UNCOUNTED).child(list);
        for (i, uid) in job.array_at(&["status", UNCOUNTED, list]).iter().enumerate() {
            let uid = uid.as_str().unwrap_or("");
            if uid.is_empty() {
                out.push(FieldError::invalid(&field.index(i), uid, "must not be empty"));
            } else if !seen.insert(uid) {
                out.push(FieldError::duplicate(&field.index(i), uid));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn counts_and_uncounted_pods_are_checked_first() {
        let job = doc!({"status": {
            "active": -1, "terminating": -2,
            "uncountedTerminatedPods": {"succeeded": ["a", ""], "failed": ["a", "b"]}
        }});
        let texts: Vec<String> = validate(&job, &job).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "status.active: Invalid value: -1: must be greater than or equal to 0",
                "status.terminating: Invalid value: -2: must be greater than or equal to 0",
                r#"status.uncountedTerminatedPods.succeeded[1]: Invalid value: "": must not be empty"#,
                r#"status.uncountedTerminatedPods.failed[0]: Duplicate value: "a""#,
            ]
        );
    }
}
