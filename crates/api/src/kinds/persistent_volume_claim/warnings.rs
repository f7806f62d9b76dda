//! What is allowed in a claim but cannot be had: parts of bytes.

use skiff_apimachinery::{Document, Quantity};

/// Texts for `Warning` headers.
pub(super) fn claim(claim: &Document) -> Vec<String> {
    let mut out = Vec::new();
    for list in ["requests", "limits"] {
        let amount = Quantity::at(claim, &["spec", "resources", list, "storage"]);
        if !amount.is_whole() {
            out.push(format!(
                "spec.resources.{list}[storage]: fractional byte value \"{amount}\" is invalid, must be an integer"
            ));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn parts_of_bytes_are_warned_of() {
        let given =
            doc!({"spec": {"resources": {"requests": {"storage": "1Gi"}, "limits": {"storage": "500m"}}}});
        assert_eq!(
            claim(&given),
            [
                r#"spec.resources.limits[storage]: fractional byte value "500m" is invalid, must be an integer"#
            ]
        );
    }
}
