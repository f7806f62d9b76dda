//! Counts of pods that may be given as percentages of them: `maxUnavailable`, `maxSurge`, `minAvailable`.

use crate::validation::{self, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, doc};

/// What is wrong with a count or a percentage.
pub(crate) fn count_or_percent(field: &FieldPath, value: &Document) -> FieldErrors {
    match value.as_str() {
        None => validation::not_negative(field, Some(value)).into_iter().collect(),
        Some(text) => validation::invalid(field, text, names::percent(text)),
    }
}

/// A percentage of more than all.
pub(crate) fn at_most_all(field: &FieldPath, value: &Document) -> Option<FieldError> {
    let percent = value.as_str().and_then(percentage)?;
    (percent > 100).then(|| FieldError::invalid(field, value, "must not be greater than 100%"))
}

/// The count, or the number of the percentage; nothing for what is neither.
pub(crate) fn amount(value: &Document) -> i64 {
    let of_text = |text: &str| percentage(text).or_else(|| text.parse().ok()).unwrap_or(0);
    value.as_i64().or_else(|| value.as_str().map(of_text)).unwrap_or(0)
}

fn percentage(text: &str) -> Option<i64> {
    let digits = text.strip_suffix('%')?;
    let numeric = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    numeric.then(|| digits.parse().unwrap_or(i64::MAX))
}

/// A Deployment's or DaemonSet's strategy as upstream shows it: with the names of its own fields.
pub(crate) fn shown_strategy(strategy: &Document) -> Document {
    let rolling = super::given(strategy, &["rollingUpdate"]).map(|rolling| {
        let amount = |name: &str| rolling.get(name).cloned().unwrap_or_else(|| 0.into());
        doc!({"MaxUnavailable": amount("maxUnavailable"), "MaxSurge": amount("maxSurge")})
    });
    doc!({"Type": strategy.str_at(&["type"]), "RollingUpdate": rolling})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_percentages_are_checked_in_upstreams_words() {
        const PATTERN: &str = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
        let cases = [
            (Document::from(0), String::new()),
            (Document::from(-1), "f: Invalid value: -1: must be greater than or equal to 0".to_owned()),
            (Document::from("0%"), String::new()),
            (Document::from("100%"), String::new()),
            (Document::from("101%"), "f: Invalid value: \"101%\": must not be greater than 100%".to_owned()),
            (Document::from("50"), format!("f: Invalid value: \"50\": {PATTERN}")),
            (Document::from("-5%"), format!("f: Invalid value: \"-5%\": {PATTERN}")),
        ];
        for (value, expected) in cases {
            let field = FieldPath::new("f");
            let mut errors = count_or_percent(&field, &value);
            errors.extend(at_most_all(&field, &value));
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(texts.join("; "), expected, "{value}");
        }
    }

    #[test]
    fn amounts_are_the_numbers_as_written() {
        for (value, expected) in [
            (Document::from(3), 3),
            ("25%".into(), 25),
            ("7".into(), 7),
            ("many".into(), 0),
            (true.into(), 0),
        ] {
            assert_eq!(amount(&value), expected, "{value}");
        }
    }
}
