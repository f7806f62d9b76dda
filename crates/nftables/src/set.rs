//! Sets, maps and verdict maps, and their elements.

use crate::datum::{self, DataType, Datum};
use crate::{Error, Result, Verdict};
use std::time::Duration;

/// A named set or map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// Its name, unique in the table.
    pub name: String,
    /// Types of the key's fields; several make a concatenation.
    pub key: Vec<DataType>,
    /// What elements carry besides their key.
    pub values: Values,
    /// Whether rules add elements, which then live this long unless the rule says otherwise.
    pub dynamic: Option<Duration>,
    /// Shown by `nft list`; empty for none.
    pub comment: String,
}

/// What elements of a set carry besides their key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// Nothing: a set.
    None,
    /// A verdict: a verdict map.
    Verdict,
    /// Data: a map.
    Data(Vec<DataType>),
}

/// An element of a set or map.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Element {
    /// The key's fields.
    pub key: Vec<Datum>,
    /// What the key leads to.
    pub value: Mapped,
    /// Shown by `nft list`; empty for none.
    pub comment: String,
    /// How long it still lives, in sets whose elements end by themselves.
    pub expires: Option<Duration>,
}

/// What a key leads to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Mapped {
    /// Nothing: a set's element.
    Nothing,
    /// A verdict.
    Verdict(Verdict),
    /// Data.
    Data(Vec<Datum>),
}

impl Set {
    /// A set of keys.
    pub fn of_keys(name: impl Into<String>, key: impl Into<Vec<DataType>>) -> Self {
        Self {
            name: name.into(),
            key: key.into(),
            values: Values::None,
            dynamic: None,
            comment: String::new(),
        }
    }

    /// A map from keys to verdicts.
    pub fn verdict_map(name: impl Into<String>, key: impl Into<Vec<DataType>>) -> Self {
        Self { values: Values::Verdict, ..Self::of_keys(name, key) }
    }

    /// A map from keys to data.
    pub fn map(
        name: impl Into<String>,
        key: impl Into<Vec<DataType>>,
        data: impl Into<Vec<DataType>>,
    ) -> Self {
        Self { values: Values::Data(data.into()), ..Self::of_keys(name, key) }
    }

    /// With elements that rules add and that end after a time without use.
    #[must_use]
    pub fn dynamic(mut self, timeout: Duration) -> Self {
        self.dynamic = Some(timeout);
        self
    }

    /// With a comment.
    #[must_use]
    pub fn comment(mut self, comment: impl Into<String>) -> Self {
        self.comment = comment.into();
        self
    }

    /// Whether an element is of this set's types.
    pub(crate) fn check(&self, element: &Element) -> Result<()> {
        let values_fit = match (&self.values, &element.value) {
            (Values::None, Mapped::Nothing) | (Values::Verdict, Mapped::Verdict(_)) => true,
            (Values::Data(types), Mapped::Data(data)) => fits(types, data),
            _ => false,
        };
        if values_fit && fits(&self.key, &element.key) {
            Ok(())
        } else {
            Err(Error::Invalid(format!("element {element} does not have the types of {}", self.name)))
        }
    }
}

fn fits(types: &[DataType], data: &[Datum]) -> bool {
    types.len() == data.len() && types.iter().zip(data).all(|(t, d)| *t == d.data_type())
}

impl Element {
    /// A set's element.
    pub fn new(key: impl Into<Vec<Datum>>) -> Self {
        Self { key: key.into(), value: Mapped::Nothing, comment: String::new(), expires: None }
    }

    /// Leading to a verdict.
    #[must_use]
    pub fn verdict(mut self, verdict: Verdict) -> Self {
        self.value = Mapped::Verdict(verdict);
        self
    }

    /// Leading to data.
    #[must_use]
    pub fn data(mut self, data: impl Into<Vec<Datum>>) -> Self {
        self.value = Mapped::Data(data.into());
        self
    }

    /// With a comment.
    #[must_use]
    pub fn comment(mut self, comment: impl Into<String>) -> Self {
        self.comment = comment.into();
        self
    }

    pub(crate) fn key_bytes(&self) -> Vec<u8> {
        datum::encode(&self.key)
    }
}

impl std::fmt::Display for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, datum) in self.key.iter().enumerate() {
            if i > 0 {
                f.write_str(" . ")?;
            }
            datum.fmt(f)?;
        }
        Ok(())
    }
}
