//! When a Job with indexes has succeeded though not all of them have (KEP-3998).

use super::indexes::Indexes;
use skiff_apimachinery::Document;

/// The first rule that these indexes meet, told as the condition tells it.
pub(super) fn met(rules: &[Document], succeeded: &Indexes, completions: u32) -> Option<String> {
    if succeeded.is_empty() {
        return None;
    }
    let met = rules.iter().position(|rule| is_met(rule, succeeded, completions))?;
    Some(format!("Matched rules at index {met}"))
}

fn is_met(rule: &Document, succeeded: &Indexes, completions: u32) -> bool {
    let count = rule.i64_at(&["succeededCount"]).and_then(|count| usize::try_from(count).ok());
    let is_enough = |of: usize| count.is_some_and(|count| of >= count);
    let Some(text) = rule.get("succeededIndexes").and_then(Document::as_str) else {
        return is_enough(succeeded.len());
    };
    let asked = Indexes::parse(text, completions);
    let done = asked.common(succeeded);
    !asked.is_empty() && (done == asked.len() || is_enough(done))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn rules_are_met_by_indexes_and_by_counts() {
        let indexes = |text: &str| doc!({"succeededIndexes": text});
        let count = |count: i64| doc!({"succeededCount": count});
        let both = |text: &str, count: i64| doc!({"succeededIndexes": text, "succeededCount": count});
        let first = Some("Matched rules at index 0");
        let cases = [
            ("0", vec![], None),
            ("0", vec![indexes("invalid-form")], None),
            ("0", vec![indexes("")], None),
            ("", vec![indexes("0")], None),
            ("", vec![count(0)], None),
            ("0-2,4-7", vec![indexes("0-2")], first),
            ("0-2", vec![indexes("3")], None),
            ("0-2", vec![count(2)], first),
            ("0-2", vec![count(4)], None),
            ("0-2,4-7", vec![indexes("9"), indexes("4,6")], Some("Matched rules at index 1")),
            ("0-2,4-7", vec![indexes("0,1"), indexes("5")], first),
            ("0-2,4-7", vec![both("3-6", 2)], first),
            ("0-2,6,7", vec![both("3-6", 2)], None),
            ("2-5,7-9", vec![indexes("2-4,8-12")], first),
            ("1-3,5-7", vec![indexes("10-12,14-16")], None),
            ("2-4,6-8", vec![indexes("1-3,5-7")], None),
            ("2-4,6-8", vec![both("1-3,5-7", 4)], first),
            ("1-3,7,8", vec![both("0-4,6-9", 5)], first),
            ("1-3,7,8", vec![both("0-4,6-9", 6)], None),
        ];
        for (succeeded, rules, expected) in cases {
            let met = met(&rules, &Indexes::parse(succeeded, 10), 10);
            assert_eq!(met.as_deref(), expected, "{succeeded} {rules:?}");
        }
    }
}
