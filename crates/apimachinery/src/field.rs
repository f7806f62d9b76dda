//! Validation errors at a field, in upstream's words (`k8s.io/apimachinery/pkg/util/validation/field`).

use crate::{Document, Node};
use std::fmt;

/// Where in an object: `spec.containers[0].env[FOO].value`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct FieldPath(String);

impl FieldPath {
    /// A path with one or more dotted names.
    pub fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The root of the object, shown as `<nil>` alone.
    pub fn root() -> Self {
        Self::default()
    }

    /// A field under this one.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        if self.0.is_empty() { Self(name.to_owned()) } else { Self(format!("{}.{name}", self.0)) }
    }

    /// An element of this list.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// A key of this map.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        Self(format!("{}[{key}]", self.0))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "<nil>" } else { &self.0 })
    }
}

/// What is wrong with a field; the text is the `reason` of a Status cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldErrorKind {
    /// The value names something that does not exist.
    NotFound,
    /// The value is missing.
    Required,
    /// The value came twice.
    Duplicate,
    /// The value is malformed.
    Invalid,
    /// The value is not among the allowed ones.
    NotSupported,
    /// The value is well formed but not allowed here.
    Forbidden,
    /// A string is too long.
    TooLong,
    /// A list is too long.
    TooMany,
    /// Something else went wrong while validating.
    Internal,
    /// The value has the wrong type.
    TypeInvalid,
}

impl FieldErrorKind {
    /// The Status cause reason.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotFound => "FieldValueNotFound",
            Self::Required => "FieldValueRequired",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::Internal => "InternalError",
            Self::TypeInvalid => "FieldValueTypeInvalid",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::Required => "Required value",
            Self::Duplicate => "Duplicate value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
            Self::Internal => "Internal error",
        }
    }
}

/// One validation error.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldError {
    /// What is wrong.
    pub kind: FieldErrorKind,
    /// Where.
    pub field: FieldPath,
    /// The offending value as upstream prints it; empty where upstream prints none.
    pub value: String,
    /// Why it is wrong.
    pub detail: String,
}

/// All that is wrong with an object; empty means valid.
pub type FieldErrors = Vec<FieldError>;

impl FieldError {
    fn new(kind: FieldErrorKind, field: &FieldPath, value: String, detail: impl Into<String>) -> Self {
        Self { kind, field: field.clone(), value, detail: detail.into() }
    }

    /// `Required value: detail`.
    pub fn required(field: &FieldPath, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Required, field, String::new(), detail)
    }

    /// `Invalid value: VALUE: detail`.
    pub fn invalid(field: &FieldPath, value: impl Into<Document>, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Invalid, field, show(&value.into()), detail)
    }

    /// `Invalid value: VALUE: detail` for a value of the wrong type.
    pub fn type_invalid(field: &FieldPath, value: impl Into<Document>, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::TypeInvalid, field, show(&value.into()), detail)
    }

    /// `Unsupported value: VALUE: supported values: "a", "b"`.
    pub fn not_supported(field: &FieldPath, value: impl Into<Document>, supported: &[&str]) -> Self {
        let quoted: Vec<String> = supported.iter().map(|s| format!("{s:?}")).collect();
        let detail = if quoted.is_empty() {
            String::new()
        } else {
            format!("supported values: {}", quoted.join(", "))
        };
        Self::new(FieldErrorKind::NotSupported, field, show(&value.into()), detail)
    }

    /// `Duplicate value: VALUE`.
    pub fn duplicate(field: &FieldPath, value: impl Into<Document>) -> Self {
        Self::new(FieldErrorKind::Duplicate, field, show(&value.into()), "")
    }

    /// `Not found: VALUE`.
    pub fn not_found(field: &FieldPath, value: impl Into<Document>) -> Self {
        Self::new(FieldErrorKind::NotFound, field, show(&value.into()), "")
    }

    /// `Forbidden: detail`.
    pub fn forbidden(field: &FieldPath, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Forbidden, field, String::new(), detail)
    }

    /// `Too long: may not be more than N bytes`.
    pub fn too_long(field: &FieldPath, max: usize) -> Self {
        Self::new(FieldErrorKind::TooLong, field, String::new(), format!("may not be more than {max} bytes"))
    }

    /// `Too many: ACTUAL: must have at most MAX items`.
    pub fn too_many(field: &FieldPath, actual: usize, max: usize) -> Self {
        Self::new(
            FieldErrorKind::TooMany,
            field,
            actual.to_string(),
            format!("must have at most {max} items"),
        )
    }

    /// `Internal error: detail`.
    pub fn internal(field: &FieldPath, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Internal, field, String::new(), detail)
    }

    /// The text without the field, as a Status cause carries it.
    pub fn body(&self) -> String {
        let mut out = self.kind.words().to_owned();
        for part in [&self.value, &self.detail] {
            if !part.is_empty() {
                out.push_str(": ");
                out.push_str(part);
            }
        }
        out
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.body())
    }
}

/// A value as upstream prints it in an error: strings quoted as Go quotes them, nil as `null`.
fn show(value: &Document) -> String {
    match value.node() {
        Node::String(text) => format!("{text:?}"),
        Node::Null => "null".to_owned(),
        _ => String::from_utf8_lossy(&crate::json::encode(value)).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_read_as_upstream_prints_them() {
        let field = FieldPath::new("spec").child("containers").index(0).child("ports").key("http");
        assert_eq!(
            FieldError::invalid(&field, -1, "must be greater than or equal to 0").to_string(),
            "spec.containers[0].ports[http]: Invalid value: -1: must be greater than or equal to 0"
        );
        assert_eq!(
            FieldError::not_supported(&field, "x", &["a", "b"]).to_string(),
            r#"spec.containers[0].ports[http]: Unsupported value: "x": supported values: "a", "b""#
        );
        assert_eq!(
            FieldError::required(&field, "").to_string(),
            "spec.containers[0].ports[http]: Required value"
        );
    }
}
