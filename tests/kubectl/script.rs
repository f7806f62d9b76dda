//! How a session is written.
//!
//! - `$ command` is a command of the shell; lines that begin with `>` go on with it.
//! - `~ command` is run until it prints what is wanted.
//! - Then comes what it prints, errors included, as [`Mask`](crate::mask::Mask) shows it; blank lines at its end do not
//!   count, and `[exit 1]` ends it if the command fails.
//! - `[1.28..]`, `[..1.27]`, `[1.28..1.30]` or `[1.29]` before a line keeps it to these versions of kubectl.

/// A command and what it has to print.
#[derive(Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// The command, with the lines that go on with it.
    pub command: String,
    /// Whether it is run until it prints what is wanted.
    pub repeated: bool,
    /// What it prints.
    pub wanted: Vec<&'a str>,
}

/// The steps of a session with one version of kubectl.
pub fn steps(text: &str, minor: u32) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    for line in unindented(text).filter_map(|line| kept(line, minor)) {
        if let Some(command) = line.strip_prefix("$ ").or_else(|| line.strip_prefix("~ ")) {
            let repeated = line.starts_with('~');
            steps.push(Step { command: command.to_owned(), repeated, wanted: Vec::new() });
            continue;
        }
        let Some(step) = steps.last_mut() else {
            assert!(line.is_empty(), "a session begins with a command, not with {line:?}");
            continue;
        };
        match line.strip_prefix('>') {
            Some(more) if step.wanted.is_empty() => {
                step.command.push('\n');
                step.command.push_str(more.strip_prefix(' ').unwrap_or(more));
            }
            _ => step.wanted.push(line),
        }
    }
    for step in &mut steps {
        while step.wanted.last().is_some_and(|line| line.is_empty()) {
            step.wanted.pop();
        }
    }
    steps
}

/// The lines without what the first of them is indented by.
fn unindented(text: &str) -> impl Iterator<Item = &str> {
    let indented = |line: &str| line.len() - line.trim_start().len();
    let indent = text.lines().find(|line| !line.trim().is_empty()).map_or(0, indented);
    text.lines().map(move |line| line.get(indent..).unwrap_or("").trim_end())
}

/// The line without the versions it is for, if it is for this one.
fn kept(line: &str, minor: u32) -> Option<&str> {
    let marked = line.strip_prefix('[').and_then(|line| line.split_once(']'));
    let Some((range, rest)) = marked else { return Some(line) };
    let Some((from, to)) = versions(range) else { return Some(line) };
    (from..=to).contains(&minor).then(|| rest.strip_prefix(' ').unwrap_or(rest))
}

/// `1.28..`, `..1.27`, `1.28..1.30` or `1.29`.
fn versions(range: &str) -> Option<(u32, u32)> {
    let minor = |text: &str| text.strip_prefix("1.")?.parse::<u32>().ok();
    match range.split_once("..") {
        None => minor(range).map(|one| (one, one)),
        Some(("", to)) => Some((0, minor(to)?)),
        Some((from, "")) => Some((minor(from)?, u32::MAX)),
        Some((from, to)) => Some((minor(from)?, minor(to)?)),
    }
}

#[test]
fn a_session_is_read_for_a_version() {
    let text = r#"
        $ cat <<END
        > a
        >  b
        > END
        a

        [..1.29] old
        [1.30..]  new
        [exit 1]

        [1.29] $ only 1.29
        ~ again
        ["not", "a version"]
        "#;
    let cat = |third| Step {
        command: "cat <<END\na\n b\nEND".to_owned(),
        repeated: false,
        wanted: vec!["a", "", third, "[exit 1]"],
    };
    let only = Step { command: "only 1.29".to_owned(), repeated: false, wanted: vec![] };
    let again =
        || Step { command: "again".to_owned(), repeated: true, wanted: vec!["[\"not\", \"a version\"]"] };
    assert_eq!(steps(text, 29), [cat("old"), only, again()]);
    assert_eq!(steps(text, 30), [cat(" new"), again()]);
}
