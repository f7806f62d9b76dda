//! Schedules: five fields or one descriptor such as `@daily` or `@every 1h`, as upstream's cron library reads them, with
//! its words for what is none.

use super::time_zone;
use skiff_apimachinery::go_duration;

const DESCRIPTORS: [&str; 7] =
    ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: [Bounds; 5] = [
    Bounds { min: 0, max: 59, names: &[] },
    Bounds { min: 0, max: 23, names: &[] },
    Bounds { min: 1, max: 31, names: &[] },
    Bounds { min: 1, max: 12, names: &MONTHS },
    Bounds { min: 0, max: 6, names: &DAYS },
];

/// What a field may hold; its names stand for numbers from the least one on.
struct Bounds {
    min: i64,
    max: i64,
    names: &'static [&'static str],
}

/// Reads a schedule.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(schedule: &str) -> Result<(), String> {
    if schedule.is_empty() {
        return Err("empty spec string".to_owned());
    }
    let schedule = without_location(schedule)?;
    if schedule.starts_with('@') {
        return descriptor(schedule);
    }
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        let found = fields.len();
        return Err(format!("expected exactly 5 fields, found {found}: [{}]", fields.join(" ")));
    }
    for (field, bounds) in fields.iter().zip(&FIELDS) {
        for expression in field.split(',').filter(|expression| !expression.is_empty()) {
            bounds.check(expression)?;
        }
    }
    Ok(())
}

/// Reads the location that a schedule may begin with.
fn without_location(schedule: &str) -> Result<&str, String> {
    let Some(rest) = schedule.strip_prefix("TZ=").or_else(|| schedule.strip_prefix("CRON_TZ=")) else {
        return Ok(schedule);
    };
    // Upstream's library looks for the end of the location and panics where there is none; that is caught and told.
    let Some((location, rest)) = rest.split_once(' ') else {
        return Err("invalid schedule format: runtime error: slice bounds out of range [:-1]".to_owned());
    };
    match time_zone::load(location) {
        Ok(()) => Ok(rest.trim()),
        Err(why) => Err(format!("provided bad location {location}: {why}")),
    }
}

fn descriptor(text: &str) -> Result<(), String> {
    if DESCRIPTORS.contains(&text) {
        return Ok(());
    }
    let Some(duration) = text.strip_prefix("@every ") else {
        return Err(format!("unrecognized descriptor: {text}"));
    };
    let unsigned = duration.strip_prefix(['-', '+']).unwrap_or(duration);
    match go_duration::parse_duration(unsigned) {
        Ok(_) => Ok(()),
        Err(why) => {
            let why = why.replace(&format!("{unsigned:?}"), &format!("{duration:?}"));
            Err(format!("failed to parse duration {text}: {why}"))
        }
    }
}

impl Bounds {
    /// Reads `*`, `3`, `mon`, `1-5`, each perhaps with `/2` for every second.
    fn check(&self, text: &str) -> Result<(), String> {
        let mut parts = text.split('/');
        let range: Vec<&str> = parts.next().unwrap_or("").split('-').collect();
        let steps: Vec<&str> = parts.collect();
        let (start, mut end) = match range[..] {
            ["*" | "?", ..] | [] => (self.min, self.max),
            [only] => {
                let only = self.number(only)?;
                (only, only)
            }
            [start, end] => (self.number(start)?, self.number(end)?),
            [start, ..] => {
                self.number(start)?;
                return Err(format!("too many hyphens: {text}"));
            }
        };
        let step = match steps[..] {
            [] => 1,
            [step] => {
                // A step counts from a lone number to the last one.
                if range.len() == 1 {
                    end = self.max;
                }
                number(step)?
            }
            _ => return Err(format!("too many slashes: {text}")),
        };
        let (min, max) = (self.min, self.max);
        if start < min {
            return Err(format!("beginning of range ({start}) below minimum ({min}): {text}"));
        }
        if end > max {
            return Err(format!("end of range ({end}) above maximum ({max}): {text}"));
        }
        if start > end {
            return Err(format!("beginning of range ({start}) beyond end of range ({end}): {text}"));
        }
        if step == 0 {
            return Err(format!("step of range should be a positive number: {text}"));
        }
        Ok(())
    }

    fn number(&self, text: &str) -> Result<i64, String> {
        let named = (self.min..).zip(self.names).find(|(_, name)| name.eq_ignore_ascii_case(text));
        named.map_or_else(|| number(text), |(value, _)| Ok(value))
    }
}

fn number(text: &str) -> Result<i64, String> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let numeric = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<i64>() {
        Ok(number) if number < 0 => Err(format!("negative number ({number}) not allowed: {text}")),
        Ok(number) => Ok(number),
        Err(_) => {
            let why = if numeric { "value out of range" } else { "invalid syntax" };
            Err(format!("failed to parse int from {text}: strconv.Atoi: parsing {text:?}: {why}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_read() {
        for schedule in [
            "* * * * *",
            "0 22 * * 1-5",
            "*/15 0,12 ? JAN-mar Sun,tue",
            "5/10 * * * *",
            "  1  2 3\t4 5 ",
            "@hourly",
            "@every 1h30m",
            "@every -5s",
            "TZ=Europe/Berlin 0 4 * * *",
            "CRON_TZ=UTC @daily",
        ] {
            assert_eq!(check(schedule), Ok(()), "{schedule}");
        }
    }

    #[test]
    fn what_are_none_is_told_in_upstreams_words() {
        let cases = [
            ("", "empty spec string"),
            ("error", "expected exactly 5 fields, found 1: [error]"),
            ("* * * * * *", "expected exactly 5 fields, found 6: [* * * * * *]"),
            ("60 * * * *", "end of range (60) above maximum (59): 60"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("* 5-3 * * *", "beginning of range (5) beyond end of range (3): 5-3"),
            ("* * * * 7", "end of range (7) above maximum (6): 7"),
            ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
            ("*/2/3 * * * *", "too many slashes: */2/3"),
            ("*/0 * * * *", "step of range should be a positive number: */0"),
            ("a * * * *", "failed to parse int from a: strconv.Atoi: parsing \"a\": invalid syntax"),
            ("-1 * * * *", "failed to parse int from : strconv.Atoi: parsing \"\": invalid syntax"),
            ("*/-1 * * * *", "negative number (-1) not allowed: -1"),
            (
                "99999999999999999999 * * * *",
                "failed to parse int from 99999999999999999999: strconv.Atoi: parsing \"99999999999999999999\": value out of range",
            ),
            ("@sometimes", "unrecognized descriptor: @sometimes"),
            ("@every x", "failed to parse duration @every x: time: invalid duration \"x\""),
            ("TZ=UTC", "invalid schedule format: runtime error: slice bounds out of range [:-1]"),
            ("TZ=Nowhere * * * * *", "provided bad location Nowhere: unknown time zone Nowhere"),
            ("TZ=UTC ", "expected exactly 5 fields, found 0: []"),
        ];
        for (schedule, expected) in cases {
            assert_eq!(check(schedule).unwrap_err(), expected, "{schedule}");
        }
    }

    #[test]
    fn durations_are_told_with_their_sign() {
        assert_eq!(
            check("@every -5").unwrap_err(),
            "failed to parse duration @every -5: time: missing unit in duration \"-5\""
        );
    }
}
