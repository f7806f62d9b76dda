//! What a command printed, without what differs from run to run.
//!
//! Times, ages, identities, random parts of names and what the machine gave (addresses, ports, directories) are shown by
//! what they are; the columns of tables are set anew around them. Everything else is compared as it is printed.

use regex::Regex;
use std::sync::LazyLock;

/// What the API server makes names of where it makes them up.
const LETTERS: &str = "[bcdfghjklmnpqrstvwxz2456789]";

/// What is shown instead, in this order.
static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"(LIVE|MERGED|kubectl-edit)-\d+".to_owned(), "${1}-<random>"),
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}".to_owned(), "<uid>"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z".to_owned(), "<time>"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+0000".to_owned(), "<time>"),
        (r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000".to_owned(), "<time>"),
        (r#"(resourceVersion"?: ")\d+""#.to_owned(), "${1}<version>\""),
        (format!("-{LETTERS}{{8,10}}-{LETTERS}{{5}}\\b"), "-<hash>-<random>"),
        (format!("-{LETTERS}{{8,10}}\\b"), "-<hash>"),
        (format!("-{LETTERS}{{5}}\\b"), "-<random>"),
        (r#"pod-template-hash([=:]) ?"?\w+"?"#.to_owned(), "pod-template-hash${1}<hash>"),
        (r"\.[0-9a-f]{16}\b".to_owned(), ".<random>"),
        (r"X509SHA256=[0-9a-f]{64}".to_owned(), "X509SHA256=<digest>"),
        (r"\b10\.43\.\d+\.\d+\b".to_owned(), "<ip>"),
        (r"\b3[0-2]\d{3}\b".to_owned(), "<port>"),
    ]
    .map(|(pattern, shown)| (Regex::new(&pattern).unwrap(), shown))
    .into()
});

/// The head of a table: words in capitals, or the events of `kubectl describe`.
static HEAD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("^(  Type +Reason +Age +From +Message|[A-Z][A-Z0-9()/ -]*  +[A-Z][A-Z0-9()/ -]*)$").unwrap()
});
static GAP: LazyLock<Regex> = LazyLock::new(|| Regex::new("  +").unwrap());
static AGE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(\d+[ywdhms])+$").unwrap());

/// What is masked for one session.
pub struct Mask {
    names: Vec<(String, &'static str)>,
}

impl Mask {
    /// A mask that also shows these texts by what they are.
    pub fn new(names: Vec<(String, &'static str)>) -> Self {
        Self { names }
    }

    /// The lines of a text, without blank ones at its end.
    pub fn lines(&self, text: &str) -> Vec<String> {
        let lines: Vec<&str> = text.split('\n').map(str::trim_end).collect();
        let mut out = Vec::new();
        let mut at = 0;
        while at < lines.len() {
            let rows = table(&lines[at..]);
            if rows.is_empty() {
                out.push(self.text(lines[at]));
                at += 1;
            } else {
                at += rows.len();
                out.extend(self.set(&rows));
            }
        }
        while out.last().is_some_and(String::is_empty) {
            out.pop();
        }
        out
    }

    fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, shown) in &self.names {
            text = text.replace(name, shown);
        }
        for (rule, shown) in RULES.iter() {
            text = rule.replace_all(&text, *shown).into_owned();
        }
        text.replace('\t', "\\t")
    }

    /// The rows of a table with masked cells, in columns that fit them.
    fn set(&self, rows: &[Vec<&str>]) -> Vec<String> {
        let show = |cell: &&str| if AGE.is_match(cell) { "<age>".to_owned() } else { self.text(cell) };
        let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(show).collect()).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
        let gap = if rows[0][0].starts_with(' ') { "  " } else { "   " };
        rows.iter()
            .map(|row| {
                let cells: Vec<String> =
                    row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
                cells.join(gap).trim_end().to_owned()
            })
            .collect()
    }
}

/// The cells of the table that these lines begin with; none if they begin with none.
fn table<'a>(lines: &[&'a str]) -> Vec<Vec<&'a str>> {
    let Some(head) = lines.first().filter(|line| HEAD.is_match(line)) else { return Vec::new() };
    let mut starts = vec![0];
    starts.extend(
        GAP.find_iter(head).filter(|gap| !head[..gap.start()].trim().is_empty()).map(|gap| gap.end()),
    );
    let fits = |line: &&&str| {
        let apart = |start: &usize| line.get(start - 2..*start).is_none_or(|gap| gap.trim().is_empty());
        !line.is_empty() && starts[1..].iter().all(apart)
    };
    let cells = |line: &&'a str| -> Vec<&'a str> {
        let ends = starts[1..].iter().copied().chain([line.len()]);
        let cell =
            |(start, end): (&usize, usize)| line.get(*start..end.min(line.len())).unwrap_or("").trim_end();
        starts.iter().zip(ends).map(cell).collect()
    };
    lines.iter().take_while(fits).map(cells).collect()
}

#[test]
fn what_differs_is_shown_by_what_it_is() {
    let mask = Mask::new(vec![("kubectl-30-100".to_owned(), "$NS")]);
    let text = "\
NAMESPACE        NAME                   CLUSTER-IP     AGE
kubectl-30-100   web-7957885594-hbkzq   10.43.200.12   2m13s
kubectl-30-100   x                                     7s

creationTimestamp: \"2026-01-02T03:04:05Z\"
resourceVersion: \"17\"
a\tkubectl-30-100/web: 7s

";
    let shown = [
        "NAMESPACE   NAME                  CLUSTER-IP   AGE",
        "$NS         web-<hash>-<random>   <ip>         <age>",
        "$NS         x                                  <age>",
        "",
        "creationTimestamp: \"<time>\"",
        "resourceVersion: \"<version>\"",
        "a\\t$NS/web: 7s",
    ];
    assert_eq!(mask.lines(text), shown);
}
