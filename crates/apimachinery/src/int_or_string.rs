//! Values that are a number or a text: ports by name, counts or percentages.

use crate::{Document, Node};

/// An `IntOrString` of the API.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum IntOrString {
    /// A number.
    Int(i64),
    /// A text: a name or a percentage.
    String(String),
}

/// An `IntOrString` that is no count and no percentage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid value for IntOrString: {0}")]
pub struct NoCount(String);

impl IntOrString {
    /// Reads the value; `None` if it is neither.
    pub fn from_document(doc: &Document) -> Option<Self> {
        match doc.node() {
            Node::Int(value) => Some(Self::Int(value)),
            Node::String(text) => Some(Self::String(text.to_owned())),
            _ => None,
        }
    }

    /// A text as a number if it is one.
    pub fn parse(text: &str) -> Self {
        text.parse::<i32>().map_or_else(|_| Self::String(text.to_owned()), |value| Self::Int(value.into()))
    }

    /// The number, or the number that a percentage of `total` is.
    ///
    /// # Errors
    /// If the text is no percentage.
    pub fn scaled(&self, total: i64, round: Round) -> Result<i64, NoCount> {
        let text = match self {
            Self::Int(value) => return Ok(*value),
            Self::String(text) => text,
        };
        let Some(digits) = text.strip_suffix('%') else {
            return Err(NoCount("invalid type: string is not a percentage".to_owned()));
        };
        let percent: i64 = digits.parse().map_err(|_| {
            NoCount(format!("invalid value {text:?}: strconv.Atoi: parsing {digits:?}: invalid syntax"))
        })?;
        let product = i128::from(percent) * i128::from(total);
        let whole = product.div_euclid(100);
        let up = round == Round::Up && product.rem_euclid(100) != 0;
        Ok(i64::try_from(whole + i128::from(up)).unwrap_or(i64::MAX))
    }
}

/// Where a fraction goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// To the next greater whole number.
    Up,
    /// To the next smaller whole number.
    Down,
}

impl std::fmt::Display for IntOrString {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Int(value) => write!(f, "{value}"),
            Self::String(text) => f.write_str(text),
        }
    }
}

impl From<IntOrString> for Document {
    fn from(value: IntOrString) -> Self {
        match value {
            IntOrString::Int(value) => value.into(),
            IntOrString::String(text) => text.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_scale_and_round_as_asked() {
        let quarter = IntOrString::parse("25%");
        assert_eq!(quarter.scaled(10, Round::Up), Ok(3));
        assert_eq!(quarter.scaled(10, Round::Down), Ok(2));
        assert_eq!(IntOrString::Int(4).scaled(10, Round::Up), Ok(4));
        assert_eq!(
            IntOrString::parse("x").scaled(1, Round::Up).unwrap_err().to_string(),
            "invalid value for IntOrString: invalid type: string is not a percentage"
        );
    }
}
