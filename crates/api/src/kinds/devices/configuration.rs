//! What drivers are told about devices: an object that only they understand.

use super::name;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, json};

const MAX_PARAMETERS: usize = 10 << 10;

/// Whether an object was stored before its size was limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// It is new.
    Limited,
    /// It is as it was.
    AsStored,
}

/// What is wrong with a configuration.
pub(crate) fn errors(field: &FieldPath, configuration: &Document, size: Size) -> FieldErrors {
    let field = field.child("opaque");
    let Some(opaque) = configuration.get("opaque").filter(|opaque| !opaque.is_null()) else {
        return vec![FieldError::required(&field, "")];
    };
    let mut out = name::driver(&field.child("driver"), opaque.str_at(&["driver"]));
    let parameters = opaque.get("parameters");
    out.extend(object(&field.child("parameters"), parameters, MAX_PARAMETERS, size));
    out
}

/// What is wrong with data that must be an object.
pub(crate) fn object(
    field: &FieldPath,
    data: Option<&Document>,
    max: usize,
    size: Size,
) -> Option<FieldError> {
    let Some(data) = data.filter(|data| !data.is_null()) else {
        return Some(FieldError::required(field, ""));
    };
    if size == Size::Limited && json::encode(data).len() > max {
        return Some(FieldError::too_long(field, max));
    }
    let why = "must be a valid JSON object";
    data.as_object().is_none().then(|| FieldError::invalid(field, "<value omitted>", why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn configurations_are_objects_of_some_size_for_a_driver() {
        let big = || doc!({"a": "b".repeat(MAX_PARAMETERS)});
        let of = |parameters: Document| doc!({"opaque": {"driver": "d", "parameters": parameters}});
        let cases = [
            (doc!({}), Size::Limited, vec!["c.opaque: Required value"]),
            (of(doc!(null)), Size::Limited, vec!["c.opaque.parameters: Required value"]),
            (
                of(doc!("text")),
                Size::Limited,
                vec![r#"c.opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object"#],
            ),
            (
                of(big()),
                Size::Limited,
                vec!["c.opaque.parameters: Too long: may not be more than 10240 bytes"],
            ),
            (of(big()), Size::AsStored, vec![]),
        ];
        for (configuration, size, expected) in cases {
            let found = errors(&FieldPath::new("c"), &configuration, size);
            let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
            assert_eq!(texts, expected);
        }
    }
}
