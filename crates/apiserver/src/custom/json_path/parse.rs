//! Reading the text of a path.

use super::{Comparison, Condition, JsonPath, Operand, PathError, Step};
use skiff_apimachinery::Document;

/// Longest path.
const MAX_LENGTH: usize = 4_096;
/// Deepest nesting of filters.
const MAX_DEPTH: usize = 8;

pub(super) fn parse(text: &str) -> Result<JsonPath, PathError> {
    let text = text.trim();
    if text.len() > MAX_LENGTH {
        return Err(PathError(format!("path is longer than {MAX_LENGTH} bytes")));
    }
    let inner = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}').ok_or_else(|| PathError("unclosed action".into()))?,
        None => text,
    };
    let mut reader = Reader { rest: inner.trim(), depth: 0 };
    let path = reader.path()?;
    if reader.rest.is_empty() { Ok(path) } else { Err(reader.unexpected()) }
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Reader<'a> {
    /// Steps up to the end, or to what cannot belong to a path within a filter.
    fn path(&mut self) -> Result<JsonPath, PathError> {
        let mut steps = Vec::new();
        if !self.take("$") {
            self.take("@");
        }
        if self.rest.starts_with(is_name_start) {
            // A relaxed path may begin with a name.
            steps.push(Step::Key(self.name()?));
        }
        loop {
            if self.take("..") {
                steps.push(Step::Descend);
                if !self.rest.starts_with('[') {
                    steps.push(self.member()?);
                }
            } else if self.take(".") {
                // A bracket may follow a dot, and a lone dot is the root.
                let ends = self.rest.is_empty() && steps.is_empty();
                if !self.rest.starts_with('[') && !ends {
                    steps.push(self.member()?);
                }
            } else if self.take("[") {
                steps.push(self.bracket()?);
            } else {
                return Ok(JsonPath(steps));
            }
        }
    }

    fn member(&mut self) -> Result<Step, PathError> {
        if self.take("*") { Ok(Step::Wildcard) } else { self.name().map(Step::Key) }
    }

    /// A name up to a character that means something; a backslash takes the meaning away.
    fn name(&mut self) -> Result<String, PathError> {
        let mut name = String::new();
        let mut chars = self.rest.char_indices();
        let mut end = self.rest.len();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => name.extend(chars.next().map(|(_, escaped)| escaped)),
                c if is_name(c) => name.push(c),
                _ => {
                    end = at;
                    break;
                }
            }
        }
        self.rest = &self.rest[end..];
        if name.is_empty() { Err(self.unexpected()) } else { Ok(name) }
    }

    /// What stands in brackets, the opening one read.
    fn bracket(&mut self) -> Result<Step, PathError> {
        self.spaces();
        if self.take("?(") {
            let condition = self.condition()?;
            return self.close(")]").map(|()| Step::Filter(Box::new(condition)));
        }
        let mut steps = vec![self.selector()?];
        while self.after_spaces(",") {
            self.spaces();
            steps.push(self.selector()?);
        }
        self.close("]")?;
        Ok(if steps.len() == 1 { steps.remove(0) } else { Step::Union(steps) })
    }

    fn selector(&mut self) -> Result<Step, PathError> {
        if self.take("*") {
            return Ok(Step::Wildcard);
        }
        if self.rest.starts_with(['\'', '"']) {
            return self.quoted().map(Step::Key);
        }
        let start = self.integer()?;
        if !self.after_spaces(":") {
            return start.map(Step::Index).ok_or_else(|| self.unexpected());
        }
        let end = self.integer()?;
        let step = if self.after_spaces(":") { self.integer()?.unwrap_or(1) } else { 1 };
        Ok(Step::Slice { start, end, step })
    }

    fn condition(&mut self) -> Result<Condition, PathError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(PathError("filters nest too deep".into()));
        }
        self.spaces();
        let left = self.operand()?;
        self.spaces();
        let right = match self.comparison() {
            Some(comparison) => {
                self.spaces();
                let operand = self.operand()?;
                self.spaces();
                Some((comparison, operand))
            }
            None => None,
        };
        self.depth -= 1;
        Ok(Condition { left, right })
    }

    fn comparison(&mut self) -> Option<Comparison> {
        [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ]
        .into_iter()
        .find(|(text, _)| self.take(text))
        .map(|(_, comparison)| comparison)
    }

    fn operand(&mut self) -> Result<Operand, PathError> {
        if self.rest.starts_with(['@', '$', '.']) {
            return self.path().map(Operand::Path);
        }
        if self.rest.starts_with(['\'', '"']) {
            return self.quoted().map(|text| Operand::Literal(text.into()));
        }
        let end = self.rest.find([')', ' ', '=', '!', '<', '>']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        let literal = match word {
            "true" => Some(Document::from(true)),
            "false" => Some(Document::from(false)),
            _ => word
                .parse::<i64>()
                .map(Document::from)
                .or_else(|_| word.parse::<f64>().map(Document::from))
                .ok(),
        };
        let literal = literal.ok_or_else(|| self.unexpected())?;
        self.rest = rest;
        Ok(Operand::Literal(literal))
    }

    fn quoted(&mut self) -> Result<String, PathError> {
        let mut chars = self.rest.char_indices();
        let quote = chars.next().map(|(_, quote)| quote);
        let mut text = String::new();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => text.extend(chars.next().map(|(_, escaped)| escaped)),
                c if Some(c) == quote => {
                    self.rest = &self.rest[at + c.len_utf8()..];
                    return Ok(text);
                }
                c => text.push(c),
            }
        }
        Err(PathError("unterminated quoted string".into()))
    }

    fn integer(&mut self) -> Result<Option<i64>, PathError> {
        self.spaces();
        let end = self.rest.find(|c: char| c != '-' && !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        if digits.is_empty() {
            return Ok(None);
        }
        let number = digits.parse().map_err(|_| self.unexpected())?;
        self.rest = rest;
        Ok(Some(number))
    }

    fn close(&mut self, text: &str) -> Result<(), PathError> {
        if self.after_spaces(text) { Ok(()) } else { Err(PathError("unterminated array".into())) }
    }

    fn after_spaces(&mut self, text: &str) -> bool {
        self.spaces();
        self.take(text)
    }

    fn spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn unexpected(&self) -> PathError {
        match self.rest.chars().next() {
            Some(c) => PathError(format!("unrecognized character in action: U+{:04X} {c:?}", u32::from(c))),
            None => PathError("unexpected end of path".into()),
        }
    }
}

fn is_name(c: char) -> bool {
    !c.is_whitespace()
        && !matches!(c, '.' | '[' | ']' | '(' | ')' | '{' | '}' | '=' | '!' | '<' | '>' | ',' | '*')
}

fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}
