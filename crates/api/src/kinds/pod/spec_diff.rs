//! What differs between two parts of pods, as lines of a unified diff.

use skiff_apimachinery::{Document, Node, json};

/// Lines around a change that are shown with it.
const CONTEXT: usize = 3;
/// Most pairs of lines that are compared: of more, all lines are shown as changed.
const MAX_PAIRS: usize = 1 << 20;

/// A line, and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line<'a> {
    Both(&'a str),
    Old(&'a str),
    New(&'a str),
}

/// The diff from the old part to the new one.
pub(super) fn unified(old: &Document, new: &Document) -> String {
    let (old, new) = (pretty(old), pretty(new));
    let lines = align(&old, &new);
    let mut out = String::new();
    let mut start = 0;
    while let Some(hunk) = next_hunk(&lines, start) {
        write_hunk(&lines, hunk, &mut out);
        start = hunk.1;
    }
    out
}

/// Lines of JSON, keys sorted, each level indented by one space.
fn pretty(doc: &Document) -> Vec<String> {
    let mut out = Vec::new();
    write_lines(doc, 0, "", "", &mut out);
    out
}

fn write_lines(doc: &Document, depth: usize, before: &str, after: &str, out: &mut Vec<String>) {
    let indent = " ".repeat(depth);
    let text = |value: &Document| String::from_utf8_lossy(&json::encode(value)).into_owned();
    match doc.node() {
        Node::Object(map) if !map.is_empty() => {
            out.push(format!("{indent}{before}{{"));
            let mut entries: Vec<(&str, &Document)> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            let last = entries.len() - 1;
            for (i, (key, value)) in entries.into_iter().enumerate() {
                let name = format!("{}: ", text(&key.into()));
                write_lines(value, depth + 1, &name, if i == last { "" } else { "," }, out);
            }
            out.push(format!("{indent}}}{after}"));
        }
        Node::Array(list) if !list.is_empty() => {
            out.push(format!("{indent}{before}["));
            let last = list.len() - 1;
            for (i, value) in list.iter().enumerate() {
                write_lines(value, depth + 1, "", if i == last { "" } else { "," }, out);
            }
            out.push(format!("{indent}]{after}"));
        }
        _ => out.push(format!("{indent}{before}{}{after}", text(doc))),
    }
}

/// The lines of both, those that both have once.
fn align<'a>(old: &'a [String], new: &'a [String]) -> Vec<Line<'a>> {
    let same_start = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (old_rest, new_rest) = (&old[same_start..], &new[same_start..]);
    let pairs_from_end = old_rest.iter().rev().zip(new_rest.iter().rev());
    let same_end = pairs_from_end.take_while(|(old, new)| old == new).count();
    let (old_middle, end) = old_rest.split_at(old_rest.len() - same_end);
    let new_middle = &new_rest[..new_rest.len() - same_end];
    let mut out: Vec<Line<'a>> = old[..same_start].iter().map(|line| Line::Both(line)).collect();
    out.extend(align_middle(old_middle, new_middle));
    out.extend(end.iter().map(|line| Line::Both(line)));
    out
}

/// By the longest common subsequence.
fn align_middle<'a>(old: &'a [String], new: &'a [String]) -> Vec<Line<'a>> {
    let all_changed = old.len().saturating_mul(new.len()) > MAX_PAIRS;
    let width = new.len() + 1;
    let mut lengths: Vec<u32> = Vec::new();
    if !all_changed {
        lengths.resize((old.len() + 1) * width, 0);
        for i in (0..old.len()).rev() {
            for j in (0..new.len()).rev() {
                lengths[i * width + j] = if old[i] == new[j] {
                    lengths[(i + 1) * width + j + 1] + 1
                } else {
                    lengths[(i + 1) * width + j].max(lengths[i * width + j + 1])
                };
            }
        }
    }
    let mut out = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < old.len() && j < new.len() && !all_changed {
        if old[i] == new[j] {
            out.push(Line::Both(&old[i]));
            (i, j) = (i + 1, j + 1);
        } else if lengths[(i + 1) * width + j] >= lengths[i * width + j + 1] {
            out.push(Line::Old(&old[i]));
            i += 1;
        } else {
            out.push(Line::New(&new[j]));
            j += 1;
        }
    }
    out.extend(old[i..].iter().map(|line| Line::Old(line)));
    out.extend(new[j..].iter().map(|line| Line::New(line)));
    out
}

/// The next lines to show together, from this one on: from which, and up to which.
fn next_hunk(lines: &[Line<'_>], from: usize) -> Option<(usize, usize)> {
    let is_change = |line: &Line<'_>| !matches!(line, Line::Both(_));
    let first = from + lines[from..].iter().position(is_change)?;
    let mut end = first + 1;
    // A change that is near enough belongs to the same lines.
    while let Some(next) = lines[end..].iter().take(2 * CONTEXT + 1).position(is_change) {
        end += next + 1;
    }
    Some((first.saturating_sub(CONTEXT).max(from), (end + CONTEXT).min(lines.len())))
}

fn write_hunk(lines: &[Line<'_>], (start, end): (usize, usize), out: &mut String) {
    let of_old = |lines: &[Line<'_>]| lines.iter().filter(|line| !matches!(line, Line::New(_))).count();
    let of_new = |lines: &[Line<'_>]| lines.iter().filter(|line| !matches!(line, Line::Old(_))).count();
    let (before, shown) = (&lines[..start], &lines[start..end]);
    out.push_str(&format!(
        "@@ -{} +{} @@\n",
        range(of_old(before), of_old(shown)),
        range(of_new(before), of_new(shown))
    ));
    for line in shown {
        let (mark, text) = match line {
            Line::Both(text) => (' ', text),
            Line::Old(text) => ('-', text),
            Line::New(text) => ('+', text),
        };
        out.push(mark);
        out.push_str(text);
        out.push('\n');
    }
}

/// `first,count`; the count of a single line is left out, and no lines come after the one before them.
fn range(before: usize, count: usize) -> String {
    match count {
        0 => format!("{before},0"),
        1 => format!("{}", before + 1),
        _ => format!("{},{count}", before + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn changed_lines_are_shown_among_those_around_them() {
        let old = doc!({"a": 1, "b": {"c": [1, 2]}, "d": "x", "e": 1, "f": 2});
        let new = doc!({"a": 1, "b": {"c": [1, 3]}, "d": "x", "e": 1, "f": 2});
        let expected =
            "@@ -3,7 +3,7 @@\n  \"b\": {\n   \"c\": [\n    1,\n-   2\n+   3\n   ]\n  },\n  \"d\": \"x\",\n";
        assert_eq!(unified(&old, &new), expected);
        assert_eq!(unified(&old, &old), "");
    }

    #[test]
    fn changes_that_are_far_apart_are_shown_apart() {
        let many = |first: i64, last: i64| {
            let mut list: Vec<i64> = (0..20).collect();
            (list[0], list[19]) = (first, last);
            Document::from(list)
        };
        let text = unified(&many(0, 19), &many(100, 200));
        let hunks: Vec<&str> = text.lines().filter(|line| line.starts_with("@@")).collect();
        assert_eq!(hunks, ["@@ -1,5 +1,5 @@", "@@ -18,5 +18,5 @@"]);
    }

    #[test]
    fn what_is_added_and_removed_is_marked() {
        let text = unified(&doc!({"a": 1}), &doc!({"a": 1, "b": 2}));
        assert_eq!(text, "@@ -1,3 +1,4 @@\n {\n- \"a\": 1\n+ \"a\": 1,\n+ \"b\": 2\n }\n");
        assert_eq!(unified(&doc!([]), &doc!({})), "@@ -1 +1 @@\n-[]\n+{}\n");
    }
}
