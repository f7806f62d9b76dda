//! Paths to fields that a schema specifies: `.spec.color`, `.spec.labels['a.b']`.

use super::rules::{nested, properties};
use crate::{Document, FieldPath};

/// What a path leads to.
#[derive(Debug)]
pub struct Found<'s> {
    /// The path in the form in which errors name it.
    pub path: FieldPath,
    /// The first field of it.
    pub root: String,
    /// What is described there; null if the description is only that anything goes.
    pub schema: &'s Document,
}

/// Follows a path through a description; `brackets` says whether keys may stand in brackets.
///
/// # Errors
/// If the text is no such path, in upstream's words.
pub fn resolve<'s>(text: &str, schema: &'s Document, brackets: bool) -> Result<Found<'s>, String> {
    const END: &str = "unexpected end of JSON path";
    let mut found = Found { path: FieldPath::root(), root: String::new(), schema };
    let mut tokens = Tokens(text);
    while let Some(token) = tokens.next() {
        match token {
            "." => found.step(tokens.next().ok_or(END)?)?,
            "[" if !brackets => return Err("array notation is not allowed".to_owned()),
            "[" => {
                let quoted = tokens.next().ok_or(END)?;
                let inner = quoted.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
                let inner = inner.ok_or_else(|| format!("expected single quoted string but got {quoted}"))?;
                found.step(&unescape(inner)?)?;
                match tokens.next().ok_or(END)? {
                    "]" => {}
                    other => return Err(format!("expected ] but got {other}")),
                }
            }
            other => return Err(format!("expected [ or . but got: {other}")),
        }
    }
    Ok(found)
}

impl Found<'_> {
    fn step(&mut self, name: &str) -> Result<(), String> {
        static ANYTHING: Document = Document::NULL;
        let unknown = || "does not refer to a valid field".to_owned();
        if properties(self.schema).next().is_some() {
            self.schema = self.schema.at(&["properties", name]).ok_or_else(unknown)?;
            self.path = self.path.child(name);
        } else {
            let values = self.schema.get("additionalProperties").filter(|values| !values.is_null());
            values.ok_or_else(unknown)?;
            self.schema = nested(self.schema, "additionalProperties").unwrap_or(&ANYTHING);
            self.path = self.path.key(name);
        }
        if self.root.is_empty() {
            self.root = name.to_owned();
        }
        Ok(())
    }
}

/// Dots, brackets, and what stands between them; a quoted text is one token.
struct Tokens<'t>(&'t str);

impl<'t> Iterator for Tokens<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let first = self.0.chars().next()?;
        let end = match first {
            '.' | '[' | ']' => 1,
            '\'' => quoted_end(self.0).unwrap_or(self.0.len()),
            _ => self.0.find(['.', '[', ']']).unwrap_or(self.0.len()),
        };
        let (token, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(token)
    }
}

/// The end of the quoted text at the beginning.
fn quoted_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let ends = |i: &usize| bytes.get(*i) == Some(&b'\'') && bytes.get(*i - 1) != Some(&b'\\');
    (1..bytes.len()).find(ends).map(|i| i + 1)
}

fn unescape(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some(escaped @ ('\'' | '\\')) => out.push(escaped),
            _ => return Err("invalid string literal: invalid escape sequence".to_owned()),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc;

    fn schema() -> Document {
        doc!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
            "color": {"type": "string"},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}}
        }}}})
    }

    #[test]
    fn paths_lead_to_what_is_described() {
        let schema = schema();
        let cases = [
            (".spec.color", "spec.color"),
            (".spec.labels['a.b']", "spec.labels[a.b]"),
            (".spec['color']", "spec.color"),
        ];
        for (text, path) in cases {
            let found = resolve(text, &schema, true).unwrap();
            assert_eq!((found.path.as_str(), found.schema.str_at(&["type"])), (path, "string"), "{text}");
            assert_eq!(found.root, "spec");
        }
    }

    #[test]
    fn other_paths_are_told_what_is_wrong() {
        let cases = [
            ("spec", "expected [ or . but got: spec"),
            (".", "unexpected end of JSON path"),
            (".spec.size", "does not refer to a valid field"),
            (".spec.color.deeper", "does not refer to a valid field"),
            (".spec[color]", "expected single quoted string but got color"),
            (".spec['color'", "unexpected end of JSON path"),
            (".spec['color'.", "expected ] but got ."),
        ];
        for (text, why) in cases {
            assert_eq!(resolve(text, &schema(), true).unwrap_err(), why, "{text}");
        }
        assert_eq!(resolve(".spec['color']", &schema(), false).unwrap_err(), "array notation is not allowed");
    }
}
