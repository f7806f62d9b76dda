//! Conditions of a CertificateSigningRequest: who approved, denied or failed it says so once and for good.

use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::collections::HashSet;

pub(super) const APPROVED: &str = "Approved";
pub(super) const DENIED: &str = "Denied";
pub(super) const FAILED: &str = "Failed";
const STATUSES: [&str; 3] = ["False", "True", "Unknown"];

fn list(object: &Document) -> &[Document] {
    object.array_at(&["status", "conditions"])
}

fn of_type<'a>(object: &'a Document, ty: &'a str) -> impl Iterator<Item = &'a Document> {
    list(object).iter().filter(move |condition| condition.str_at(&["type"]) == ty)
}

fn has(object: &Document, ty: &str) -> bool {
    of_type(object, ty).next().is_some()
}

fn field() -> FieldPath {
    FieldPath::new("status").child("conditions")
}

/// What is wrong with the conditions. What was wrong with `old` before is let through.
pub(super) fn errors(object: &Document, old: Option<&Document>) -> FieldErrors {
    let before = |wrong: fn(&Document) -> bool| old.is_some_and(wrong);
    let untyped_allowed = before(|old| has(old, ""));
    let both_allowed = before(|old| has(old, APPROVED) && has(old, DENIED));
    let twice_allowed = before(|old| types(old).collect::<HashSet<_>>().len() < list(old).len());
    let (mut seen, mut out) = (HashSet::new(), FieldErrors::new());
    for (i, condition) in list(object).iter().enumerate() {
        let (field, ty) = (field().index(i), condition.str_at(&["type"]));
        let place = field.child("type");
        if ty.is_empty() && !untyped_allowed {
            out.push(FieldError::required(&place, ""));
        }
        out.extend(status(&field.child("status"), ty, condition.str_at(&["status"])));
        let other = match ty {
            APPROVED => DENIED,
            DENIED => APPROVED,
            _ => "",
        };
        if !both_allowed && !other.is_empty() && seen.contains(other) {
            let why = "Approved and Denied conditions are mutually exclusive";
            out.push(FieldError::invalid(&place, ty, why));
        }
        if !seen.insert(ty) && !twice_allowed {
            out.push(FieldError::duplicate(&place, ty));
        }
    }
    out
}

fn types(object: &Document) -> impl Iterator<Item = &str> {
    list(object).iter().map(|condition| condition.str_at(&["type"]))
}

fn status(field: &FieldPath, ty: &str, status: &str) -> Option<FieldError> {
    let allowed = if [APPROVED, DENIED, FAILED].contains(&ty) { &["True"][..] } else { &STATUSES };
    if status.is_empty() {
        return Some(FieldError::required(field, ""));
    }
    (!allowed.contains(&status)).then(|| FieldError::not_supported(field, status, allowed))
}

/// What is wrong with a change of the conditions; only an approval may add what approves or denies.
pub(super) fn changes(new: &Document, old: &Document, is_approval: bool) -> FieldErrors {
    let count = |object: &Document, ty: &str| of_type(object, ty).count();
    let mut out = FieldErrors::new();
    for ty in [APPROVED, DENIED, FAILED] {
        if count(new, ty) < count(old, ty) {
            let why = format!("updates may not remove a condition of type {ty:?}");
            out.push(FieldError::forbidden(&field(), why));
        }
    }
    for ty in [APPROVED, DENIED].into_iter().filter(|_| !is_approval) {
        if count(new, ty) > count(old, ty) {
            let why = format!("updates may not add a condition of type {ty:?}");
            out.push(FieldError::forbidden(&field(), why));
        }
    }
    out
}

/// Puts the old conditions of a type where the new object has as many of them.
pub(super) fn keep(new: &mut Document, old: &Document, ty: &str) {
    let kept: Vec<Document> = of_type(old, ty).cloned().collect();
    if of_type(new, ty).count() != kept.len() {
        return;
    }
    let conditions = new.at_mut(&["status", "conditions"]).and_then(Document::as_array_mut);
    let places = conditions.into_iter().flatten().filter(|condition| condition.str_at(&["type"]) == ty);
    for (place, condition) in places.zip(kept) {
        *place = condition;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn of(conditions: Document) -> Document {
        doc!({"status": {"conditions": conditions}})
    }

    fn complaints(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn conditions_do_not_contradict_each_other() {
        let object = of(doc!([
            {"type": "Approved", "status": "False"}, {"type": "Denied", "status": "True"}, {"type": "", "status": ""},
            {"type": "Denied", "status": "True"}, {"type": "Mine", "status": "No"}
        ]));
        assert_eq!(
            complaints(&errors(&object, None)),
            [
                r#"status.conditions[0].status: Unsupported value: "False": supported values: "True""#,
                r#"status.conditions[1].type: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive"#,
                "status.conditions[2].type: Required value",
                "status.conditions[2].status: Required value",
                r#"status.conditions[3].type: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive"#,
                r#"status.conditions[3].type: Duplicate value: "Denied""#,
                r#"status.conditions[4].status: Unsupported value: "No": supported values: "False", "True", "Unknown""#,
            ]
        );
        assert_eq!(errors(&object, Some(&object)).len(), 3);
    }

    #[test]
    fn only_approvals_approve_and_nothing_is_taken_back() {
        let (none, approved) = (of(doc!([])), of(doc!([{"type": "Approved", "status": "True"}])));
        assert_eq!(
            complaints(&changes(&approved, &none, false)),
            [r#"status.conditions: Forbidden: updates may not add a condition of type "Approved""#]
        );
        assert_eq!(changes(&approved, &none, true), []);
        assert_eq!(
            complaints(&changes(&none, &approved, true)),
            [r#"status.conditions: Forbidden: updates may not remove a condition of type "Approved""#]
        );
    }

    #[test]
    fn old_conditions_stay_as_they_were() {
        let old = of(doc!([{"type": "Approved", "status": "True", "reason": "a"}]));
        let mut new = of(doc!([{"type": "Mine"}, {"type": "Approved", "status": "True", "reason": "b"}]));
        keep(&mut new, &old, APPROVED);
        assert_eq!(new, of(doc!([{"type": "Mine"}, {"type": "Approved", "status": "True", "reason": "a"}])));
    }
}
