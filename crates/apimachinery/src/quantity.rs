//! Quantities of resources: `500m`, `1Gi`, `2e3`.
//!
//! A quantity is a whole number of nano-units and the notation it was written in. Canonical text is upstream's: no
//! fraction, the largest suffix that divides the value, `100m` instead of `0.1`. Finer fractions than nano round away
//! from zero, so that a request for something never becomes a request for nothing.

use crate::{Document, Node};
use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

const NANO: i128 = 1_000_000_000;
/// More digits than any value of the notation has; longer texts are refused.
const MAX_TEXT: usize = 64;

/// An amount with its notation.
#[derive(Debug, Clone, Copy)]
pub struct Quantity {
    nanos: i128,
    notation: Notation,
}

/// How a quantity is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Notation {
    /// `n u m k M G T P E`.
    #[default]
    Decimal,
    /// `Ki Mi Gi Ti Pi Ei`.
    Binary,
    /// `e3`.
    Exponent,
}

/// A text that is no quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Strange characters.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Format,
    /// No number before the suffix.
    #[error("unable to parse numeric part of quantity")]
    Number,
    /// An unknown suffix.
    #[error("unable to parse quantity's suffix")]
    Suffix,
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self { nanos: 0, notation: Notation::Decimal };

    /// Whole units in decimal notation.
    pub const fn from_value(value: i64) -> Self {
        Self { nanos: value as i128 * NANO, notation: Notation::Decimal }
    }

    /// Thousandths in decimal notation.
    pub const fn from_millis(millis: i64) -> Self {
        Self { nanos: millis as i128 * (NANO / 1000), notation: Notation::Decimal }
    }

    /// Whole units, such as bytes, in binary notation.
    pub const fn from_bytes(bytes: i64) -> Self {
        Self { nanos: bytes as i128 * NANO, notation: Notation::Binary }
    }

    /// Reads a text.
    ///
    /// # Errors
    /// If it is no quantity.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        if text.is_empty() || text.len() > MAX_TEXT {
            return Err(QuantityError::Format);
        }
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let negative = text.starts_with('-');
        let number_end = end_of_number(unsigned);
        let (number, suffix) = unsigned.split_at(number_end);
        if !is_suffix_shaped(suffix) {
            return Err(QuantityError::Format);
        }
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() {
            return Err(QuantityError::Number);
        }
        let scale = Scale::parse(suffix)?;
        let nanos = scale.apply(whole, fraction);
        Ok(Self { nanos: if negative { -nanos } else { nanos }, notation: scale.notation })
    }

    /// Reads a JSON string or number; `None` for anything else.
    pub fn from_document(doc: &Document) -> Option<Result<Self, QuantityError>> {
        match doc.node() {
            Node::String(text) => Some(Self::parse(text.trim())),
            Node::Int(value) => Some(Ok(Self::from_value(value))),
            Node::Float(_) => Some(Self::parse(&doc.to_string())),
            _ => None,
        }
    }

    /// The quantity under nested keys, nothing if it is absent or malformed (validation has told).
    pub fn at(doc: &Document, path: &[&str]) -> Self {
        doc.at(path).and_then(Self::from_document).and_then(Result::ok).unwrap_or(Self::ZERO)
    }

    /// Whole units, rounded away from zero.
    pub fn value(self) -> i64 {
        self.scaled(NANO)
    }

    /// Thousandths, rounded away from zero.
    pub fn milli_value(self) -> i64 {
        self.scaled(NANO / 1000)
    }

    /// The amount as a float, for scores and metrics.
    pub fn as_f64(self) -> f64 {
        self.nanos as f64 / NANO as f64
    }

    /// Whether this is nothing.
    pub fn is_zero(self) -> bool {
        self.nanos == 0
    }

    /// Whether this is less than nothing.
    pub fn is_negative(self) -> bool {
        self.nanos < 0
    }

    /// Whether this is a whole number of units.
    pub fn is_whole(self) -> bool {
        self.nanos % NANO == 0
    }

    /// Whether this is a whole number of thousandths.
    pub fn is_whole_millis(self) -> bool {
        self.nanos % (NANO / 1000) == 0
    }

    /// The notation.
    pub fn notation(self) -> Notation {
        self.notation
    }

    fn scaled(self, unit: i128) -> i64 {
        let away = if self.nanos % unit == 0 { 0 } else { self.nanos.signum() };
        let value = self.nanos / unit + away;
        i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
    }
}

/// What a suffix says.
struct Scale {
    notation: Notation,
    /// Multiplier of binary suffixes.
    factor: i128,
    /// Power of ten of the others.
    exponent: i32,
}

impl Scale {
    fn parse(suffix: &str) -> Result<Self, QuantityError> {
        let decimal = |exponent| Ok(Self { notation: Notation::Decimal, factor: 1, exponent });
        let binary =
            |power: u32| Ok(Self { notation: Notation::Binary, factor: 1_i128 << (10 * power), exponent: 0 });
        match suffix {
            "n" => decimal(-9),
            "u" => decimal(-6),
            "m" => decimal(-3),
            "" => decimal(0),
            "k" => decimal(3),
            "M" => decimal(6),
            "G" => decimal(9),
            "T" => decimal(12),
            "P" => decimal(15),
            "E" => decimal(18),
            "Ki" => binary(1),
            "Mi" => binary(2),
            "Gi" => binary(3),
            "Ti" => binary(4),
            "Pi" => binary(5),
            "Ei" => binary(6),
            _ => {
                let digits = suffix.strip_prefix(['e', 'E']).ok_or(QuantityError::Suffix)?;
                let exponent: i32 = digits.parse().map_err(|_| QuantityError::Suffix)?;
                Ok(Self { notation: Notation::Exponent, factor: 1, exponent })
            }
        }
    }

    /// The number in nano-units, rounded up, at most the greatest amount there is.
    fn apply(&self, whole: &str, fraction: &str) -> i128 {
        let limit = i128::from(i64::MAX) * NANO;
        let digits: String = whole.chars().chain(fraction.chars()).collect();
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() {
            return 0;
        }
        let power = i64::from(self.exponent) + 9 - fraction.len() as i64;
        if digits.len() as i64 + power > 36 {
            return limit;
        }
        // digits below the last nano only decide about rounding up
        let drop = usize::try_from(-power).unwrap_or(0);
        let product = if drop > 30 && self.factor == 1 {
            1
        } else {
            let Ok(mantissa) = digits.parse::<i128>() else { return limit };
            let Some(scaled) = mantissa.checked_mul(self.factor) else { return limit };
            match u32::try_from(power) {
                Ok(power) => scaled.checked_mul(10_i128.pow(power)).unwrap_or(limit),
                Err(_) => {
                    let divisor = 10_i128.checked_pow(drop as u32).unwrap_or(i128::MAX);
                    scaled / divisor + i128::from(scaled % divisor != 0)
                }
            }
        };
        product.min(if self.factor > 1 { limit } else { i128::MAX / 4 })
    }
}

fn end_of_number(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let whole = digits(0);
    if bytes.get(whole) == Some(&b'.') { whole + 1 + digits(whole + 1) } else { whole }
}

/// Suffix letters, then a sign, then digits.
fn is_suffix_shaped(suffix: &str) -> bool {
    let rest = suffix.trim_start_matches(|c: char| "eEinumkKMGTP".contains(c));
    let rest = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    rest.bytes().all(|b| b.is_ascii_digit())
}

impl fmt::Display for Quantity {
    /// The canonical text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos == 0 {
            return f.write_str("0");
        }
        let small = self.nanos.abs() < 1024 * NANO;
        match self.notation {
            // A fraction of a unit has no binary notation, and nothing may be lost.
            Notation::Binary if !small && self.is_whole() => {
                let mut value = self.nanos / NANO;
                let mut suffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].into_iter();
                let mut suffix = suffixes.next().unwrap_or_default();
                while value % 1024 == 0 {
                    let Some(next) = suffixes.next() else { break };
                    value /= 1024;
                    suffix = next;
                }
                write!(f, "{value}{suffix}")
            }
            notation => {
                let (mut value, mut exponent) = (self.nanos, -9);
                let last = if notation == Notation::Exponent { 27 } else { 18 };
                while value % 1000 == 0 && exponent < last {
                    value /= 1000;
                    exponent += 3;
                }
                write!(f, "{value}")?;
                match (notation, exponent) {
                    (_, 0) => Ok(()),
                    (Notation::Exponent, exponent) => write!(f, "e{exponent}"),
                    (_, exponent) => {
                        const SUFFIXES: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
                        f.write_str(SUFFIXES[((exponent + 9) / 3) as usize])
                    }
                }
            }
        }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl Add for Quantity {
    type Output = Self;
    /// The sum, in the notation of the first operand that is not nothing.
    fn add(self, other: Self) -> Self {
        let notation = if self.is_zero() { other.notation } else { self.notation };
        Self { nanos: self.nanos.saturating_add(other.nanos), notation }
    }
}

impl AddAssign for Quantity {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Neg for Quantity {
    type Output = Self;
    fn neg(self) -> Self {
        Self { nanos: -self.nanos, ..self }
    }
}

impl Sub for Quantity {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl SubAssign for Quantity {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl From<Quantity> for Document {
    fn from(value: Quantity) -> Self {
        value.to_string().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn canonical_texts_are_upstreams() {
        let cases = [
            ("0", "0"),
            ("-0", "0"),
            ("0.5", "500m"),
            (".5", "500m"),
            ("1.", "1"),
            ("100m", "100m"),
            ("1000m", "1"),
            ("1000", "1k"),
            ("1500", "1500"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("1.1Gi", "1181116006400m"),
            ("0.5Ki", "512"),
            ("1023", "1023"),
            ("1Ki", "1Ki"),
            ("1e3", "1e3"),
            ("1E3", "1e3"),
            ("1E", "1E"),
            ("12e-3", "12e-3"),
            ("1e2", "100"),
            ("-1.5", "-1500m"),
            ("+5", "5"),
            ("100u", "100u"),
            ("0.0000000001", "1n"),
            ("1.1n", "2n"),
            ("9223372036854775807", "9223372036854775807"),
            ("8Ei", "9223372036854775807"),
        ];
        for (text, canonical) in cases {
            assert_eq!(Quantity::parse(text).unwrap().to_string(), canonical, "{text}");
        }
    }

    #[test]
    fn wrong_texts_are_refused_in_upstreams_words() {
        for text in ["", "abc", "1.1.1", "1 Gi", "1Gib"] {
            assert_eq!(Quantity::parse(text), Err(QuantityError::Format), "{text}");
        }
        for text in ["1ki", "1mi", "1e", "1ee3", "1kk"] {
            assert_eq!(Quantity::parse(text), Err(QuantityError::Suffix), "{text}");
        }
        assert_eq!(Quantity::parse("m"), Err(QuantityError::Number));
    }

    #[test]
    fn values_round_away_from_zero() {
        let quantity = |text| Quantity::parse(text).unwrap();
        assert_eq!(quantity("1m").value(), 1);
        assert_eq!(quantity("-1m").value(), -1);
        assert_eq!(quantity("1500m").milli_value(), 1500);
        assert_eq!(quantity("1u").milli_value(), 1);
        assert_eq!(quantity("1Ki").value(), 1024);
        assert_eq!((quantity("1Gi") + quantity("1")).to_string(), "1073741825");
        assert_eq!((quantity("1") - quantity("250m")).to_string(), "750m");
        assert!(quantity("1Ki") > quantity("1k"));
    }

    proptest! {
        #[test]
        fn the_canonical_text_reads_back_as_the_same_amount(
            number in -1_000_000_000_i64..1_000_000_000,
            suffix in proptest::sample::select(vec!["n", "u", "m", "", "k", "M", "G", "Ki", "Mi", "e2", "e-4"]),
        ) {
            let once = Quantity::parse(&format!("{number}{suffix}")).unwrap();
            let twice = Quantity::parse(&once.to_string()).unwrap();
            prop_assert_eq!(once, twice);
            prop_assert_eq!(once.to_string(), twice.to_string());
        }

        #[test]
        fn any_text_is_answered(text in "[-+0-9.eEinumkKMGTP]{0,70}") {
            let _ = Quantity::parse(&text).map(|q| q.to_string());
        }
    }
}
