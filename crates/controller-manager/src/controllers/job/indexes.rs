//! Sets of completion indexes, as `status.completedIndexes` and `status.failedIndexes` write them: `1,3-5,7`.
//!
//! They are kept as runs, so that a Job with many completions costs little. Always holds: runs ascend, and between two
//! of them an index is missing.

use std::fmt;

/// Indexes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Indexes(Vec<Run>);

/// Consecutive indexes, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    first: u32,
    last: u32,
}

impl Indexes {
    /// Reads those below `end`; what is no run of indexes is passed over, as upstream does.
    pub(super) fn parse(text: &str, end: u32) -> Self {
        Self::merged(text.split(',').filter_map(|part| Run::parse(part, end)).collect())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(Run::len).sum()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this is one of them.
    pub(super) fn contains(&self, index: u32) -> bool {
        let at = self.0.partition_point(|run| run.last < index);
        self.0.get(at).is_some_and(|run| run.first <= index)
    }

    /// Those of either.
    pub(super) fn union(&self, other: &Self) -> Self {
        Self::merged(self.0.iter().chain(&other.0).copied().collect())
    }

    /// How many both have.
    pub(super) fn common(&self, other: &Self) -> usize {
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut count = 0;
        while let (Some(&&a), Some(&&b)) = (left.peek(), right.peek()) {
            let (first, last) = (a.first.max(b.first), a.last.min(b.last));
            if first <= last {
                count += Run { first, last }.len();
            }
            if a.last < b.last {
                left.next()
            } else {
                right.next()
            };
        }
        count
    }

    /// Those below `end` that it does not have, in order.
    pub(super) fn missing(&self, end: u32) -> impl Iterator<Item = u32> {
        let starts = std::iter::once(0).chain(self.0.iter().map(|run| run.last.saturating_add(1)));
        let stops = self.0.iter().map(|run| run.first).chain(std::iter::once(end));
        starts.zip(stops).flat_map(move |(start, stop)| start..stop.min(end))
    }

    fn merged(mut runs: Vec<Run>) -> Self {
        runs.sort_by_key(|run| run.first);
        let mut out: Vec<Run> = Vec::with_capacity(runs.len());
        for run in runs {
            match out.last_mut() {
                Some(before) if run.first <= before.last.saturating_add(1) => {
                    before.last = before.last.max(run.last);
                }
                _ => out.push(run),
            }
        }
        Self(out)
    }
}

impl FromIterator<u32> for Indexes {
    fn from_iter<I: IntoIterator<Item = u32>>(indexes: I) -> Self {
        Self::merged(indexes.into_iter().map(|index| Run { first: index, last: index }).collect())
    }
}

impl fmt::Display for Indexes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, run) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(",")?;
            }
            match run.len() {
                1 => write!(f, "{}", run.first)?,
                2 => write!(f, "{},{}", run.first, run.last)?,
                _ => write!(f, "{}-{}", run.first, run.last)?,
            }
        }
        Ok(())
    }
}

impl Run {
    fn parse(text: &str, end: u32) -> Option<Self> {
        let mut limits = text.split('-').map(|limit| limit.parse::<u32>().ok());
        let first = limits.next()??;
        let last = limits.next().unwrap_or(Some(first))?;
        let last = last.min(end.checked_sub(1)?);
        (first <= last).then_some(Self { first, last })
    }

    fn len(&self) -> usize {
        (self.last - self.first) as usize + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::{btree_set, vec};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn texts_are_read_up_to_the_completions() {
        let cases = [
            ("", 5, ""),
            ("1", 2, "1"),
            ("0-5,8-10", 8, "0-5"),
            ("0-5,8-10", 10, "0-5,8,9"),
            ("0,4,5,10-12", 13, "0,4,5,10-12"),
            ("3,4,6", 9, "3,4,6"),
            ("3,4,5", 9, "3-5"),
            ("0,1-foo,bar", 4, "0"),
            ("-1,2", 4, "2"),
            ("1-2-3", 4, "1,2"),
            ("3-1,0", 4, "0"),
            ("2,1,0", 4, "0-2"),
            ("0-2", 0, ""),
            ("99999999999", 4, ""),
        ];
        for (text, end, expected) in cases {
            assert_eq!(Indexes::parse(text, end).to_string(), expected, "{text:?} below {end}");
        }
    }

    #[test]
    fn sets_are_merged_as_upstream_merges_them() {
        let cases: [(&str, Vec<u32>, &str); 5] = [
            ("0,4,5,10-12", vec![2, 7, 8], "0,2,4,5,7,8,10-12"),
            ("3,4,6", vec![2, 7, 8], "2-4,6-8"),
            ("2,7,8", vec![3, 4, 6], "2-4,6-8"),
            ("2-7", vec![0, 3, 5, 9], "0,2-7,9"),
            ("", vec![5, 5, 10], "5,10"),
        ];
        for (text, new, expected) in cases {
            let new: Indexes = new.into_iter().collect();
            assert_eq!(Indexes::parse(text, 20).union(&new).to_string(), expected, "{text}");
        }
    }

    fn members(indexes: &Indexes) -> BTreeSet<u32> {
        (0..100).filter(|index| indexes.contains(*index)).collect()
    }

    fn set() -> impl Strategy<Value = BTreeSet<u32>> {
        btree_set(0..40_u32, 0..30)
    }

    fn of(set: &BTreeSet<u32>) -> Indexes {
        set.iter().copied().collect()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(set in set()) {
            let indexes = of(&set);
            prop_assert_eq!(&Indexes::parse(&indexes.to_string(), 40), &indexes);
            prop_assert_eq!(members(&indexes), set);
        }

        #[test]
        fn the_order_of_indexes_does_not_matter(list in vec(0..40_u32, 0..60)) {
            let set: BTreeSet<u32> = list.iter().copied().collect();
            prop_assert_eq!(list.into_iter().collect::<Indexes>(), of(&set));
        }

        #[test]
        fn they_are_sets(a in set(), b in set(), end in 0..50_u32) {
            let (left, right) = (of(&a), of(&b));
            prop_assert_eq!(left.len(), a.len());
            prop_assert_eq!(left.is_empty(), a.is_empty());
            prop_assert_eq!(members(&left.union(&right)), &a | &b);
            prop_assert_eq!(left.common(&right), (&a & &b).len());
            let missing: Vec<u32> = (0..end).filter(|index| !a.contains(index)).collect();
            prop_assert_eq!(left.missing(end).collect::<Vec<u32>>(), missing);
        }

        #[test]
        fn any_text_makes_a_set_below_the_end(text in "[0-9,\\-]{0,40}", end in 0..50_u32) {
            let indexes = Indexes::parse(&text, end);
            prop_assert!(members(&indexes).iter().all(|index| *index < end));
            prop_assert_eq!(members(&indexes).len(), indexes.len());
            prop_assert_eq!(&Indexes::parse(&indexes.to_string(), end), &indexes);
        }
    }
}
