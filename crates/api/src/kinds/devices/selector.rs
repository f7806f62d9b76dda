//! Selectors of devices. Their CEL expressions are not compiled here, only measured.

use super::list;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

const MAX_SELECTORS: usize = 32;
const MAX_EXPRESSION: usize = 10 << 10;

/// What is wrong with the selectors of a class or request.
pub(crate) fn errors(field: &FieldPath, selectors: &[Document]) -> FieldErrors {
    list(field, selectors, MAX_SELECTORS, |field, selector| {
        let field = field.child("cel");
        let Some(cel) = selector.get("cel").filter(|cel| !cel.is_null()) else {
            return vec![FieldError::required(&field, "")];
        };
        let long = cel.str_at(&["expression"]).len() > MAX_EXPRESSION;
        let field = field.child("expression");
        long.then(|| FieldError::too_long(&field, MAX_EXPRESSION)).into_iter().collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn selectors_are_expressions_of_some_length() {
        let selectors = [
            doc!({}),
            doc!({"cel": {"expression": "x".repeat(10_241)}}),
            doc!({"cel": {"expression": "true"}}),
        ];
        let texts: Vec<String> =
            errors(&FieldPath::new("s"), &selectors).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            ["s[0].cel: Required value", "s[1].cel.expression: Too long: may not be more than 10240 bytes"]
        );
    }
}
