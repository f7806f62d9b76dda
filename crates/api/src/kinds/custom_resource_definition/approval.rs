//! Whether a definition in one of upstream's own groups says that it was approved there (KEP-1111).

use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// The annotation that says so.
const ANNOTATION: &str = "api-approved.kubernetes.io";
const PULL: &str = "https://github.com/kubernetes/enhancements/pull/1111";

/// What a definition says about its approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// Where it was approved.
    Approved,
    /// That it was not.
    Bypassed,
    /// Something else.
    Invalid,
    /// Nothing.
    Missing,
}

/// Whether a group is one of upstream's own.
pub fn is_protected(group: &str) -> bool {
    ["k8s.io", "kubernetes.io"]
        .into_iter()
        .any(|own| group.strip_suffix(own).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

/// What a definition says about its approval, and that in words.
pub fn approval(definition: &Document) -> (Approval, String) {
    let said = said(definition);
    if said.is_empty() {
        let why = format!("protected groups must have approval annotation {ANNOTATION:?}, see {PULL}");
        return (Approval::Missing, why);
    }
    if said.starts_with("unapproved") {
        return (Approval::Bypassed, format!("not approved: {said:?}"));
    }
    if is_url(said) {
        return (Approval::Approved, format!("approved in {said}"));
    }
    let why = format!(
        "protected groups must have approval annotation {ANNOTATION:?} with either a URL or a reason starting with \"unapproved\", see {PULL}"
    );
    (Approval::Invalid, why)
}

fn said(definition: &Document) -> &str {
    let annotations = definition.annotations();
    annotations.and_then(|annotations| annotations.get(ANNOTATION)).and_then(Document::as_str).unwrap_or("")
}

/// Whether a text has a scheme and a host.
fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
            && !host.is_empty()
            && !text.bytes().any(|byte| byte <= b' ' || byte == 0x7f)
    })
}

/// What is wrong with what a definition says, if that changed.
pub(super) fn errors(object: &Document, old: Option<&Document>) -> FieldErrors {
    let (state, why) = approval(object);
    let unchanged = old.is_some_and(|old| approval(old).0 == state);
    if !is_protected(object.str_at(&["spec", "group"])) || unchanged {
        return FieldErrors::new();
    }
    let place = FieldPath::new("metadata").child("annotations").key(ANNOTATION);
    match state {
        Approval::Approved | Approval::Bypassed => FieldErrors::new(),
        Approval::Missing => vec![FieldError::required(&place, why)],
        Approval::Invalid => vec![FieldError::invalid(&place, said(object), why)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn of(said: &str) -> Document {
        doc!({
            "metadata": {"annotations": {"api-approved.kubernetes.io": said}}, "spec": {"group": "storage.k8s.io"}
        })
    }

    #[test]
    fn groups_of_upstream_are_protected() {
        for (group, protected) in [
            ("k8s.io", true),
            ("a.k8s.io", true),
            ("x.kubernetes.io", true),
            ("x-k8s.io", false),
            ("example.com", false),
        ] {
            assert_eq!(is_protected(group), protected, "{group}");
        }
    }

    #[test]
    fn approvals_are_places_or_reasons() {
        let cases = [
            ("https://github.com/a/b/pull/1", Approval::Approved, ""),
            ("unapproved, experimental", Approval::Bypassed, ""),
            (
                "",
                Approval::Missing,
                r#"metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111"#,
            ),
            (
                "bob",
                Approval::Invalid,
                r#"metadata.annotations[api-approved.kubernetes.io]: Invalid value: "bob": protected groups must have approval annotation "api-approved.kubernetes.io" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111"#,
            ),
        ];
        for (said, state, expected) in cases {
            let definition = of(said);
            assert_eq!(approval(&definition).0, state, "{said}");
            let texts: Vec<String> = errors(&definition, None).iter().map(ToString::to_string).collect();
            assert_eq!(texts.join("; "), expected);
            assert_eq!(errors(&definition, Some(&definition)), []);
        }
        assert_eq!(approval(&of("https://a.b/c")).1, "approved in https://a.b/c");
    }
}
