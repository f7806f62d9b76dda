//! The grammar of label selector texts.
//!
//! ```text
//! selector    = [ requirement { "," requirement } ]
//! requirement = [ "!" ] key | key operator value | key ( "in" | "notin" ) "(" [ value { "," value } ] ")"
//! operator    = "=" | "==" | "!=" | ">" | "<"
//! ```
//! `in` and `notin` are words of the grammar only where an operator is due; values may be empty.

use super::label::{aggregate, check_key};
use super::{Operator, Requirement, SelectorError};
use crate::{FieldErrors, FieldPath};
use std::collections::BTreeSet;

const OPERATORS: &str = "in, notin, =, ==, !=, gt, lt";

/// Reads all requirements of a text.
pub(super) fn parse(text: &str) -> Result<Vec<Requirement>, SelectorError> {
    let mut parser = Parser { tokens: tokens(text), position: 0 };
    parser.selector().map_err(SelectorError)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Symbol(&'static str),
    Unknown(&'a str),
    End,
}

impl<'a> Token<'a> {
    fn shown(self) -> String {
        match self {
            Self::Word(text) => text.to_owned(),
            Self::Symbol(text) => text.to_owned(),
            Self::Unknown(text) => format!("error expected: keyword found '{text}'"),
            Self::End => String::new(),
        }
    }
}

const SPECIAL: &[char] = &['=', '!', '(', ')', ',', '>', '<'];
const SPACE: &[char] = &[' ', '\t', '\r', '\n'];

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut out = Vec::new();
    let mut rest = text.trim_start_matches(SPACE);
    while !rest.is_empty() {
        // the longer symbols first: `==` is one token
        let symbol = ["==", "!=", "=", "!", "(", ")", ",", ">", "<"]
            .into_iter()
            .find(|symbol| rest.starts_with(symbol));
        let (token, length) = match symbol {
            Some(symbol) => (Token::Symbol(symbol), symbol.len()),
            None => {
                let end = rest
                    .find(|c| SPECIAL.contains(&c) || SPACE.contains(&c) || c == '\0')
                    .unwrap_or(rest.len());
                if end == 0 { (Token::Unknown(rest), rest.len()) } else { (Token::Word(&rest[..end]), end) }
            }
        };
        out.push(token);
        rest = rest[length..].trim_start_matches(SPACE);
    }
    out.push(Token::End);
    out
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    position: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Token<'a> {
        self.tokens.get(self.position).copied().unwrap_or(Token::End)
    }

    fn next(&mut self) -> Token<'a> {
        let token = self.peek();
        self.position += 1;
        token
    }

    fn selector(&mut self) -> Result<Vec<Requirement>, String> {
        let mut out = Vec::new();
        loop {
            match self.peek() {
                Token::End => return Ok(out),
                Token::Word(_) | Token::Symbol("!") => {}
                other => {
                    return Err(format!(
                        "found '{}', expected: !, identifier, or 'end of string'",
                        other.shown()
                    ));
                }
            }
            let requirement = self.requirement().map_err(|e| format!("unable to parse requirement: {e}"))?;
            out.push(requirement);
            match self.next() {
                Token::End => return Ok(out),
                Token::Symbol(",") => match self.peek() {
                    Token::Word(_) | Token::Symbol("!") => {}
                    other => {
                        return Err(format!("found '{}', expected: identifier after ','", other.shown()));
                    }
                },
                other => return Err(format!("found '{}', expected: ',' or 'end of string'", other.shown())),
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let negated = self.peek() == Token::Symbol("!");
        if negated {
            self.next();
        }
        let key = match self.next() {
            Token::Word(key) => key,
            other => return Err(format!("found '{}', expected: identifier", other.shown())),
        };
        let mut errors = FieldErrors::new();
        check_key(&FieldPath::root(), key, &mut errors);
        if let Some(text) = aggregate(&errors) {
            return Err(text);
        }
        let make = |operator, values: Vec<String>| Requirement::new(key, operator, values).map_err(|e| e.0);
        if negated {
            return make(Operator::DoesNotExist, Vec::new());
        }
        let operator = match self.peek() {
            Token::End | Token::Symbol(",") => return make(Operator::Exists, Vec::new()),
            Token::Word("in") => Operator::In,
            Token::Word("notin") => Operator::NotIn,
            Token::Symbol("=") => Operator::Equals,
            Token::Symbol("==") => Operator::DoubleEquals,
            Token::Symbol("!=") => Operator::NotEquals,
            Token::Symbol(">") => Operator::GreaterThan,
            Token::Symbol("<") => Operator::LessThan,
            other => return Err(format!("found '{}', expected: {OPERATORS}", other.shown())),
        };
        self.next();
        let values = match operator {
            Operator::In | Operator::NotIn => self.value_set()?,
            _ => vec![self.value()?.to_owned()],
        };
        make(operator, values)
    }

    fn value(&mut self) -> Result<&'a str, String> {
        match self.peek() {
            Token::End | Token::Symbol(",") => Ok(""),
            Token::Word(value) => {
                self.next();
                Ok(value)
            }
            other => Err(format!("found '{}', expected: identifier", other.shown())),
        }
    }

    fn value_set(&mut self) -> Result<Vec<String>, String> {
        match self.next() {
            Token::Symbol("(") => {}
            other => return Err(format!("found '{}' expected: '('", other.shown())),
        }
        match self.peek() {
            Token::Word(_) | Token::Symbol("," | ")") => {}
            other => return Err(format!("found '{}', expected: ',', ')' or identifier", other.shown())),
        }
        // a set, because upstream keeps one: sorted, each value once
        let mut values = BTreeSet::new();
        loop {
            // between two separators stands a value, or nothing, which is the empty value
            let value = match self.peek() {
                Token::Word(value) => {
                    self.next();
                    value
                }
                Token::Symbol("," | ")") => "",
                other => return Err(format!("found '{}', expected: ',', or identifier", other.shown())),
            };
            values.insert(value.to_owned());
            match self.next() {
                Token::Symbol(")") => return Ok(values.into_iter().collect()),
                Token::Symbol(",") => {}
                other => return Err(format!("found '{}', expected: ',' or ')'", other.shown())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::doc;
    use crate::selector::LabelSelector;
    use proptest::prelude::*;

    #[test]
    fn texts_select_as_upstream_does() {
        let labels = doc!({"app": "web", "tier": "front", "n": "5", "empty": ""});
        let labels = labels.as_object();
        let cases = [
            ("", true),
            ("app", true),
            ("!app", false),
            ("!other", true),
            ("app=web", true),
            ("app==web,tier=front", true),
            ("app = web , tier != back", true),
            ("other!=x", true),
            ("app in (web, api)", true),
            ("app notin (web)", false),
            ("other notin (web)", true),
            ("n>4", true),
            ("n<5", false),
            ("app>1", false),
            ("empty=", true),
            ("empty in ()", true),
            ("empty in (a,)", true),
            ("app in (in,web)", true),
        ];
        for (text, expected) in cases {
            assert_eq!(LabelSelector::parse(text).unwrap().matches(labels), expected, "{text}");
        }
        assert!(!LabelSelector::nothing().matches(labels));
    }

    #[test]
    fn wrong_texts_are_explained_in_upstreams_words() {
        let cases = [
            ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
            ("a,", "found '', expected: identifier after ','"),
            (",a", "found ',', expected: !, identifier, or 'end of string'"),
            ("a in b", "unable to parse requirement: found 'b' expected: '('"),
            ("a=b=c", "found '=', expected: ',' or 'end of string'"),
            ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
            (
                "a=-",
                "unable to parse requirement: values[0][a]: Invalid value: \"-\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
            ),
            (
                "a>b",
                "unable to parse requirement: values[0]: Invalid value: \"b\": for 'Gt', 'Lt' operators, the value must be an integer",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(LabelSelector::parse(text).unwrap_err().to_string(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_selector_reads_back_from_its_text(
            keys in proptest::collection::vec("[a-c]", 0..4),
            kind in 0..6_u8,
            value in "[a-c]?",
        ) {
            let text: Vec<String> = keys.iter().map(|key| match kind {
                0 => format!("{key}={value}"),
                1 => format!("{key}!={value}"),
                2 => format!("{key} in ({value},x)"),
                3 => format!("{key} notin ({value})"),
                4 => key.clone(),
                _ => format!("!{key}"),
            }).collect();
            let once = LabelSelector::parse(&text.join(",")).unwrap();
            let twice = LabelSelector::parse(&once.to_string()).unwrap();
            prop_assert_eq!(once.to_string(), twice.to_string());
            prop_assert_eq!(once, twice);
        }

        #[test]
        fn any_text_is_answered(text in "[a-c=!(), <>\\PC]{0,20}") {
            let _ = LabelSelector::parse(&text);
        }
    }
}
