//! Field selectors: `metadata.name=web,status.phase!=Running`, with `\,`, `\=` and `\\` as escapes in values.

use super::SelectorError;
use std::fmt;

/// Terms that all must hold, sorted; empty selects everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldSelector {
    terms: Vec<FieldTerm>,
}

/// One comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldTerm {
    /// Name of the field, such as `status.phase`.
    pub field: String,
    /// The value to compare with.
    pub value: String,
    /// Whether the field must differ from the value.
    pub negated: bool,
}

impl FieldSelector {
    /// Selects everything.
    pub fn everything() -> Self {
        Self::default()
    }

    /// Selects by one field's value.
    pub fn equals(field: &str, value: &str) -> Self {
        Self { terms: vec![FieldTerm { field: field.to_owned(), value: value.to_owned(), negated: false }] }
    }

    /// Reads the text of a `fieldSelector` parameter.
    ///
    /// # Errors
    /// In upstream's words, if the text is none.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let mut parts = split_terms(text);
        parts.sort_unstable();
        let mut terms = Vec::new();
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            let Some((field, negated, value)) = split_term(part) else {
                return Err(SelectorError(format!("invalid selector: '{text}'; can't understand '{part}'")));
            };
            terms.push(FieldTerm { field: field.to_owned(), value: unescape(value)?, negated });
        }
        Ok(Self { terms })
    }

    /// The terms.
    pub fn terms(&self) -> &[FieldTerm] {
        &self.terms
    }

    /// The same selection of fields that have other names.
    #[must_use]
    pub fn renamed(mut self, name: impl Fn(&str) -> String) -> Self {
        for term in &mut self.terms {
            term.field = name(&term.field);
        }
        self
    }

    /// Whether this selects everything.
    pub fn is_everything(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether all terms hold for the values that `value_of` gives for the fields.
    pub fn matches(&self, mut value_of: impl FnMut(&str) -> String) -> bool {
        self.terms.iter().all(|term| (value_of(&term.field) == term.value) != term.negated)
    }

    /// The value that the selector demands of a field, if it demands exactly one.
    pub fn required_value(&self, field: &str) -> Option<&str> {
        self.terms.iter().find(|term| !term.negated && term.field == field).map(|term| term.value.as_str())
    }
}

impl fmt::Display for FieldSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, term) in self.terms.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            let operator = if term.negated { "!=" } else { "=" };
            write!(f, "{comma}{}{operator}{}", term.field, escape(&term.value))?;
        }
        Ok(())
    }
}

impl std::str::FromStr for FieldSelector {
    type Err = SelectorError;
    fn from_str(text: &str) -> Result<Self, SelectorError> {
        Self::parse(text)
    }
}

/// Cuts at commas that no backslash precedes.
fn split_terms(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (i, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                out.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    out.push(&text[start..]);
    out
}

/// Field, whether negated, and escaped value: cut at the first operator.
fn split_term(term: &str) -> Option<(&str, bool, &str)> {
    let at = term.find(['=', '!'])?;
    for (i, _) in term[at..].char_indices() {
        let (field, rest) = term.split_at(at + i);
        for (operator, negated) in [("!=", true), ("==", false), ("=", false)] {
            if let Some(value) = rest.strip_prefix(operator) {
                return Some((field, negated, value));
            }
        }
    }
    None
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=")
}

fn unescape(value: &str) -> Result<String, SelectorError> {
    let invalid = |sequence: &str| {
        SelectorError(format!("invalid field selector: invalid escape sequence: {sequence}"))
    };
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(c @ ('\\' | ',' | '=')) => out.push(c),
                Some(c) => return Err(invalid(&format!("\\{c}"))),
                None => return Err(invalid("\\")),
            },
            // unescaped, these would have cut the text elsewhere
            ',' | '=' => {
                return Err(SelectorError(format!(
                    "invalid field selector: unescaped character in value: {}",
                    u32::from(c)
                )));
            }
            c => out.push(c),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn terms_compare_values() {
        let selector = FieldSelector::parse("status.phase=Running,spec.nodeName!=a").unwrap();
        let matches = |phase: &str, node: &str| {
            selector.matches(|field| if field == "status.phase" { phase.to_owned() } else { node.to_owned() })
        };
        assert!(matches("Running", "b"));
        assert!(!matches("Running", "a"));
        assert!(!matches("Pending", "b"));
        assert_eq!(selector.required_value("status.phase"), Some("Running"));
        assert_eq!(selector.required_value("spec.nodeName"), None);
    }

    #[test]
    fn wrong_texts_are_explained_in_upstreams_words() {
        assert_eq!(
            FieldSelector::parse("a").unwrap_err().to_string(),
            "invalid selector: 'a'; can't understand 'a'"
        );
        assert!(FieldSelector::parse(r"a=\b").is_err());
        assert!(FieldSelector::parse("a=b=c").is_err());
        assert!(FieldSelector::parse("a=b,").is_ok());
    }

    proptest! {
        #[test]
        fn any_value_survives_the_text(value in "\\PC{0,12}", negated in proptest::bool::ANY) {
            let selector = FieldSelector {
                terms: vec![FieldTerm { field: "a.b".into(), value, negated }],
            };
            prop_assert_eq!(FieldSelector::parse(&selector.to_string()).unwrap(), selector);
        }
    }
}
