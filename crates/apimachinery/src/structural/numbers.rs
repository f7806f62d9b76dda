//! Bounds and factors of numbers. Whole numbers are compared as such, and bounds are then cut to whole ones, as upstream
//! does it.

use super::validate::wrong;
use crate::schema::Rules;
use crate::{Document, FieldError, FieldErrors, FieldPath, Node};

/// What is wrong with a number.
pub(super) fn errors(doc: &Document, rules: &Rules, path: &FieldPath) -> FieldErrors {
    let broken = match doc.node() {
        Node::Int(value) => broken(rules, value, |bound| bound as i64, |factor| is_multiple(value, factor)),
        Node::Float(value) => {
            broken(rules, value, |bound| bound, |factor| factor > 0.0 && (value / factor).fract() == 0.0)
        }
        _ => Vec::new(),
    };
    broken.into_iter().map(|why| shown(wrong(path, doc, &why), doc)).collect()
}

/// Whether the quotient is whole; factors that no whole number has are compared as fractions.
fn is_multiple(value: i64, factor: f64) -> bool {
    match factor as i64 {
        0 => (value as f64 / factor).fract() == 0.0,
        factor => value % factor == 0,
    }
}

/// The rules that a number breaks, in words.
fn broken<N: PartialOrd + GoText>(
    rules: &Rules,
    value: N,
    bound: impl Fn(f64) -> N,
    is_multiple: impl Fn(f64) -> bool,
) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(factor) = rules.multiple_of.filter(|factor| *factor > 0.0 && !is_multiple(*factor)) {
        out.push(format!("should be a multiple of {}", bound(factor).go_text()));
    }
    if let Some(max) = rules.maximum.map(&bound) {
        if rules.exclusive_maximum && value >= max {
            out.push(format!("should be less than {}", max.go_text()));
        } else if value > max {
            out.push(format!("should be less than or equal to {}", max.go_text()));
        }
    }
    if let Some(min) = rules.minimum.map(&bound) {
        if rules.exclusive_minimum && value <= min {
            out.push(format!("should be greater than {}", min.go_text()));
        } else if value < min {
            out.push(format!("should be greater than or equal to {}", min.go_text()));
        }
    }
    out
}

/// Upstream shows fractions as Go prints them, and not as they are in JSON.
fn shown(mut error: FieldError, value: &Document) -> FieldError {
    if let Node::Float(value) = value.node() {
        error.value = value.go_text();
    }
    error
}

/// How Go prints a number.
trait GoText {
    fn go_text(&self) -> String;
}

impl GoText for i64 {
    fn go_text(&self) -> String {
        self.to_string()
    }
}

impl GoText for f64 {
    /// Plain up to six digits before the point and four zeros after it, else with an exponent of two digits.
    fn go_text(&self) -> String {
        let scientific = format!("{self:e}");
        let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
        match exponent.parse::<i32>() {
            Ok(-4..=5) | Err(_) => self.to_string(),
            Ok(exponent) => {
                let sign = if exponent < 0 { '-' } else { '+' };
                format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(doc: Document, rules: &Rules) -> Vec<String> {
        errors(&doc, rules, &FieldPath::new("n")).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn bounds_and_factors_are_told_as_go_prints_them() {
        let rules = Rules {
            minimum: Some(2.5),
            maximum: Some(1e6),
            multiple_of: Some(2.0),
            exclusive_maximum: true,
            ..Rules::default()
        };
        assert_eq!(complaints(4.into(), &rules), Vec::<String>::new());
        assert_eq!(
            complaints(1.into(), &rules),
            [
                "n: Invalid value: 1: n in body should be a multiple of 2",
                "n: Invalid value: 1: n in body should be greater than or equal to 2",
            ]
        );
        assert_eq!(
            complaints(1_000_000.into(), &rules),
            ["n: Invalid value: 1000000: n in body should be less than 1000000"]
        );
        assert_eq!(
            complaints(2e6.into(), &rules),
            ["n: Invalid value: 2e+06: n in body should be less than 1e+06"]
        );
        assert_eq!(
            complaints(0.5.into(), &rules),
            [
                "n: Invalid value: 0.5: n in body should be a multiple of 2",
                "n: Invalid value: 0.5: n in body should be greater than or equal to 2.5",
            ]
        );
    }

    #[test]
    fn numbers_are_printed_plainly_in_between() {
        for (value, text) in [
            (0.0, "0"),
            (100_000.0, "100000"),
            (1e6, "1e+06"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-1.5, "-1.5"),
        ] {
            assert_eq!(value.go_text(), text);
        }
    }
}
