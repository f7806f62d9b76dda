//! When an indexed job has succeeded although not all of its pods have.

use super::super::workload::given;
use super::{completion, indexes};
use crate::validation;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, doc};

const MOST_RULES: usize = 20;
/// Bytes that a list of indexes may have.
const LONGEST: usize = 64 * 1024;

/// What is wrong with the policy of this job.
pub(super) fn validate(spec: &Document, field: &FieldPath) -> FieldErrors {
    let Some(policy) = given(spec, &["successPolicy"]) else { return FieldErrors::new() };
    if !completion::is_indexed(spec) {
        return vec![FieldError::invalid(field, shown(policy), "requires indexed completion mode")];
    }
    let (rules, field) = (policy.array_at(&["rules"]), field.child("rules"));
    let mut out = FieldErrors::new();
    if rules.is_empty() {
        let why = "at least one rules must be specified when the successPolicy is specified";
        out.push(FieldError::required(&field, why));
    }
    if rules.len() > MOST_RULES {
        out.push(FieldError::too_many(&field, rules.len(), MOST_RULES));
    }
    let completions = spec.i64_at(&["completions"]).unwrap_or(0);
    for (i, rule) in rules.iter().enumerate() {
        out.extend(validate_rule(rule, completions, &field.index(i)));
    }
    out
}

fn validate_rule(rule: &Document, completions: i64, field: &FieldPath) -> FieldErrors {
    let names = given(rule, &["succeededIndexes"]).map(|names| names.as_str().unwrap_or(""));
    let count = given(rule, &["succeededCount"]).map(|count| count.as_i64().unwrap_or(0));
    let mut out = FieldErrors::new();
    if names.is_none() && count.is_none() {
        let why = "at least one of succeededCount or succeededIndexes must be specified";
        out.push(FieldError::required(field, why));
    }
    let mut named = 0;
    if let Some(names) = names {
        let at = field.child("succeededIndexes");
        if names.len() > LONGEST {
            out.push(FieldError::too_long(&at, LONGEST));
        }
        match indexes::count(names, completions) {
            Ok(count) => named = count,
            Err(why) => {
                out.push(FieldError::invalid(&at, names, format!("error parsing succeededIndexes: {why}")));
            }
        }
    }
    if let Some(count) = count {
        let at = field.child("succeededCount");
        out.extend(validation::not_negative(&at, rule.get("succeededCount")));
        let mut at_most = |most: i64, what: &str| {
            if count > most {
                let why = format!("must be less than or equal to {most} (the number of {what})");
                out.push(FieldError::invalid(&at, count, why));
            }
        };
        at_most(completions, "specified completions");
        if names.is_some() {
            at_most(named, "indexes in the specified succeededIndexes field");
        }
    }
    out
}

/// The policy as upstream shows it: with the names of its own fields.
fn shown(policy: &Document) -> Document {
    let rule = |rule: &Document| {
        doc!({
            "SucceededIndexes": given(rule, &["succeededIndexes"]).cloned(),
            "SucceededCount": given(rule, &["succeededCount"]).cloned()
        })
    };
    let rules: Option<Vec<Document>> =
        given(policy, &["rules"]).map(|_| policy.array_at(&["rules"]).iter().map(rule).collect());
    doc!({"Rules": rules})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstreams_messages_name_the_field() {
        let rule = |rule: Document| doc!({"rules": [rule]});
        let cases: [(Document, &[&str]); 8] = [
            (rule(doc!({"succeededIndexes": "0,2-3", "succeededCount": 3})), &[]),
            (rule(doc!({"succeededCount": 5})), &[]),
            (
                doc!({"rules": []}),
                &[
                    "p.rules: Required value: at least one rules must be specified when the successPolicy is specified",
                ],
            ),
            (
                doc!({"rules": vec![doc!({"succeededCount": 1}); 21]}),
                &["p.rules: Too many: 21: must have at most 20 items"],
            ),
            (
                rule(doc!({})),
                &[
                    "p.rules[0]: Required value: at least one of succeededCount or succeededIndexes must be specified",
                ],
            ),
            (
                rule(doc!({"succeededIndexes": "2-5"})),
                &[
                    r#"p.rules[0].succeededIndexes: Invalid value: "2-5": error parsing succeededIndexes: too large index: "5""#,
                ],
            ),
            (
                rule(doc!({"succeededIndexes": "0,1", "succeededCount": 6})),
                &[
                    "p.rules[0].succeededCount: Invalid value: 6: must be less than or equal to 5 (the number of specified completions)",
                    "p.rules[0].succeededCount: Invalid value: 6: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)",
                ],
            ),
            (
                rule(doc!({"succeededCount": -1})),
                &["p.rules[0].succeededCount: Invalid value: -1: must be greater than or equal to 0"],
            ),
        ];
        for (policy, expected) in cases {
            let spec = doc!({"completionMode": "Indexed", "completions": 5, "successPolicy": policy.clone()});
            let errors = validate(&spec, &FieldPath::new("p"));
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(texts, expected, "{policy}");
        }
    }

    #[test]
    fn only_indexed_jobs_have_one() {
        let spec =
            doc!({"completionMode": "NonIndexed", "successPolicy": {"rules": [{"succeededIndexes": "1"}]}});
        let errors = validate(&spec, &FieldPath::new("p"));
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                r#"p: Invalid value: {"Rules":[{"SucceededIndexes":"1","SucceededCount":null}]}: requires indexed completion mode"#
            ]
        );
    }
}
