//! One field of a schedule: which of its numbers match.

/// What a field may say.
pub(super) struct Bounds {
    low: i64,
    high: i64,
    names: &'static [&'static str],
}

pub(super) const MINUTE: Bounds = Bounds { low: 0, high: 59, names: &[] };
pub(super) const HOUR: Bounds = Bounds { low: 0, high: 23, names: &[] };
pub(super) const DAY: Bounds = Bounds { low: 1, high: 31, names: &[] };
pub(super) const MONTH: Bounds = Bounds {
    low: 1,
    high: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
pub(super) const DAY_OF_WEEK: Bounds =
    Bounds { low: 0, high: 6, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

/// The numbers of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Field {
    bits: u64,
    /// Whether it leaves the matter to another field.
    pub(super) star: bool,
}

impl Field {
    /// Whether a number matches.
    pub(super) fn has(self, number: i8) -> bool {
        u32::try_from(number).is_ok_and(|number| number < u64::BITS && self.bits & (1 << number) != 0)
    }

    /// Reads ranges with commas between them.
    pub(super) fn parse(text: &str, bounds: &Bounds) -> Result<Self, String> {
        let mut field = Self::default();
        for range in text.split(',').filter(|range| !range.is_empty()) {
            let range = parse_range(range, bounds)?;
            field.bits |= range.bits;
            field.star |= range.star;
        }
        Ok(field)
    }
}

/// Reads `*`, `?`, `N`, `N-M`, each with or without `/STEP`.
fn parse_range(text: &str, bounds: &Bounds) -> Result<Field, String> {
    let mut parts = text.split('/');
    let range = parts.next().unwrap_or_default();
    let step = parts.next();
    let mut ends = range.split('-');
    let first = ends.next().unwrap_or_default();
    let second = ends.next();
    let mut star = false;
    let (low, mut high) = if matches!(first, "*" | "?") {
        star = true;
        (bounds.low, bounds.high)
    } else {
        let low = number_or_name(first, bounds)?;
        let high = second.map_or(Ok(low), |second| number_or_name(second, bounds))?;
        if ends.next().is_some() {
            return Err(format!("too many hyphens: {text}"));
        }
        (low, high)
    };
    let step = match step {
        None => 1,
        Some(step) => {
            let step = number(step)?;
            if parts.next().is_some() {
                return Err(format!("too many slashes: {text}"));
            }
            if second.is_none() {
                high = bounds.high;
            }
            star &= step <= 1;
            step
        }
    };
    if low < bounds.low {
        return Err(format!("beginning of range ({low}) below minimum ({}): {text}", bounds.low));
    }
    if high > bounds.high {
        return Err(format!("end of range ({high}) above maximum ({}): {text}", bounds.high));
    }
    if low > high {
        return Err(format!("beginning of range ({low}) beyond end of range ({high}): {text}"));
    }
    if step == 0 {
        return Err(format!("step of range should be a positive number: {text}"));
    }
    let steps = (low..=high).step_by(usize::try_from(step).unwrap_or(usize::MAX));
    Ok(Field { bits: steps.fold(0, |bits, number| bits | 1 << number), star })
}

fn number_or_name(text: &str, bounds: &Bounds) -> Result<i64, String> {
    let lower = text.to_lowercase();
    match bounds.names.iter().position(|name| *name == lower) {
        Some(position) => Ok(bounds.low + i64::try_from(position).unwrap_or(0)),
        None => number(text),
    }
}

fn number(text: &str) -> Result<i64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let failed =
        |why: &str| format!("failed to parse int from {text}: strconv.Atoi: parsing {text:?}: {why}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(failed("invalid syntax"));
    }
    let number: i64 = text.parse().map_err(|_| failed("value out of range"))?;
    if number < 0 {
        return Err(format!("negative number ({number}) not allowed: {text}"));
    }
    Ok(number)
}
