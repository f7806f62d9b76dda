//! Indexes of pods as texts: `1,3-5,7`.

/// A run of indexes, both ends included.
type Interval = (i64, i64);

/// How many indexes a text names; all must be below the completions and increase.
///
/// # Errors
/// Upstream's words for what is no such text.
pub(super) fn count(text: &str, completions: i64) -> Result<i64, String> {
    let mut total = 0;
    let mut last: Option<i64> = None;
    for part in parse(text, completions) {
        let (first, end) = part?;
        if let Some(last) = last.filter(|last| *last >= first) {
            return Err(format!("non-increasing order, previous: {last}, current: {first}"));
        }
        total += end - first + 1;
        last = Some(end);
    }
    Ok(total)
}

/// The first index that both texts name; what is no interval is left out.
pub(super) fn overlap(completed: &str, failed: &str, completions: i64) -> Option<i64> {
    let mut completed = parse(completed, completions).flatten().peekable();
    let mut failed = parse(failed, completions).flatten().peekable();
    loop {
        let (done, lost) = (*completed.peek()?, *failed.peek()?);
        if done.0 <= lost.1 && lost.0 <= done.1 {
            return Some(done.0.max(lost.0));
        }
        if done.0 <= lost.0 {
            completed.next()
        } else {
            failed.next()
        };
    }
}

fn parse(text: &str, completions: i64) -> impl Iterator<Item = Result<Interval, String>> {
    text.split(',').filter(move |_| !text.is_empty()).map(move |part| interval(part, completions))
}

fn interval(text: &str, completions: i64) -> Result<Interval, String> {
    let index = |text: &str| {
        let index: i64 =
            text.parse().map_err(|_| format!("cannot convert string to integer for index: {text:?}"))?;
        if index >= completions { Err(format!("too large index: {text:?}")) } else { Ok(index) }
    };
    let Some((first, end)) = text.split_once('-') else {
        let only = index(text)?;
        return Ok((only, only));
    };
    if end.contains('-') {
        return Err(format!(
            "the fragment {text:?} violates the requirement that an index interval can have at most two parts separated by '-'"
        ));
    }
    let (first, end) = (index(first)?, index(end)?);
    if first >= end {
        return Err(format!("non-increasing order, previous: {first}, current: {end}"));
    }
    Ok((first, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_counted() {
        for (text, completions, expected) in [("", 5, 0), ("3", 5, 1), ("0-2", 5, 3), ("1,3-5,7", 8, 5)] {
            assert_eq!(count(text, completions), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_are_no_indexes_is_told_in_upstreams_words() {
        let cases = [
            ("5", "too large index: \"5\""),
            ("2-5", "too large index: \"5\""),
            ("3-1", "non-increasing order, previous: 3, current: 1"),
            ("2-2", "non-increasing order, previous: 2, current: 2"),
            ("0-3,2", "non-increasing order, previous: 3, current: 2"),
            ("2,2", "non-increasing order, previous: 2, current: 2"),
            (
                "1-2-3",
                "the fragment \"1-2-3\" violates the requirement that an index interval can have at most two parts separated by '-'",
            ),
            ("a", "cannot convert string to integer for index: \"a\""),
            ("1,", "cannot convert string to integer for index: \"\""),
            ("-1", "cannot convert string to integer for index: \"\""),
        ];
        for (text, expected) in cases {
            assert_eq!(count(text, 5).unwrap_err(), expected, "{text}");
        }
    }

    #[test]
    fn indexes_of_both_are_found() {
        let cases = [
            ("", "1", None),
            ("0-2,5", "3-4,6", None),
            ("0-2,5", "2-3", Some(2)),
            ("0-2,5", "3-7", Some(5)),
            ("x,4", "4", Some(4)),
        ];
        for (completed, failed, expected) in cases {
            assert_eq!(overlap(completed, failed, 10), expected, "{completed} {failed}");
        }
    }
}
