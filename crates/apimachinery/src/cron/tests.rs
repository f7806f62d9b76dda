//! Schedules as upstream's library reads and follows them.

use super::*;
use proptest::prelude::*;

/// The next time in a zone, as local times without offset.
fn next(schedule: &str, after: &str, name: &str) -> String {
    let zone = zone::load(name).unwrap();
    let after: DateTime = after.parse().unwrap();
    let found =
        Schedule::parse(schedule).unwrap().next(after.to_zoned(zone.clone()).unwrap().timestamp(), &zone);
    found.map_or_else(|| "never".to_owned(), |found| found.to_zoned(zone).datetime().to_string())
}

#[test]
fn times_are_found_as_the_library_finds_them() {
    let cases = [
        // Simple ones.
        ("0/15 * * * *", "2012-07-09T14:45:00", "2012-07-09T15:00:00"),
        ("0/15 * * * *", "2012-07-09T14:59:59", "2012-07-09T15:00:00"),
        ("20-35/15 * * * *", "2012-07-09T15:45:00", "2012-07-09T16:20:00"),
        // Over hours, days, months and years.
        ("20-35/15 * * * *", "2012-07-09T23:46:00", "2012-07-10T00:20:00"),
        ("20-35/15 1-12/2 * * *", "2012-07-09T23:35:51", "2012-07-10T01:20:00"),
        ("20-35/15 10-16/2 1/2 * *", "2012-07-09T23:35:51", "2012-07-11T10:20:00"),
        ("0 0 9 apr-oct ?", "2012-07-09T23:35:00", "2012-08-09T00:00:00"),
        ("0 0 */5 apr,aug,oct mon", "2012-07-09T23:35:00", "2012-08-01T00:00:00"),
        ("0 0 */5 oct mon", "2012-07-09T23:35:00", "2012-10-01T00:00:00"),
        ("0 0 * feb mon", "2012-07-09T23:35:00", "2013-02-04T00:00:00"),
        ("0 0 * feb mon/2", "2012-07-09T23:35:00", "2013-02-01T00:00:00"),
        ("0 0 31 dec ?", "2012-12-31T23:59:45", "2013-12-31T00:00:00"),
        // Leap years.
        ("0 0 29 feb ?", "2012-07-09T23:35:00", "2016-02-29T00:00:00"),
        // Either day field matches where both are told.
        ("0 0 13 * fri", "2026-11-01T00:00:00", "2026-11-06T00:00:00"),
        ("0 0 13 * ?", "2026-11-01T00:00:00", "2026-11-13T00:00:00"),
        // Descriptors.
        ("@yearly", "2026-03-04T05:06:07", "2027-01-01T00:00:00"),
        ("@monthly", "2026-03-04T05:06:07", "2026-04-01T00:00:00"),
        ("@weekly", "2026-03-04T05:06:07", "2026-03-08T00:00:00"),
        ("@daily", "2026-03-04T05:06:07", "2026-03-05T00:00:00"),
        ("@hourly", "2026-03-04T05:06:07", "2026-03-04T06:00:00"),
        ("@every 1h30m", "2026-03-04T05:06:07", "2026-03-04T06:36:07"),
        ("@every 1ms", "2026-03-04T05:06:07", "2026-03-04T05:06:08"),
        ("@every -5s", "2026-03-04T05:06:07", "2026-03-04T05:06:08"),
        // In a zone of its own.
        ("TZ=Asia/Kolkata 0 15 * * *", "2026-03-04T05:06:07", "2026-03-04T09:30:00"),
        ("CRON_TZ=UTC @daily", "2026-03-04T05:06:07", "2026-03-05T00:00:00"),
        // Never.
        ("0 0 30 feb ?", "2012-07-09T23:35:00", "never"),
        ("0 0 31 apr ?", "2012-07-09T23:35:00", "never"),
    ];
    for (schedule, after, wanted) in cases {
        assert_eq!(next(schedule, after, "UTC"), wanted, "{schedule} after {after}");
    }
}

#[test]
fn clocks_that_are_moved_skip_and_repeat_as_in_the_library() {
    let cases = [
        // Forward in New York, 2012-03-11 at two: half past two is not there that day.
        ("30 2 11 mar ?", "2012-03-11T00:00:00", "2013-03-11T02:30:00"),
        ("0 * * * ?", "2012-03-11T00:00:00", "2012-03-11T01:00:00"),
        ("0 * * * ?", "2012-03-11T01:00:00", "2012-03-11T03:00:00"),
        ("0 1 * * ?", "2012-03-11T00:00:00", "2012-03-11T01:00:00"),
        ("0 2 * * ?", "2012-03-11T00:00:00", "2012-03-12T02:00:00"),
        // Back on 2012-11-04 at two: one o'clock is there twice.
        ("30 2 4 nov ?", "2012-11-04T00:00:00", "2012-11-04T02:30:00"),
        ("30 1 4 nov ?", "2012-11-04T00:00:00", "2012-11-04T01:30:00"),
        ("0 3 * * ?", "2012-11-04T00:00:00", "2012-11-04T03:00:00"),
    ];
    for (schedule, after, wanted) in cases {
        assert_eq!(next(schedule, after, "America/New_York"), wanted, "{schedule} after {after}");
    }
    // Where the day begins at one o'clock.
    assert_eq!(next("0 12 9 * ?", "2018-10-17T05:00:00", "America/Sao_Paulo"), "2018-11-09T12:00:00");
    assert_eq!(next("0 12 4 nov ?", "2018-11-03T13:00:00", "America/Sao_Paulo"), "2018-11-04T12:00:00");
}

#[test]
fn zones_are_found_by_their_exact_name() {
    for name in ["", "UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+1", "Local"] {
        assert!(zone::load(name).is_ok(), "{name}");
    }
    for (name, why) in [
        ("europe/berlin", "unknown time zone europe/berlin"),
        ("Moon/Sea", "unknown time zone Moon/Sea"),
        ("../UTC", "time: invalid location name"),
        ("/UTC", "time: invalid location name"),
    ] {
        assert_eq!(zone::load(name).unwrap_err(), why);
    }
}

#[test]
fn wrong_schedules_are_refused_in_the_librarys_words() {
    let cases = [
        ("", "empty spec string"),
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("* * * * * *", "expected exactly 5 fields, found 6: [* * * * * *]"),
        ("error schedule", "expected exactly 5 fields, found 2: [error schedule]"),
        ("xyz * * * *", "failed to parse int from xyz: strconv.Atoi: parsing \"xyz\": invalid syntax"),
        ("5-6-7 * * * *", "too many hyphens: 5-6-7"),
        ("5/2/1 * * * *", "too many slashes: 5/2/1"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* 24 * * *", "end of range (24) above maximum (23): 24"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("* * * 13 *", "end of range (13) above maximum (12): 13"),
        ("* * * * 7", "end of range (7) above maximum (6): 7"),
        ("5-3 * * * *", "beginning of range (5) beyond end of range (3): 5-3"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("*/-1 * * * *", "negative number (-1) not allowed: -1"),
        ("@unrecognized", "unrecognized descriptor: @unrecognized"),
        ("-1 * * * *", "failed to parse int from : strconv.Atoi: parsing \"\": invalid syntax"),
        (
            "99999999999999999999 * * * *",
            "failed to parse int from 99999999999999999999: strconv.Atoi: parsing \"99999999999999999999\": value out of range",
        ),
        ("4294967296 * * * *", "end of range (4294967296) above maximum (59): 4294967296"),
        ("@every -5", "failed to parse duration @every -5: time: missing unit in duration \"-5\""),
        ("TZ=UTC", "invalid schedule format: runtime error: slice bounds out of range [:-1]"),
        ("TZ=Nowhere * * * * *", "provided bad location Nowhere: unknown time zone Nowhere"),
        ("TZ=UTC ", "expected exactly 5 fields, found 0: []"),
        ("@every x", "failed to parse duration @every x: time: invalid duration \"x\""),
    ];
    for (schedule, why) in cases {
        assert_eq!(Schedule::parse(schedule).unwrap_err(), why, "{schedule}");
    }
}

proptest! {
    #[test]
    fn anything_is_survived(text in "[-0-9a-z*?/,@ ]{0,30}", second in -10_000_000_000_i64..10_000_000_000) {
        if let Ok(schedule) = Schedule::parse(&text) {
            let after = Timestamp::from_second(second).unwrap();
            prop_assert!(schedule.next(after, &TimeZone::UTC).is_none_or(|found| found > after));
        }
    }

    #[test]
    fn no_matching_minute_is_passed_over(minute in 0..60_u8, hour in 0..24_u8, weekday in 0..7_u8, second in 0..4_000_000_000_i64) {
        let schedule = Schedule::parse(&format!("{minute} {hour} * * {weekday}")).unwrap();
        let after = Timestamp::from_second(second).unwrap();
        let found = schedule.next(after, &TimeZone::UTC).unwrap().to_zoned(TimeZone::UTC);
        prop_assert_eq!((found.minute() as u8, found.hour() as u8, found.second()), (minute, hour, 0));
        prop_assert_eq!(found.weekday().to_sunday_zero_offset() as u8, weekday);
        // A week earlier it would have been found already.
        prop_assert!(found.timestamp().as_second() - second <= 7 * 24 * 3_600);
    }
}
