//! What the counts of a status may be.

use super::given;
use crate::validation;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// Fields of the status that are negative.
pub(crate) fn negative(object: &Document, names: &[&str]) -> FieldErrors {
    let field = FieldPath::new("status");
    let check = |&name: &&str| validation::not_negative(&field.child(name), object.at(&["status", name]));
    names.iter().filter_map(check).collect()
}

/// Counts of the status above `replicas`, and more replicas available than ready.
pub(crate) fn above_replicas(object: &Document, names: &[&str], why_unready: &str) -> FieldErrors {
    let field = FieldPath::new("status");
    let count = |name: &str| object.i64_at(&["status", name]).unwrap_or(0);
    let refusal = |name: &str, why: &str| FieldError::invalid(&field.child(name), count(name), why);
    let above = names.iter().filter(|name| count(name) > count("replicas"));
    let mut out: FieldErrors =
        above.map(|name| refusal(name, "cannot be greater than status.replicas")).collect();
    if count("availableReplicas") > count("readyReplicas") {
        out.push(refusal("availableReplicas", why_unready));
    }
    out
}

/// Collisions are counted, never forgotten: the count is part of names that were given.
pub(crate) fn fewer_collisions(new: &Document, old: &Document) -> Option<FieldError> {
    const PATH: [&str; 2] = ["status", "collisionCount"];
    let count = |object: &Document| given(object, &PATH).and_then(Document::as_i64);
    let before = count(old)?;
    let now = count(new);
    now.is_none_or(|now| now < before).then(|| {
        let field = FieldPath::new("status").child("collisionCount");
        FieldError::invalid(&field, now.unwrap_or(0), "cannot be decremented")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn collisions_are_not_forgotten() {
        let with = |count: Option<i64>| doc!({"status": {"collisionCount": count}});
        let text = |now, before| fewer_collisions(&with(now), &with(before)).map(|error| error.to_string());
        assert_eq!(text(Some(3), Some(2)), None);
        assert_eq!(text(Some(1), None), None);
        assert_eq!(
            text(Some(1), Some(2)).as_deref(),
            Some("status.collisionCount: Invalid value: 1: cannot be decremented")
        );
        assert_eq!(
            text(None, Some(2)).as_deref(),
            Some("status.collisionCount: Invalid value: 0: cannot be decremented")
        );
    }
}
