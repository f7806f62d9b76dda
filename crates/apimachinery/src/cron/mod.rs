//! Schedules of CronJobs, read and followed as upstream's library (robfig/cron's standard parser) does.
//!
//! Five fields (minute, hour, day of month, month, day of week), descriptors such as `@daily`, and `@every 1h30m`. A time
//! is looked for in a time zone; local times that do not exist or exist twice are treated as that library treats them.

mod field;

use crate::go_duration::parse_duration;
use field::{DAY, DAY_OF_WEEK, Field, HOUR, MINUTE, MONTH};
use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan, Unit, Zoned};

/// A schedule that has no time in so many years has none.
const YEARS: i16 = 5;

/// When something is to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// At the times that match.
    At(Fields),
    /// Again and again after so many seconds.
    Every(i64),
}

/// What a matching time looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    day_of_week: Field,
}

impl Schedule {
    /// Reads a schedule.
    ///
    /// # Errors
    /// What is wrong, in the library's words.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("empty spec string".to_owned());
        }
        if text.starts_with('@') {
            return descriptor(text);
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

    /// The first time after this one; `None` if there is none in the next years.
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let whole = Timestamp::from_second(after.as_second()).ok()?;
        match self {
            Self::Every(seconds) => whole.checked_add(Span::new().try_seconds(*seconds).ok()?).ok(),
            Self::At(fields) => {
                let start = whole.checked_add(1.second()).ok()?;
                fields.first_from(start.to_zoned(zone.clone())).map(|found| found.timestamp())
            }
        }
    }
}

fn descriptor(text: &str) -> Result<Schedule, String> {
    let fields = match text {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        _ => {
            let Some(every) = text.strip_prefix("@every ") else {
                return Err(format!("unrecognized descriptor: {text}"));
            };
            let duration =
                parse_duration(every).map_err(|why| format!("failed to parse duration {text}: {why}"))?;
            let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
            return Ok(Schedule::Every(seconds.max(1)));
        }
    };
    Schedule::parse(fields)
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
