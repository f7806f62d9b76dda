//! What is wrong with a text that is to be a JSON object, in the words of Go's decoder, which upstream passes on.

/// How deep values may lie in each other.
const MAX_DEPTH: usize = 10_000;

/// What is wrong with the text; `None` for an object and for `null`.
pub(super) fn object_complaint(text: &[u8]) -> Option<String> {
    let mut scanner = Scanner { state: State::Value, places: Vec::new() };
    for byte in text {
        if let Err(complaint) = scanner.step(*byte) {
            return Some(complaint);
        }
    }
    // What may end does so at a space, too.
    if let Err(complaint) = scanner.step(b' ') {
        return Some(complaint);
    }
    if scanner.state != State::End {
        return Some("unexpected end of JSON input".to_owned());
    }
    let found = match text.iter().find(|byte| !is_space(**byte)) {
        Some(b'{' | b'n') | None => return None,
        Some(b'[') => "array",
        Some(b'"') => "string",
        Some(b't' | b'f') => "bool",
        Some(_) => "number",
    };
    Some(format!("json: cannot unmarshal {found} into Go value of type map[string]interface {{}}"))
}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Value,
    /// A value, or the end of an empty list.
    FirstElement,
    Key,
    /// A key, or the end of an empty object.
    FirstKey,
    AfterValue,
    /// Only spaces.
    End,
    InString,
    AfterBackslash,
    /// So many more digits of a character's number.
    Hex(u8),
    AfterMinus,
    Digits,
    AfterDigits,
    AfterPoint,
    Fraction,
    AfterE,
    AfterExponentSign,
    Exponent,
    /// The rest of a word, and the word.
    Word(&'static str, &'static str),
}

/// What the value that is being read is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Key,
    Member,
    Element,
}

struct Scanner {
    state: State,
    places: Vec<Place>,
}

impl Scanner {
    fn step(&mut self, byte: u8) -> Result<(), String> {
        let may_pad = matches!(
            self.state,
            State::Value | State::FirstElement | State::Key | State::FirstKey | State::End
        );
        if may_pad && is_space(byte) {
            return Ok(());
        }
        self.state = match (self.state, byte) {
            (State::FirstElement, b']') | (State::FirstKey, b'}') => return self.close(),
            (State::Value | State::FirstElement, _) => return self.begin(byte),
            (State::Key | State::FirstKey, b'"') => State::InString,
            (State::Key | State::FirstKey, _) => {
                return Err(unexpected(byte, "looking for beginning of object key string"));
            }
            (State::AfterValue, _) => return self.end(byte),
            (State::End, _) => return Err(unexpected(byte, "after top-level value")),
            (State::InString | State::AfterBackslash | State::Hex(_), _) => self.in_string(byte)?,
            (State::Word(rest, word), _) => in_word(rest, word, byte)?,
            _ => match self.in_number(byte)? {
                Some(state) => state,
                None => return self.end(byte),
            },
        };
        Ok(())
    }

    fn begin(&mut self, byte: u8) -> Result<(), String> {
        self.state = match byte {
            b'{' => return self.open(byte, Place::Key, State::FirstKey),
            b'[' => return self.open(byte, Place::Element, State::FirstElement),
            b'"' => State::InString,
            b'-' => State::AfterMinus,
            b'0' => State::AfterDigits,
            b'1'..=b'9' => State::Digits,
            b't' => State::Word("rue", "true"),
            b'f' => State::Word("alse", "false"),
            b'n' => State::Word("ull", "null"),
            _ => return Err(unexpected(byte, "looking for beginning of value")),
        };
        Ok(())
    }

    fn open(&mut self, byte: u8, place: Place, state: State) -> Result<(), String> {
        if self.places.len() >= MAX_DEPTH {
            return Err(unexpected(byte, "exceeded max depth"));
        }
        self.places.push(place);
        self.state = state;
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        self.places.pop();
        self.state = if self.places.is_empty() { State::End } else { State::AfterValue };
        Ok(())
    }

    /// After a value.
    fn end(&mut self, byte: u8) -> Result<(), String> {
        let Some(place) = self.places.last_mut() else {
            self.state = State::End;
            return self.step(byte);
        };
        self.state = match (*place, byte) {
            _ if is_space(byte) => State::AfterValue,
            (Place::Key, b':') => {
                *place = Place::Member;
                State::Value
            }
            (Place::Member, b',') => {
                *place = Place::Key;
                State::Key
            }
            (Place::Element, b',') => State::Value,
            (Place::Member, b'}') | (Place::Element, b']') => return self.close(),
            (Place::Key, _) => return Err(unexpected(byte, "after object key")),
            (Place::Member, _) => return Err(unexpected(byte, "after object key:value pair")),
            (Place::Element, _) => return Err(unexpected(byte, "after array element")),
        };
        Ok(())
    }

    fn in_string(&self, byte: u8) -> Result<State, String> {
        match (self.state, byte) {
            (State::InString, b'"') => Ok(State::AfterValue),
            (State::InString, b'\\') => Ok(State::AfterBackslash),
            (State::InString, 0..0x20) => Err(unexpected(byte, "in string literal")),
            (State::AfterBackslash, b'u') => Ok(State::Hex(4)),
            (State::AfterBackslash, b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => {
                Ok(State::InString)
            }
            (State::AfterBackslash, _) => Err(unexpected(byte, "in string escape code")),
            (State::Hex(_), _) if !byte.is_ascii_hexdigit() => {
                Err(unexpected(byte, r"in \u hexadecimal character escape"))
            }
            (State::Hex(left), _) if left > 1 => Ok(State::Hex(left - 1)),
            _ => Ok(State::InString),
        }
    }

    /// The next state within a number; `None` after it.
    fn in_number(&self, byte: u8) -> Result<Option<State>, String> {
        let digit = byte.is_ascii_digit();
        Ok(match (self.state, byte) {
            (State::AfterMinus, b'0') => Some(State::AfterDigits),
            (State::AfterMinus | State::Digits, _) if digit => Some(State::Digits),
            (State::AfterMinus, _) => return Err(unexpected(byte, "in numeric literal")),
            (State::Digits | State::AfterDigits, b'.') => Some(State::AfterPoint),
            (State::Digits | State::AfterDigits | State::Fraction, b'e' | b'E') => Some(State::AfterE),
            (State::AfterPoint | State::Fraction, _) if digit => Some(State::Fraction),
            (State::AfterPoint, _) => {
                return Err(unexpected(byte, "after decimal point in numeric literal"));
            }
            (State::AfterE, b'+' | b'-') => Some(State::AfterExponentSign),
            (State::AfterE | State::AfterExponentSign | State::Exponent, _) if digit => Some(State::Exponent),
            (State::AfterE | State::AfterExponentSign, _) => {
                return Err(unexpected(byte, "in exponent of numeric literal"));
            }
            _ => None,
        })
    }
}

fn in_word(rest: &'static str, word: &'static str, byte: u8) -> Result<State, String> {
    match rest.as_bytes().split_first() {
        Some((wanted, after)) if *wanted == byte => {
            let rest = rest.get(1..).unwrap_or("");
            Ok(if after.is_empty() { State::AfterValue } else { State::Word(rest, word) })
        }
        wanted => {
            let wanted = char::from(wanted.map_or(b' ', |(wanted, _)| *wanted));
            Err(unexpected(byte, &format!("in literal {word} (expecting '{wanted}')")))
        }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn unexpected(byte: u8, context: &str) -> String {
    format!("invalid character {} {context}", quoted(byte))
}

/// A byte as Go quotes it, as if it were a character.
fn quoted(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_owned(),
        b'\\' => r"'\\'".to_owned(),
        0x07 => r"'\a'".to_owned(),
        0x08 => r"'\b'".to_owned(),
        0x0c => r"'\f'".to_owned(),
        b'\n' => r"'\n'".to_owned(),
        b'\r' => r"'\r'".to_owned(),
        b'\t' => r"'\t'".to_owned(),
        0x0b => r"'\v'".to_owned(),
        0..0x20 | 0x7f => format!(r"'\x{byte:02x}'"),
        0x80..=0xa0 | 0xad => format!(r"'\u{byte:04x}'"),
        _ => format!("'{}'", char::from(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_gos() {
        let cases = [
            ("{}", None),
            (" null\n", None),
            (r#"{"a": [1, -2.5e+3, 0, true, false, null, "\u00e9\n", {"b": {}}, []]}"#, None),
            ("", Some("unexpected end of JSON input")),
            ("{", Some("unexpected end of JSON input")),
            (r#"{"a"#, Some("unexpected end of JSON input")),
            (r#"{"a": 1"#, Some("unexpected end of JSON input")),
            ("x", Some("invalid character 'x' looking for beginning of value")),
            ("{x", Some("invalid character 'x' looking for beginning of object key string")),
            (r#"{"a" 1}"#, Some("invalid character '1' after object key")),
            (r#"{"a":1 2}"#, Some("invalid character '2' after object key:value pair")),
            (r#"{"a":1,}"#, Some("invalid character '}' looking for beginning of object key string")),
            ("[1 2]", Some("invalid character '2' after array element")),
            ("{}}", Some("invalid character '}' after top-level value")),
            ("{} x", Some("invalid character 'x' after top-level value")),
            ("\"a\n\"", Some(r"invalid character '\n' in string literal")),
            (r#""\x""#, Some("invalid character 'x' in string escape code")),
            (r#""\u00g""#, Some(r"invalid character 'g' in \u hexadecimal character escape")),
            ("-", Some("invalid character ' ' in numeric literal")),
            ("-a", Some("invalid character 'a' in numeric literal")),
            ("1.x", Some("invalid character 'x' after decimal point in numeric literal")),
            ("1ex", Some("invalid character 'x' in exponent of numeric literal")),
            ("01", Some("invalid character '1' after top-level value")),
            ("nul", Some("invalid character ' ' in literal null (expecting 'l')")),
            ("trap", Some("invalid character 'a' in literal true (expecting 'u')")),
            ("'", Some(r"invalid character '\'' looking for beginning of value")),
            ("[]", Some("json: cannot unmarshal array into Go value of type map[string]interface {}")),
            ("\"a\"", Some("json: cannot unmarshal string into Go value of type map[string]interface {}")),
            ("-1", Some("json: cannot unmarshal number into Go value of type map[string]interface {}")),
            ("true", Some("json: cannot unmarshal bool into Go value of type map[string]interface {}")),
        ];
        for (text, expected) in cases {
            assert_eq!(object_complaint(text.as_bytes()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn bytes_are_quoted_as_characters() {
        let cases =
            [(0x00, r"'\x00'"), (0x7f, r"'\x7f'"), (0x80, r"'\u0080'"), (0xc3, "'\u{c3}'"), (b'"', "'\"'")];
        for (byte, expected) in cases {
            assert_eq!(quoted(byte), expected);
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "[".repeat(MAX_DEPTH + 1);
        assert_eq!(
            object_complaint(deep.as_bytes()).as_deref(),
            Some("invalid character '[' exceeded max depth")
        );
    }
}
