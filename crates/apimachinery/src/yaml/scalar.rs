//! What a plain YAML 1.1 scalar means.

use crate::Document;

/// A plain scalar as a document: null, boolean, number or text.
pub(super) fn resolve(text: &str) -> Document {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Document::NULL,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return true.into();
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return false.into();
        }
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return text.into();
    }
    number(text).unwrap_or_else(|| text.into())
}

/// An integer or float, with underscores between digits allowed.
pub(super) fn number(text: &str) -> Option<Document> {
    let plain = text.replace('_', "");
    if let Some(value) = integer(&plain) {
        return Some(value);
    }
    if !is_float_shaped(&plain) {
        return None;
    }
    let value: f64 = plain.parse().ok().filter(|value: &f64| value.is_finite())?;
    Some(float(value))
}

/// A float; a whole one becomes an integer, because JSON stands between YAML and the object.
fn float(value: f64) -> Document {
    if value.fract() == 0.0 && value.abs() < 1e18 { (value as i64).into() } else { value.into() }
}

fn integer(text: &str) -> Option<Document> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (radix, digits) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &unsigned[2..]),
        [b'0', b'b' | b'B', ..] => (2, &unsigned[2..]),
        [b'0', b'o' | b'O', ..] => (8, &unsigned[2..]),
        [b'0', _, ..] => (8, &unsigned[1..]),
        _ => (10, unsigned),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    let value = if text.starts_with('-') { -value } else { value };
    match i64::try_from(value) {
        Ok(value) => Some(value.into()),
        Err(_) => Some((value as f64).into()),
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float_shaped(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some((whole, fraction)) => {
            digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty())
        }
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    mantissa_fits && exponent_fits
}

/// Whether some reader of YAML takes a plain text for something other than this text.
pub(super) fn is_ambiguous(text: &str) -> bool {
    resolve(text).as_str().is_none()
        || matches!(text, "<<" | "=" | ".inf" | "-.inf" | "+.inf" | ".nan")
        || is_time_shaped(text)
        || is_sexagesimal(text)
}

/// `2026-01-02`, alone or with a time after it.
fn is_time_shaped(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let digits = |part: &str, most: usize| {
        (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
    };
    let (Some(year), Some(month), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let day = rest.split(['T', 't', ' ']).next().unwrap_or_default();
    year.len() == 4 && digits(year, 4) && digits(month, 2) && digits(day, 2)
}

/// `12:30:45`: a number to base 60 for readers of YAML 1.1.
fn is_sexagesimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut parts = unsigned.split(':');
    let first = parts.next().unwrap_or_default();
    let numeric =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit() || b == b'_' || b == b'.');
    first.starts_with(|c: char| c.is_ascii_digit())
        && numeric(first)
        && unsigned.contains(':')
        && parts.all(numeric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc;

    #[test]
    fn plain_scalars_follow_yaml_1_1() {
        let cases = [
            ("~", doc!(null)),
            ("yes", doc!(true)),
            ("Off", doc!(false)),
            ("010", doc!(8)),
            ("0x1F", doc!(31)),
            ("1_000", doc!(1000)),
            ("-7", doc!(-7)),
            ("1.5", doc!(1.5)),
            ("1e3", doc!(1000)),
            ("1.0", doc!(1)),
            ("089", doc!(89)),
            ("1.2.3", doc!("1.2.3")),
            ("100m", doc!("100m")),
            ("2001-01-01", doc!("2001-01-01")),
            ("12:30:45", doc!("12:30:45")),
            ("-", doc!("-")),
            (".", doc!(".")),
        ];
        for (text, expected) in cases {
            assert_eq!(resolve(text), expected, "{text}");
        }
    }
}
