//! How a StatefulSet replaces its pods when the template changes.

use super::super::workload::{self, given};
use crate::validation;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, doc};

const ROLLING: &str = "RollingUpdate";
const ON_DELETE: &str = "OnDelete";

/// Fills in the strategy. Who says a type and no numbers gets none.
pub(super) fn default(spec: &mut Document) {
    let strategy = spec.ensure(&["updateStrategy"]);
    if strategy.str_at(&["type"]).is_empty() {
        strategy.set(&["type"], ROLLING);
        strategy.ensure(&["rollingUpdate"]).make_object();
    }
    if strategy.str_at(&["type"]) == ROLLING && given(strategy, &["rollingUpdate"]).is_some() {
        strategy.set_default(&["rollingUpdate", "partition"], 0);
        strategy.set_default(&["rollingUpdate", "maxUnavailable"], 1);
    }
}

/// What is wrong with the strategy.
pub(super) fn validate(strategy: &Document, field: &FieldPath) -> FieldErrors {
    let rolling = given(strategy, &["rollingUpdate"]);
    let at = field.child("rollingUpdate");
    match (strategy.str_at(&["type"]), rolling) {
        ("", _) => vec![FieldError::required(field, "")],
        (ON_DELETE, Some(rolling)) => {
            let why = "only allowed for updateStrategy 'RollingUpdate'";
            vec![FieldError::invalid(&at, shown(rolling), why)]
        }
        (ROLLING, Some(rolling)) => rolling_update(rolling, &at),
        (ON_DELETE | ROLLING, None) => FieldErrors::new(),
        (ty, rolling) => {
            let value = doc!({"Type": ty, "RollingUpdate": rolling.map(shown)});
            vec![FieldError::invalid(field, value, "must be 'RollingUpdate' or 'OnDelete'")]
        }
    }
}

fn rolling_update(rolling: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    out.extend(validation::not_negative(&field.child("partition"), rolling.get("partition")));
    if let Some(unavailable) = given(rolling, &["maxUnavailable"]) {
        let at = field.child("maxUnavailable");
        out.extend(workload::count_or_percent(&at, unavailable));
        if workload::amount(unavailable) == 0 {
            out.push(FieldError::invalid(&at, unavailable, "cannot be 0"));
        }
        out.extend(workload::at_most_all(&at, unavailable));
    }
    out
}

/// The numbers as upstream shows them: with the names of its own fields.
fn shown(rolling: &Document) -> Document {
    doc!({
        "Partition": rolling.i64_at(&["partition"]).unwrap_or(0),
        "MaxUnavailable": given(rolling, &["maxUnavailable"]).cloned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstreams_messages_name_the_field() {
        let rolling = |rolling: Document| doc!({"type": "RollingUpdate", "rollingUpdate": rolling});
        let cases: [(Document, &[&str]); 10] = [
            (doc!({}), &["s: Required value"]),
            (doc!({"type": "OnDelete"}), &[]),
            (doc!({"type": "RollingUpdate"}), &[]),
            (rolling(doc!({"partition": 3, "maxUnavailable": "100%"})), &[]),
            (
                doc!({"type": "OnDelete", "rollingUpdate": {"partition": 1}}),
                &[
                    r#"s.rollingUpdate: Invalid value: {"Partition":1,"MaxUnavailable":null}: only allowed for updateStrategy 'RollingUpdate'"#,
                ],
            ),
            (
                doc!({"type": "Random", "rollingUpdate": {"maxUnavailable": "5%"}}),
                &[
                    r#"s: Invalid value: {"Type":"Random","RollingUpdate":{"Partition":0,"MaxUnavailable":"5%"}}: must be 'RollingUpdate' or 'OnDelete'"#,
                ],
            ),
            (
                doc!({"type": "Random"}),
                &[
                    r#"s: Invalid value: {"Type":"Random","RollingUpdate":null}: must be 'RollingUpdate' or 'OnDelete'"#,
                ],
            ),
            (
                rolling(doc!({"partition": -1})),
                &["s.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0"],
            ),
            (
                rolling(doc!({"maxUnavailable": "0%"})),
                &[r#"s.rollingUpdate.maxUnavailable: Invalid value: "0%": cannot be 0"#],
            ),
            (
                rolling(doc!({"maxUnavailable": "101%"})),
                &[r#"s.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%"#],
            ),
        ];
        for (strategy, expected) in cases {
            let errors = validate(&strategy, &FieldPath::new("s"));
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(texts, expected, "{strategy}");
        }
    }
}
