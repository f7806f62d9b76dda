//! The event stream of the YAML parser, built into documents.

use super::{YamlError, scalar};
use crate::json::MAX_DEPTH;
use crate::{Document, Map, Node};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use std::borrow::Cow;
use std::collections::HashMap;

/// Most values of one text, those that aliases repeat included.
const MAX_VALUES: usize = 1_000_000;

/// The first document of the text; null if there is none.
///
/// # Errors
/// If the text is no YAML, or exceeds the bounds.
pub fn decode(text: &str) -> Result<Document, YamlError> {
    decode_reporting(text).map(|(doc, _)| doc)
}

/// The first document, and a line for each key that came twice: `line 3: key "a" already set in map`.
///
/// # Errors
/// As [`decode`].
pub fn decode_reporting(text: &str) -> Result<(Document, Vec<String>), YamlError> {
    let mut reader = Reader::new(text);
    let doc = reader.next_document()?.unwrap_or_default();
    Ok((doc, reader.duplicates))
}

/// All documents of the text; empty ones (`---` twice) are left out.
///
/// # Errors
/// As [`decode`].
pub fn decode_all(text: &str) -> Result<Vec<Document>, YamlError> {
    let mut reader = Reader::new(text);
    let mut out = Vec::new();
    while let Some(doc) = reader.next_document()? {
        if !doc.is_null() {
            out.push(doc);
        }
    }
    Ok(out)
}

struct Reader<'t> {
    events: Parser<'t, StrInput<'t>>,
    anchors: HashMap<usize, (Document, usize)>,
    duplicates: Vec<String>,
    values: usize,
}

type EventAt<'t> = (Event<'t>, Span);

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self {
            events: Parser::new_from_str(text),
            anchors: HashMap::new(),
            duplicates: Vec::new(),
            values: 0,
        }
    }

    fn next_document(&mut self) -> Result<Option<Document>, YamlError> {
        loop {
            match self.event()? {
                None | Some((Event::StreamEnd, _)) => return Ok(None),
                Some((Event::DocumentStart(_), _)) => {
                    self.anchors.clear();
                    let first = self.expect()?;
                    return self.value(first, 0).map(Some);
                }
                Some(_) => {}
            }
        }
    }

    fn event(&mut self) -> Result<Option<EventAt<'t>>, YamlError> {
        self.events.next().transpose().map_err(|error: ScanError| {
            YamlError(format!("line {}: {}", error.marker().line(), error.info()))
        })
    }

    fn expect(&mut self) -> Result<EventAt<'t>, YamlError> {
        self.event()?.ok_or_else(|| YamlError("unexpected end of stream".to_owned()))
    }

    fn count(&mut self, values: usize) -> Result<(), YamlError> {
        self.values += values;
        if self.values > MAX_VALUES {
            return Err(YamlError("document contains excessive aliasing".to_owned()));
        }
        Ok(())
    }

    fn value(&mut self, (event, span): EventAt<'t>, depth: usize) -> Result<Document, YamlError> {
        if depth > MAX_DEPTH {
            return Err(YamlError(format!("exceeded max depth of {MAX_DEPTH}")));
        }
        self.count(1)?;
        let before = self.values;
        let (doc, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => (tagged(&text, style, tag.as_deref())?, anchor),
            Event::SequenceStart(anchor, _) => (self.sequence(depth)?, anchor),
            Event::MappingStart(anchor, _) => (self.mapping(depth)?, anchor),
            Event::Alias(anchor) => {
                let Some((doc, size)) = self.anchors.get(&anchor).cloned() else {
                    return Err(YamlError(format!(
                        "line {}: anchor value contains itself",
                        span.start.line()
                    )));
                };
                self.count(size)?;
                return Ok(doc);
            }
            other => return Err(YamlError(format!("line {}: unexpected {other:?}", span.start.line()))),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, (doc.clone(), self.values - before + 1));
        }
        Ok(doc)
    }

    fn sequence(&mut self, depth: usize) -> Result<Document, YamlError> {
        let mut list = Vec::new();
        loop {
            match self.expect()? {
                (Event::SequenceEnd, _) => return Ok(list.into()),
                event => list.push(self.value(event, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Document, YamlError> {
        let mut map = Map::new();
        let mut merged: Vec<Map> = Vec::new();
        loop {
            let (event, span) = match self.expect()? {
                (Event::MappingEnd, _) => break,
                event => event,
            };
            let is_merge = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<");
            let line = span.start.line();
            let key = self.value((event, span), depth + 1)?;
            let next = self.expect()?;
            let value = self.value(next, depth + 1)?;
            if is_merge {
                merged.extend(merge_sources(value, line)?);
                continue;
            }
            let key = key_text(&key, line)?;
            if map.contains_key(&key) {
                self.duplicates.push(format!("line {line}: key {key:?} already set in map"));
            }
            map.insert(key, value);
        }
        for source in merged {
            for (key, value) in source {
                if !map.contains_key(&key) {
                    map.insert(key, value);
                }
            }
        }
        Ok(map.into())
    }
}

/// The maps that a merge key names: one, or a list of them.
fn merge_sources(value: Document, line: usize) -> Result<Vec<Map>, YamlError> {
    let wrong = || YamlError(format!("line {line}: map merge requires map or sequence of maps as the value"));
    match value.node() {
        Node::Object(_) => Ok(vec![value.into_object()]),
        Node::Array(list) if list.iter().all(|one| one.as_object().is_some()) => {
            Ok(value.into_array().into_iter().map(Document::into_object).collect())
        }
        _ => Err(wrong()),
    }
}

/// A key as JSON has it: a string.
fn key_text(key: &Document, line: usize) -> Result<Cow<'_, str>, YamlError> {
    match key.node() {
        Node::String(text) => Ok(Cow::Borrowed(text)),
        Node::Bool(_) | Node::Int(_) | Node::Float(_) => Ok(Cow::Owned(key.to_string())),
        Node::Null => Ok(Cow::Borrowed("null")),
        Node::Array(_) | Node::Object(_) => Err(YamlError(format!("line {line}: invalid map key: {key}"))),
    }
}

fn tagged(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Document, YamlError> {
    let plain = style == ScalarStyle::Plain;
    let Some(tag) = tag.filter(|tag| tag.is_yaml_core_schema()) else {
        // a non-specific tag (`!`) says that the text is a text
        let is_text = tag.is_some_and(|tag| tag.handle.is_empty() && tag.suffix == "!");
        return finite(text, if plain && !is_text { scalar::resolve(text) } else { text.into() }, plain);
    };
    let wrong = || YamlError(format!("cannot decode !!str `{text}` as a !!{}", tag.suffix));
    match tag.suffix.as_str() {
        "str" => Ok(text.into()),
        "int" | "float" => scalar::number(text).ok_or_else(wrong),
        "bool" | "null" => Some(scalar::resolve(text)).filter(|doc| doc.as_str().is_none()).ok_or_else(wrong),
        "binary" => {
            use base64::Engine;
            let compact: String = text.split_whitespace().collect();
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(compact)
                .map_err(|_| YamlError("!!binary value contains invalid base64 data".to_owned()))?;
            Ok(String::from_utf8_lossy(&bytes).into_owned().into())
        }
        _ => Ok(if plain { scalar::resolve(text) } else { text.into() }),
    }
}

/// Refuses what JSON cannot hold.
fn finite(text: &str, doc: Document, plain: bool) -> Result<Document, YamlError> {
    let lower = text.to_ascii_lowercase();
    if plain && matches!(lower.trim_start_matches(['+', '-']), ".inf" | ".nan") {
        return Err(YamlError(format!("unsupported value: {text}")));
    }
    Ok(doc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc;

    #[test]
    fn an_object_reads_as_its_json() {
        let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {1: x, yes: b}}\nspec:\n  containers:\n  - name: c\n    args: [\"1\", 2, 'on']\n    command:\n    - |\n      two\n      lines\n";
        assert_eq!(
            decode(text).unwrap(),
            doc!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": "a", "labels": {"1": "x", "true": "b"}},
                "spec": {"containers": [{"name": "c", "args": ["1", 2, "on"], "command": ["two\nlines\n"]}]}
            })
        );
    }

    #[test]
    fn json_is_yaml() {
        assert_eq!(decode(r#"{"a": [1, "b", null, true]}"#).unwrap(), doc!({"a": [1, "b", null, true]}));
    }

    #[test]
    fn duplicate_keys_are_reported_and_the_last_wins() {
        let (doc, duplicates) = decode_reporting("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n").unwrap();
        assert_eq!(doc, doc!({"a": 3, "b": {"c": 2}}));
        assert_eq!(
            duplicates,
            ["line 4: key \"c\" already set in map", "line 5: key \"a\" already set in map"]
        );
    }

    #[test]
    fn aliases_and_merge_keys_expand() {
        let doc = decode("base: &b {x: 1, z: 2}\none:\n  <<: *b\n  z: 3\ntwo: *b\n").unwrap();
        assert_eq!(doc["one"], doc!({"x": 1, "z": 3}));
        assert_eq!(doc["two"], doc!({"x": 1, "z": 2}));
    }

    #[test]
    fn growth_and_depth_are_bounded() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for i in 1..12 {
            bomb += &format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 10].join(", "));
        }
        assert!(decode(&bomb).unwrap_err().to_string().contains("excessive aliasing"));
        assert!(decode(&"[".repeat(5_000)).is_err());
    }

    #[test]
    fn several_documents_come_apart() {
        let docs = decode_all("---\na: 1\n---\n# nothing\n---\nb: 2\n...\n").unwrap();
        assert_eq!(docs, [doc!({"a": 1}), doc!({"b": 2})]);
        assert!(decode("").unwrap().is_null());
    }

    #[test]
    fn errors_name_the_line() {
        let error = decode("a: 1\nb: [1\nc: 2\n").unwrap_err().to_string();
        assert!(error.starts_with("yaml: line "), "{error}");
    }
}
