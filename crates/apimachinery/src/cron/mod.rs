//! Schedules of CronJobs, read and followed as upstream's library (robfig/cron's standard parser) does.
//!
//! Five fields (minute, hour, day of month, month, day of week), descriptors such as `@daily`, and `@every 1h30m`. A time
//! is looked for in a time zone; local times that do not exist or exist twice are treated as that library treats them.

mod field;
pub mod zone;

use crate::go_duration::parse_duration;
use field::{DAY, DAY_OF_WEEK, Field, HOUR, MINUTE, MONTH};
use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan, Unit, Zoned};

/// A schedule that has no time in so many years has none.
const YEARS: i16 = 5;

/// When something is to happen.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    times: Times,
    /// The zone that the schedule names itself.
    zone: Option<TimeZone>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Times {
    /// At the times that match.
    At(Fields),
    /// Again and again after so many seconds.
    Every(i64),
}

/// What a matching time looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fields {
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    day_of_week: Field,
}

impl Schedule {
    /// Reads a schedule, which may begin with `TZ=ZONE ` or `CRON_TZ=ZONE `.
    ///
    /// # Errors
    /// What is wrong, in the library's words.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("empty spec string".to_owned());
        }
        let Some(rest) = text.strip_prefix("TZ=").or_else(|| text.strip_prefix("CRON_TZ=")) else {
            return Ok(Self { times: Times::parse(text)?, zone: None });
        };
        // The library looks for the end of the name and panics where there is none; upstream tells that.
        let Some((name, rest)) = rest.split_once(' ') else {
            return Err("invalid schedule format: runtime error: slice bounds out of range [:-1]".to_owned());
        };
        let zone = zone::load(name).map_err(|why| format!("provided bad location {name}: {why}"))?;
        Ok(Self { times: Times::parse(rest.trim())?, zone: Some(zone) })
    }

    /// The first time after this one, in the zone that the schedule names or else this one; `None` if there is none in the
    /// next years.
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let whole = Timestamp::from_second(after.as_second()).ok()?;
        match &self.times {
            Times::Every(seconds) => whole.checked_add(Span::new().try_seconds(*seconds).ok()?).ok(),
            Times::At(fields) => {
                let zone = self.zone.as_ref().unwrap_or(zone);
                let start = whole.checked_add(1.second()).ok()?;
                fields.first_from(start.to_zoned(zone.clone())).map(|found| found.timestamp())
            }
        }
    }
}

impl Times {
    fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('@') {
            return Self::parse_descriptor(text);
        }
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, day_of_week] = fields.as_slice() else {
            return Err(format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" ")));
        };
        Ok(Self::At(Fields {
            minute: Field::parse(minute, &MINUTE)?,
            hour: Field::parse(hour, &HOUR)?,
            day: Field::parse(day, &DAY)?,
            month: Field::parse(month, &MONTH)?,
            day_of_week: Field::parse(day_of_week, &DAY_OF_WEEK)?,
        }))
    }

    fn parse_descriptor(text: &str) -> Result<Self, String> {
        match text {
            "@yearly" | "@annually" => Self::parse("0 0 1 1 *"),
            "@monthly" => Self::parse("0 0 1 * *"),
            "@weekly" => Self::parse("0 0 * * 0"),
            "@daily" | "@midnight" => Self::parse("0 0 * * *"),
            "@hourly" => Self::parse("0 * * * *"),
            _ => match text.strip_prefix("@every ") {
                Some(duration) => Ok(Self::Every(parse_every(text, duration)?)),
                None => Err(format!("unrecognized descriptor: {text}")),
            },
        }
    }
}

/// Whole seconds, one at least.
fn parse_every(text: &str, duration: &str) -> Result<i64, String> {
    let unsigned = duration.strip_prefix(['-', '+']).unwrap_or(duration);
    let parsed = parse_duration(unsigned).map_err(|why| {
        let why = why.replace(&format!("{unsigned:?}"), &format!("{duration:?}"));
        format!("failed to parse duration {text}: {why}")
    })?;
    let seconds = if duration.starts_with('-') { 0 } else { parsed.as_secs() };
    Ok(i64::try_from(seconds).unwrap_or(i64::MAX).max(1))
}

impl Fields {
    /// A day matches by both of its fields if either is a star, else by one of them.
    fn matches_day(&self, time: &Zoned) -> bool {
        let day = self.day.has(time.day());
        let day_of_week = self.day_of_week.has(time.weekday().to_sunday_zero_offset());
        if self.day.star || self.day_of_week.star { day && day_of_week } else { day || day_of_week }
    }

    /// The first matching time that is not before this one. Larger units are settled first; whenever a smaller one makes a
    /// larger one wrong again, all is looked at once more.
    fn first_from(&self, mut time: Zoned) -> Option<Zoned> {
        let last_year = time.year().checked_add(YEARS)?;
        // Whether the smaller units begin at their lowest, which they do once a larger one was moved.
        let mut moved = false;
        'again: while time.year() <= last_year {
            while !self.month.has(time.month()) {
                time = first_of_month(&time)?.checked_add(1.month()).ok()?;
                moved = true;
                if time.month() == 1 {
                    continue 'again;
                }
            }
            while !self.matches_day(&time) {
                if !moved {
                    time = local(&time, time.datetime().date().at(0, 0, 0, 0))?;
                    moved = true;
                }
                time = near_midnight(time.checked_add(1.day()).ok()?)?;
                if time.day() == 1 {
                    continue 'again;
                }
            }
            while !self.hour.has(time.hour()) {
                if !moved {
                    time = local(&time, time.datetime().date().at(time.hour(), 0, 0, 0))?;
                    moved = true;
                }
                time = time.checked_add(1.hour()).ok()?;
                if time.hour() == 0 {
                    continue 'again;
                }
            }
            while !self.minute.has(time.minute()) {
                if !moved {
                    time = time.round(floor(Unit::Minute)).ok()?;
                    moved = true;
                }
                time = time.checked_add(1.minute()).ok()?;
                if time.minute() == 0 {
                    continue 'again;
                }
            }
            while time.second() != 0 {
                time = time.checked_add(1.second()).ok()?;
                moved = true;
                if time.second() == 0 {
                    continue 'again;
                }
            }
            return Some(time);
        }
        None
    }
}

fn floor(unit: Unit) -> jiff::ZonedRound {
    jiff::ZonedRound::new().smallest(unit).mode(jiff::RoundMode::Trunc)
}

fn local(time: &Zoned, civil: DateTime) -> Option<Zoned> {
    civil.to_zoned(time.time_zone().clone()).ok()
}

fn first_of_month(time: &Zoned) -> Option<Zoned> {
    local(time, date(time.year(), time.month(), 1).at(0, 0, 0, 0))
}

/// A day may begin at another hour than zero where clocks are moved at midnight.
fn near_midnight(time: Zoned) -> Option<Zoned> {
    let hours = i64::from(time.hour());
    match hours {
        0 => Some(time),
        13.. => time.checked_add((24 - hours).hours()).ok(),
        _ => {
            let earlier = time.checked_sub(hours.hours()).ok()?;
            // Where there is no midnight the day begins later.
            Some(if earlier.day() == time.day() { earlier } else { time })
        }
    }
}

#[cfg(test)]
mod tests;
