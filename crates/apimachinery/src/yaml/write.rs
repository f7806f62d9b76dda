//! Documents as YAML text, in the form that upstream gives: keys sorted, two spaces, lists level with their key.

use super::scalar::is_ambiguous;
use crate::{Document, Map, Node};

/// Longer keys are written with a question mark, as upstream's writer does; readers stop looking for their colon at 1,024.
const LONGEST_SIMPLE_KEY: usize = 128;

/// The document as YAML text that ends with a line break.
pub fn encode(doc: &Document) -> String {
    let mut out = String::new();
    match doc.node() {
        Node::Object(map) if !map.is_empty() => write_map(map, 0, &mut out),
        Node::Array(list) if !list.is_empty() => write_list(list, 0, &mut out),
        _ => write_scalar(doc, 0, &mut out),
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

fn write_map(map: &Map, indent: usize, out: &mut String) {
    let mut entries: Vec<(&str, &Document)> = map.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    for (i, (key, value)) in entries.into_iter().enumerate() {
        if i > 0 {
            pad(indent, out);
        }
        let explicit = key.len() > LONGEST_SIMPLE_KEY;
        if explicit {
            out.push_str("? ");
        }
        write_text(key, indent, true, out);
        if explicit {
            out.push('\n');
            pad(indent, out);
        }
        out.push(':');
        match value.node() {
            Node::Object(map) if !map.is_empty() => {
                out.push('\n');
                pad(indent + 2, out);
                write_map(map, indent + 2, out);
            }
            Node::Array(list) if !list.is_empty() => {
                let indent = if explicit { indent + 2 } else { indent };
                out.push('\n');
                pad(indent, out);
                write_list(list, indent, out);
            }
            _ => {
                out.push(' ');
                write_scalar(value, indent, out);
                end_line(out);
            }
        }
    }
}

fn write_list(list: &[Document], indent: usize, out: &mut String) {
    for (i, element) in list.iter().enumerate() {
        if i > 0 {
            pad(indent, out);
        }
        out.push_str("- ");
        match element.node() {
            Node::Object(map) if !map.is_empty() => write_map(map, indent + 2, out),
            Node::Array(list) if !list.is_empty() => write_list(list, indent + 2, out),
            _ => {
                write_scalar(element, indent, out);
                end_line(out);
            }
        }
    }
}

fn write_scalar(doc: &Document, indent: usize, out: &mut String) {
    match doc.node() {
        Node::String(text) => write_text(text, indent, false, out),
        Node::Null | Node::Bool(_) | Node::Int(_) | Node::Float(_) | Node::Array(_) | Node::Object(_) => {
            out.push_str(&doc.to_string());
        }
    }
}

fn write_text(text: &str, indent: usize, key: bool, out: &mut String) {
    let printable = text.chars().all(|c| c == '\n' || c == '\t' || (!c.is_control() && c != '\u{feff}'));
    if !printable || (key && text.contains('\n')) {
        write_double_quoted(text, out);
    } else if text.contains('\n') {
        // a block cannot begin with a space, nor hold lines of spaces only at its end
        if text.starts_with([' ', '\n', '\t']) || text.contains(" \n") || text.ends_with(' ') {
            write_double_quoted(text, out);
        } else {
            write_block(text, indent, out);
        }
    } else if is_ambiguous(text) {
        write_double_quoted(text, out);
    } else if needs_quotes(text) {
        out.push('\'');
        out.push_str(&text.replace('\'', "''"));
        out.push('\'');
    } else {
        out.push_str(text);
    }
}

fn needs_quotes(text: &str) -> bool {
    text.starts_with([' ', '!', '&', '*', '[', ']', '{', '}', ',', '#', '|', '>', '@', '`', '"', '\'', '%'])
        || text.ends_with([' ', ':'])
        || text.contains(": ")
        || text.contains(" #")
        || text.contains('\t')
        || text == "-"
        || text == "?"
        || text == ":"
        || text.starts_with("- ")
        || text.starts_with("? ")
        || text.starts_with(": ")
        || text.starts_with("---")
        || text.starts_with("...")
}

/// A literal block, with the chomping mark that keeps exactly the line breaks at its end.
fn write_block(text: &str, indent: usize, out: &mut String) {
    let body = text.trim_end_matches('\n');
    out.push_str(match text.len() - body.len() {
        0 => "|-",
        1 => "|",
        _ => "|+",
    });
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            pad(indent + 2, out);
            out.push_str(line);
        }
    }
    out.extend(std::iter::repeat_n('\n', (text.len() - body.len()).max(1)));
}

fn write_double_quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || c == '\u{feff}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn end_line(out: &mut String) {
    if !out.ends_with('\n') {
        out.push('\n');
    }
}

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{doc, yaml};
    use expect_test::expect;
    use proptest::prelude::*;

    #[test]
    fn a_long_key_reads_back() {
        let key = "k".repeat(2_000);
        for value in [doc!(1), doc!({"a": {"b": 2}}), doc!([1, [2], {"c": 3}]), doc!("two\nlines"), doc!({})]
        {
            let document = doc!({"first": 0, (key.as_str()): value, "zlast": [1]});
            let text = encode(&document);
            assert_eq!(yaml::decode(&text).unwrap(), document, "{text}");
        }
    }

    #[test]
    fn objects_are_written_as_upstream_writes_them() {
        let doc = doc!({
            "kind": "Pod", "apiVersion": "v1",
            "spec": {"containers": [{"name": "a", "args": ["1", "yes", "a: b", "two\nlines\n"], "env": []}], "x": {}},
            "metadata": {"labels": {"app": "web", "n": "5"}, "note": null, "count": 3, "list": [[1, 2], []]}
        });
        expect![[r#"
            apiVersion: v1
            kind: Pod
            metadata:
              count: 3
              labels:
                app: web
                "n": "5"
              list:
              - - 1
                - 2
              - []
              note: null
            spec:
              containers:
              - args:
                - "1"
                - "yes"
                - 'a: b'
                - |
                  two
                  lines
                env: []
                name: a
              x: {}
        "#]]
        .assert_eq(&encode(&doc));
    }

    fn documents() -> impl Strategy<Value = Document> {
        let leaf = prop_oneof![
            Just(Document::NULL),
            any::<bool>().prop_map(Document::from),
            any::<i64>().prop_map(Document::from),
            "[ -~\n\t]{0,12}".prop_map(Document::from),
            "\\PC{0,6}".prop_map(Document::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Document::from),
                proptest::collection::vec(("[ -~]{0,6}", inner), 0..4)
                    .prop_map(|entries| entries.into_iter().collect::<Document>()),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(doc in documents()) {
            let text = encode(&doc);
            prop_assert_eq!(yaml::decode(&text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?, doc, "{}", text);
        }
    }
}
