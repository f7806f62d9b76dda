//! Which time of a schedule is due, and when the next one is.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use skiff_apimachinery::cron::Schedule;
use std::time::Duration;

/// From so many missed times on something is wrong, upstream says.
const MANY: i64 = 100;

/// How many times passed without a Job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missed {
    /// None, or the one that is due.
    None,
    /// Some.
    Few,
    /// So many that clocks may be wrong.
    Many,
}

/// The times of one CronJob.
pub(super) struct Times<'a> {
    pub(super) schedule: &'a Schedule,
    pub(super) zone: &'a TimeZone,
    /// The last time that was dealt with, or when the CronJob was created.
    pub(super) since: Timestamp,
    /// The last time that was dealt with.
    pub(super) last: Option<Timestamp>,
}

impl Times<'_> {
    fn next(&self, after: Timestamp) -> Option<Timestamp> {
        self.schedule.next(after, self.zone)
    }

    /// The last time that has come since; with a deadline only what is later than that counts.
    ///
    /// # Errors
    /// If the schedule has no two times.
    pub(super) fn due(
        &self,
        now: Timestamp,
        deadline: Option<i64>,
    ) -> Result<(Option<Timestamp>, Missed), &'static str> {
        let limit = deadline.and_then(|seconds| now.checked_sub(SignedDuration::from_secs(seconds)).ok());
        self.most_recent(limit.map_or(self.since, |limit| limit.max(self.since)), now)
    }

    /// How long until the next time after the ones that have come.
    pub(super) fn wait(&self, now: Timestamp) -> Option<Duration> {
        let from = match self.most_recent(self.since, now) {
            Ok((Some(due), _)) => due,
            Ok((None, Missed::None)) => self.since,
            Ok((None, _)) | Err(_) => now,
        };
        let next = self.next(from)?;
        Some(Duration::try_from(next.duration_since(now)).unwrap_or(Duration::ZERO))
    }

    fn most_recent(
        &self,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<(Option<Timestamp>, Missed), &'static str> {
        const NEVER: &str = "time difference between two schedules is less than 1 second";
        let first = self.next(since).ok_or(NEVER)?;
        if now < first {
            return Ok((None, Missed::None));
        }
        let second = self.next(first).ok_or(NEVER)?;
        if now < second {
            return Ok((Some(first), Missed::None));
        }
        let between = second.duration_since(first).as_secs();
        if between < 1 {
            return Err(NEVER);
        }
        // How many there were is estimated; the last is then found from a little before it.
        let count = now.duration_since(first).as_secs() / between + 1;
        let earlier = SignedDuration::from_secs(between.saturating_mul(count - 2));
        let mut found = None;
        let mut next = first.checked_add(earlier).ok().and_then(|start| self.next(start));
        while let Some(time) = next.filter(|time| *time <= now) {
            found = Some(time);
            next = self.next(time);
        }
        Ok((found, if count > MANY { Missed::Many } else { Missed::Few }))
    }
}

/// Whether it is too late to start what was due.
pub(super) fn is_over(due: Timestamp, deadline: i64, now: Timestamp) -> bool {
    due.checked_add(SignedDuration::from_secs(deadline)).is_ok_and(|end| end < now)
}
