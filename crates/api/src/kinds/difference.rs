//! What changed between two documents: a unified difference of their indented JSON.
//!
//! Upstream puts this text after "is immutable after creation". It aligns lines as Python's `difflib` does, and so does
//! this file: the longest run of equal lines first, then the same to its left and to its right.

use skiff_apimachinery::{Document, json};
use std::collections::HashMap;
use std::ops::Range;

/// Equal lines that are shown around a change.
const CONTEXT: usize = 3;
/// From this many lines on, lines that come often do not start a run.
const POPULAR_FROM: usize = 200;
/// Longer documents are not compared.
const MAX_LINES: usize = 2000;

/// The difference of two documents; empty if there is none.
pub(crate) fn unified(old: &Document, new: &Document) -> String {
    let texts =
        [old, new].map(|document| String::from_utf8_lossy(&json::encode_pretty(document)).into_owned());
    let [old, new] = texts.each_ref().map(|text| text.lines().collect::<Vec<&str>>());
    if old.len() > MAX_LINES || new.len() > MAX_LINES {
        return String::new();
    }
    groups(edits(&old, &new)).iter().map(|group| hunk(group, &old, &new)).collect()
}

/// A run of equal lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    old: usize,
    new: usize,
    len: usize,
}

/// Lines of both sides that are equal, or replace each other.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edit {
    old: Range<usize>,
    new: Range<usize>,
    equal: bool,
}

/// Where in the new lines each line is.
struct Places<'a>(HashMap<&'a str, Vec<usize>>);

impl<'a> Places<'a> {
    fn of(lines: &[&'a str]) -> Self {
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        for (i, line) in lines.iter().enumerate() {
            places.entry(*line).or_default().push(i);
        }
        if lines.len() >= POPULAR_FROM {
            let often = lines.len() / 100 + 1;
            places.retain(|_, found| found.len() <= often);
        }
        Self(places)
    }

    fn within(&self, line: &str, range: &Range<usize>) -> impl Iterator<Item = usize> {
        self.0.get(line).into_iter().flatten().copied().filter(move |place| range.contains(place))
    }
}

fn edits(old: &[&str], new: &[&str]) -> Vec<Edit> {
    let mut out: Vec<Edit> = Vec::new();
    let (mut i, mut j) = (0, 0);
    let end = Run { old: old.len(), new: new.len(), len: 0 };
    for run in runs(old, new).into_iter().chain([end]) {
        if i < run.old || j < run.new {
            out.push(Edit { old: i..run.old, new: j..run.new, equal: false });
        }
        (i, j) = (run.old + run.len, run.new + run.len);
        if run.len > 0 {
            out.push(Edit { old: run.old..i, new: run.new..j, equal: true });
        }
    }
    out
}

/// Runs of equal lines in order, adjacent ones joined.
fn runs(old: &[&str], new: &[&str]) -> Vec<Run> {
    let places = Places::of(new);
    let mut found = Vec::new();
    let mut open = vec![(0..old.len(), 0..new.len())];
    while let Some((left, right)) = open.pop() {
        let run = longest(&places, (old, left.clone()), (new, right.clone()));
        if run.len == 0 {
            continue;
        }
        found.push(run);
        open.push((left.start..run.old, right.start..run.new));
        open.push((run.old + run.len..left.end, run.new + run.len..right.end));
    }
    found.sort_unstable();
    let mut out: Vec<Run> = Vec::new();
    for run in found {
        match out.last_mut() {
            Some(last) if last.old + last.len == run.old && last.new + last.len == run.new => {
                last.len += run.len;
            }
            _ => out.push(run),
        }
    }
    out
}

/// The longest run within two ranges; of equally long ones the first.
fn longest(
    places: &Places<'_>,
    (old, left): (&[&str], Range<usize>),
    (new, right): (&[&str], Range<usize>),
) -> Run {
    let mut best = Run { old: left.start, new: right.start, len: 0 };
    let mut lengths: HashMap<usize, usize> = HashMap::new();
    for i in left.clone() {
        let Some(line) = old.get(i) else { break };
        let mut longer = HashMap::new();
        for j in places.within(line, &right) {
            let before = j.checked_sub(1).and_then(|before| lengths.get(&before)).copied().unwrap_or(0);
            let len = before + 1;
            longer.insert(j, len);
            if len > best.len {
                best = Run { old: i + 1 - len, new: j + 1 - len, len };
            }
        }
        lengths = longer;
    }
    let equal = |i: usize, j: usize| old.get(i).is_some() && old.get(i) == new.get(j);
    while best.old > left.start && best.new > right.start && equal(best.old - 1, best.new - 1) {
        best = Run { old: best.old - 1, new: best.new - 1, len: best.len + 1 };
    }
    while best.old + best.len < left.end
        && best.new + best.len < right.end
        && equal(best.old + best.len, best.new + best.len)
    {
        best.len += 1;
    }
    best
}

/// Changes with the equal lines around them, far ones apart.
fn groups(mut edits: Vec<Edit>) -> Vec<Vec<Edit>> {
    if let Some(first) = edits.first_mut().filter(|edit| edit.equal) {
        *first = last_lines(first);
    }
    if let Some(last) = edits.last_mut().filter(|edit| edit.equal) {
        *last = first_lines(last);
    }
    let mut out = Vec::new();
    let mut group: Vec<Edit> = Vec::new();
    for mut edit in edits {
        if edit.equal && edit.old.len() > 2 * CONTEXT {
            group.push(first_lines(&edit));
            out.push(std::mem::take(&mut group));
            edit = last_lines(&edit);
        }
        group.push(edit);
    }
    out.push(group);
    out.retain(|group| group.iter().any(|edit| !edit.equal));
    out
}

fn first_lines(edit: &Edit) -> Edit {
    let cut = |range: &Range<usize>| range.start..range.end.min(range.start + CONTEXT);
    Edit { old: cut(&edit.old), new: cut(&edit.new), equal: true }
}

fn last_lines(edit: &Edit) -> Edit {
    let cut = |range: &Range<usize>| range.start.max(range.end.saturating_sub(CONTEXT))..range.end;
    Edit { old: cut(&edit.old), new: cut(&edit.new), equal: true }
}

fn hunk(group: &[Edit], old: &[&str], new: &[&str]) -> String {
    let (Some(first), Some(last)) = (group.first(), group.last()) else { return String::new() };
    let mut out = format!(
        "@@ -{} +{} @@\n",
        range_text(first.old.start..last.old.end),
        range_text(first.new.start..last.new.end)
    );
    let mut write = |mark: char, lines: &[&str], range: &Range<usize>| {
        for line in lines.get(range.clone()).unwrap_or_default() {
            out.push(mark);
            out.push_str(line);
            out.push('\n');
        }
    };
    for edit in group {
        if edit.equal {
            write(' ', old, &edit.old);
        } else {
            write('-', old, &edit.old);
            write('+', new, &edit.new);
        }
    }
    out
}

/// Line numbers start at one; a single line has no length; nothing is told by the line before it.
fn range_text(range: Range<usize>) -> String {
    match range.len() {
        0 => format!("{},0", range.start),
        1 => (range.start + 1).to_string(),
        len => format!("{},{len}", range.start + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn changes_are_shown_with_the_lines_around_them() {
        let cases = [
            ("nothing", doc!({"a": 1}), doc!({"a": 1}), ""),
            (
                "a value",
                doc!({"A": 1, "B": 2, "C": 3, "D": 4, "E": 5}),
                doc!({"A": 1, "B": 2, "C": 3, "D": 0, "E": 5}),
                "@@ -2,6 +2,6 @@\n   \"A\": 1,\n   \"B\": 2,\n   \"C\": 3,\n-  \"D\": 4,\n+  \"D\": 0,\n   \"E\": 5\n }\n",
            ),
            (
                "an element",
                doc!({"A": ["x"]}),
                doc!({"A": ["x", "y"]}),
                "@@ -1,5 +1,6 @@\n {\n   \"A\": [\n-    \"x\"\n+    \"x\",\n+    \"y\"\n   ]\n }\n",
            ),
            ("all", doc!(null), doc!(1), "@@ -1 +1 @@\n-null\n+1\n"),
        ];
        for (name, old, new, expected) in cases {
            assert_eq!(unified(&old, &new), expected, "{name}");
        }
    }

    #[test]
    fn changes_far_apart_are_shown_apart() {
        let numbers = |first: i64, last: i64| -> Document {
            let middle = (1..10).map(|n| n * 10);
            [first].into_iter().chain(middle).chain([last]).map(Document::from).collect()
        };
        let text = unified(&numbers(1, 2), &numbers(3, 4));
        assert_eq!(
            text,
            "@@ -1,5 +1,5 @@\n [\n-  1,\n+  3,\n   10,\n   20,\n   30,\n@@ -9,5 +9,5 @@\n   70,\n   80,\n   90,\n-  2\n+  4\n ]\n"
        );
    }

    #[test]
    fn lines_that_come_often_still_count_beside_others() {
        let list = |last: i64| -> Document {
            (0..300).map(|_| Document::from(7)).chain([Document::from(last)]).collect()
        };
        let text = unified(&list(1), &list(2));
        assert_eq!(text, "@@ -299,5 +299,5 @@\n   7,\n   7,\n   7,\n-  1\n+  2\n ]\n");
    }
}
