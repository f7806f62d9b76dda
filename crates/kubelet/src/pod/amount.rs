//! Reading resource quantities as whole numbers: `500m`, `64Mi`, `1e3`.
//!
//! The kubelet hands numbers to cgroups, so amounts round up, as upstream's `Value` and `MilliValue` do.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

const SUFFIXES: &[(&str, i128, i128)] = &[
    ("Ki", 1 << 10, 1),
    ("Mi", 1 << 20, 1),
    ("Gi", 1 << 30, 1),
    ("Ti", 1 << 40, 1),
    ("Pi", 1 << 50, 1),
    ("Ei", 1 << 60, 1),
    ("n", 1, 1_000_000_000),
    ("u", 1, 1_000_000),
    ("m", 1, 1_000),
    ("k", 1_000, 1),
    ("M", 1_000_000, 1),
    ("G", 1_000_000_000, 1),
    ("T", 1_000_000_000_000, 1),
    ("P", 1_000_000_000_000_000, 1),
    ("E", 1_000_000_000_000_000_000, 1),
];

/// The quantity times `scale`, rounded up; `None` if it is malformed or too large.
fn scaled(text: &str, scale: i128) -> Option<i64> {
    let (number, multiply, divide) = SUFFIXES
        .iter()
        .find_map(|(suffix, multiply, divide)| Some((text.strip_suffix(suffix)?, *multiply, *divide)))
        .or_else(|| exponent(text))
        .unwrap_or((text, 1, 1));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let negative = whole.starts_with('-');
    let digits = format!("{}{fraction}", whole.trim_start_matches(['+', '-']));
    if digits.is_empty() || digits.len() > 18 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value = digits.parse::<i128>().ok()?.checked_mul(multiply)?.checked_mul(scale)?;
    let divisor = divide.checked_mul(10i128.checked_pow(u32::try_from(fraction.len()).ok()?)?)?;
    let magnitude = if negative { -(value / divisor) } else { (value + divisor - 1) / divisor };
    i64::try_from(magnitude).ok()
}

fn exponent(text: &str) -> Option<(&str, i128, i128)> {
    let (number, power) = text.split_once(['e', 'E'])?;
    let power: i32 = power.parse().ok()?;
    let factor = 10i128.checked_pow(power.unsigned_abs())?;
    Some(if power < 0 { (number, 1, factor) } else { (number, factor, 1) })
}

/// Whole units, rounded up.
pub fn units(quantity: &Quantity) -> Option<i64> {
    scaled(&quantity.0, 1)
}

/// Thousandths, rounded up.
pub fn milli(quantity: &Quantity) -> Option<i64> {
    scaled(&quantity.0, 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_round_up() {
        for (text, whole, thousandths) in [
            ("10m", 1, 10),
            ("1500m", 2, 1500),
            ("32Mi", 32 << 20, (32 << 20) * 1000),
            ("1.5", 2, 1500),
            ("0.1", 1, 100),
            ("1e3", 1000, 1_000_000),
            ("2k", 2000, 2_000_000),
            ("100u", 1, 1),
            ("0", 0, 0),
        ] {
            let quantity = Quantity(text.into());
            assert_eq!((units(&quantity), milli(&quantity)), (Some(whole), Some(thousandths)), "{text}");
        }
        assert_eq!(units(&Quantity("x".into())), None);
    }
}
