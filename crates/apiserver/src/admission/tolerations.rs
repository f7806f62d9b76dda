//! Tolerations compared and merged as upstream's `pkg/util/tolerations` does it: one that tolerates all that another
//! tolerates makes the other one needless.

use skiff_apimachinery::Document;

/// Both lists in order, without what another toleration covers; of equal ones the first stays.
pub(super) fn merge(first: &[Document], second: &[Document]) -> Vec<Document> {
    let all: Vec<&Document> = first.iter().chain(second).collect();
    let mut merged: Vec<&Document> = Vec::new();
    for (index, toleration) in all.iter().enumerate() {
        let rest = all.get(index + 1..).unwrap_or_default();
        let covered = merged.iter().any(|kept| covers(kept, toleration))
            || rest.iter().any(|later| !equal(later, toleration) && covers(later, toleration));
        if !covered {
            merged.push(toleration);
        }
    }
    merged.into_iter().cloned().collect()
}

/// Whether each toleration is covered by one of the allowed ones.
pub(super) fn all_covered(tolerations: &[Document], allowed: &[Document]) -> bool {
    tolerations.iter().all(|toleration| allowed.iter().any(|wide| covers(wide, toleration)))
}

fn text<'a>(toleration: &'a Document, field: &str) -> &'a str {
    toleration.str_at(&[field])
}

fn seconds(toleration: &Document) -> Option<i64> {
    toleration.i64_at(&["tolerationSeconds"])
}

/// Equal as Go structs are: an absent text is an empty one.
fn equal(a: &Document, b: &Document) -> bool {
    ["key", "operator", "value", "effect"].iter().all(|field| text(a, field) == text(b, field))
        && seconds(a) == seconds(b)
}

/// Whether `wide` tolerates everything that `narrow` tolerates.
fn covers(wide: &Document, narrow: &Document) -> bool {
    if equal(wide, narrow) {
        return true;
    }
    let (key, operator, effect) = (text(wide, "key"), text(wide, "operator"), text(wide, "effect"));
    // No key with Exists means every key, no effect means every effect.
    let keys = key == text(narrow, "key") || (key.is_empty() && operator == "Exists");
    let effects = effect.is_empty() || effect == text(narrow, "effect");
    let long_enough = effect != "NoExecute"
        || seconds(wide).is_none_or(|wide| seconds(narrow).is_some_and(|narrow| narrow <= wide));
    let values = match operator {
        "Equal" | "" => text(narrow, "operator") == "Equal" && text(wide, "value") == text(narrow, "value"),
        "Exists" => true,
        _ => false,
    };
    keys && effects && long_enough && values
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn list(tolerations: Document) -> Vec<Document> {
        tolerations.into_array()
    }

    #[test]
    fn what_another_covers_is_left_out() {
        let narrow = list(doc!([{"key": "a", "operator": "Equal", "value": "1", "effect": "NoSchedule"}]));
        let wide = list(doc!([{"key": "a", "operator": "Exists"}]));
        assert_eq!(merge(&narrow, &wide), wide);
        assert_eq!(merge(&wide, &narrow), wide);
    }

    #[test]
    fn different_ones_stay_in_order_and_equal_ones_once() {
        let first = list(doc!([{"key": "a", "operator": "Exists"}, {"key": "b", "operator": "Exists"}]));
        let second = list(doc!([{"key": "b", "operator": "Exists", "value": ""}]));
        assert_eq!(merge(&first, &second), first);
    }

    #[test]
    fn a_shorter_toleration_does_not_cover_a_longer_one() {
        let lasting = |seconds: i64| {
            list(doc!([
                {"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds}
            ]))
        };
        let forever = list(doc!([{"key": "a", "operator": "Exists", "effect": "NoExecute"}]));
        assert!(all_covered(&lasting(10), &lasting(20)));
        assert!(all_covered(&lasting(10), &forever));
        assert!(!all_covered(&lasting(20), &lasting(10)));
        assert!(!all_covered(&forever, &lasting(10)));
    }

    #[test]
    fn exists_without_a_key_covers_everything() {
        let everything = list(doc!([{"operator": "Exists"}]));
        assert!(all_covered(&list(doc!([{"key": "a", "operator": "Exists"}])), &everything));
        assert!(!all_covered(&everything, &list(doc!([{"key": "a", "operator": "Exists"}]))));
    }
}
