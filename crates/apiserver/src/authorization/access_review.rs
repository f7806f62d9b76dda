//! What SubjectAccessReviews ask, and whether they ask it rightly. Pure.

use super::Attributes;
use crate::authentication::UserInfo;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, GroupKind, Map, Status, doc};

/// What a review asks about.
pub(super) struct Question {
    field_selector: String,
}

impl Question {
    /// Reads a review.
    pub(super) fn read(review: &Document) -> Self {
        let selector = review.at(&["spec", "resourceAttributes", "fieldSelector"]);
        Self { field_selector: selector.map_or_else(String::new, field_selector) }
    }

    /// The question as authorizers are asked it.
    pub(super) fn attributes<'a>(&'a self, user: &'a UserInfo, review: &'a Document) -> Attributes<'a> {
        let at = |key: &str| review.str_at(&["spec", "resourceAttributes", key]);
        let is_resource = is_given(review, "resourceAttributes");
        Attributes {
            user,
            verb: if is_resource {
                at("verb")
            } else {
                review.str_at(&["spec", "nonResourceAttributes", "verb"])
            },
            group: at("group"),
            version: at("version"),
            resource: at("resource"),
            subresource: at("subresource"),
            namespace: at("namespace"),
            name: at("name"),
            path: review.str_at(&["spec", "nonResourceAttributes", "path"]),
            field_selector: &self.field_selector,
        }
    }
}

/// The user that a review is about.
pub(super) fn subject(review: &Document) -> UserInfo {
    UserInfo {
        name: review.str_at(&["spec", "user"]).to_owned(),
        uid: review.str_at(&["spec", "uid"]).to_owned(),
        groups: texts(review.array_at(&["spec", "groups"])),
        extra: review
            .object_at(&["spec", "extra"])
            .into_iter()
            .flat_map(Map::iter)
            .map(|(key, values)| (key.to_ascii_lowercase(), texts(values.as_array().unwrap_or_default())))
            .collect(),
    }
}

/// Checks a review about the user who sends it.
pub(super) fn check_self(review: &Document) -> Result<(), Status> {
    let mut errors = attributes_errors(review);
    errors.extend(metadata_errors(review, &[], "must be empty"));
    refuse(errors)
}

/// Checks a review about any user.
pub(super) fn check_subject(review: &Document) -> Result<(), Status> {
    let mut errors = subject_errors(review);
    errors.extend(metadata_errors(review, &[], "must be empty"));
    refuse(errors)
}

/// Checks a review about any user in the namespace of the request.
pub(super) fn check_local(review: &Document, namespace: &str) -> Result<(), Status> {
    let given = review.namespace();
    if !given.is_empty() && given != namespace {
        let why = format!("spec.resourceAttributes.namespace must match namespace: {namespace}");
        return Err(Status::bad_request(why));
    }
    let mut errors = subject_errors(review);
    errors.extend(metadata_errors(review, &["namespace"], "must be empty except for namespace"));
    let asked = review.str_at(&["spec", "resourceAttributes", "namespace"]);
    if is_given(review, "resourceAttributes") && asked != namespace {
        let field = FieldPath::new("spec.resourceAttributes.namespace");
        errors.push(FieldError::invalid(&field, asked, "must match metadata.namespace"));
    }
    if is_given(review, "nonResourceAttributes") {
        let field = FieldPath::new("spec.nonResourceAttributes");
        let why = "disallowed on this kind of request";
        errors.push(FieldError::invalid(&field, path_attributes(review), why));
    }
    refuse(errors)
}

fn refuse(errors: FieldErrors) -> Result<(), Status> {
    if errors.is_empty() {
        return Ok(());
    }
    // Upstream's objects have forgotten their kind by then.
    Err(Status::invalid(&GroupKind::new("authorization.k8s.io", ""), "", &errors))
}

fn is_given(review: &Document, key: &str) -> bool {
    review.at(&["spec", key]).is_some_and(|attributes| !attributes.is_null())
}

/// The attributes of a path as upstream prints them.
fn path_attributes(review: &Document) -> Document {
    let at = |key: &str| review.str_at(&["spec", "nonResourceAttributes", key]);
    doc!({"Path": at("path"), "Verb": at("verb")})
}

fn attributes_errors(review: &Document) -> FieldErrors {
    let spec = FieldPath::new("spec");
    let mut errors = FieldErrors::new();
    match (is_given(review, "resourceAttributes"), is_given(review, "nonResourceAttributes")) {
        (true, true) => errors.push(FieldError::invalid(
            &spec.child("nonResourceAttributes"),
            path_attributes(review),
            "cannot be specified in combination with resourceAttributes",
        )),
        (false, false) => errors.push(FieldError::invalid(
            &spec.child("resourceAttributes"),
            Document::NULL,
            "exactly one of nonResourceAttributes or resourceAttributes must be specified",
        )),
        _ => {}
    }
    for kind in ["fieldSelector", "labelSelector"] {
        if let Some(selector) = review.at(&["spec", "resourceAttributes", kind]).filter(|s| !s.is_null()) {
            let field = spec.child("resourceAttributes").child(kind);
            errors.extend(selector_errors(selector, &field));
        }
    }
    errors
}

fn subject_errors(review: &Document) -> FieldErrors {
    let mut errors = attributes_errors(review);
    if review.str_at(&["spec", "user"]).is_empty() && review.array_at(&["spec", "groups"]).is_empty() {
        let field = FieldPath::new("spec").child("user");
        let why = "at least one of user or group must be specified";
        // Upstream looks at who is meant before it looks at selectors.
        let at = errors.iter().position(|e| e.field.as_str().contains("elector")).unwrap_or(errors.len());
        errors.insert(at, FieldError::invalid(&field, "", why));
    }
    errors
}

fn metadata_errors(review: &Document, allowed: &[&str], why: &str) -> Option<FieldError> {
    let metadata = review.object_at(&["metadata"])?;
    let is_set = |(key, value): (&str, &Document)| {
        key != "managedFields" && !allowed.contains(&key) && !value.is_null() && !value.is_empty()
    };
    let shown = Document::from(metadata.clone());
    metadata.iter().any(is_set).then(|| FieldError::invalid(&FieldPath::new("metadata"), shown, why))
}

fn selector_errors(selector: &Document, field: &FieldPath) -> FieldErrors {
    let mut errors = FieldErrors::new();
    let raw = selector.str_at(&["rawSelector"]);
    let requirements = selector.array_at(&["requirements"]);
    if !raw.is_empty() && !requirements.is_empty() {
        let why = "may not specified at the same time as requirements";
        errors.push(FieldError::invalid(&field.child("rawSelector"), raw, why));
    }
    if raw.is_empty() && requirements.is_empty() {
        let why = format!("when {field} is specified, requirements or rawSelector is required");
        errors.push(FieldError::required(&field.child("requirements"), why));
    }
    for (at, requirement) in requirements.iter().enumerate() {
        errors.extend(requirement_errors(requirement, &field.child("requirements").index(at)));
    }
    errors
}

/// Operators that are not known may be a newer client's: they are let pass.
fn requirement_errors(requirement: &Document, field: &FieldPath) -> FieldErrors {
    let mut errors = FieldErrors::new();
    if requirement.str_at(&["key"]).is_empty() {
        errors.push(FieldError::required(&field.child("key"), "must be specified"));
    }
    let has_values = !requirement.array_at(&["values"]).is_empty();
    match requirement.str_at(&["operator"]) {
        "In" | "NotIn" if !has_values => errors.push(FieldError::required(
            &field.child("values"),
            "must be specified when `operator` is 'In' or 'NotIn'",
        )),
        "Exists" | "DoesNotExist" if has_values => errors.push(FieldError::forbidden(
            &field.child("values"),
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        )),
        _ => {}
    }
    errors
}

/// A field selector in the words of a query.
fn field_selector(selector: &Document) -> String {
    let raw = selector.str_at(&["rawSelector"]);
    if !raw.is_empty() {
        return raw.to_owned();
    }
    let one = |requirement: &Document| {
        let values = requirement.array_at(&["values"]);
        let value = values.first().and_then(Document::as_str).filter(|_| values.len() == 1)?;
        let operator = match requirement.str_at(&["operator"]) {
            "In" => "=",
            "NotIn" => "!=",
            _ => return None,
        };
        Some(format!("{}{operator}{value}", requirement.str_at(&["key"])))
    };
    let requirements = selector.array_at(&["requirements"]);
    requirements.iter().filter_map(one).collect::<Vec<_>>().join(",")
}

fn texts(list: &[Document]) -> Vec<String> {
    list.iter().filter_map(Document::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reviews_are_checked_in_upstreams_words() {
        let pods = || doc!({"verb": "get", "resource": "pods"});
        let path = || doc!({"verb": "get", "path": "/x"});
        let cases = [
            ("good", doc!({"user": "a", "resourceAttributes": pods()}), ""),
            ("a path", doc!({"groups": ["a"], "nonResourceAttributes": path()}), ""),
            (
                "both",
                doc!({"user": "a", "resourceAttributes": pods(), "nonResourceAttributes": path()}),
                r#"spec.nonResourceAttributes: Invalid value: {"Path":"/x","Verb":"get"}: cannot be specified in combination with resourceAttributes"#,
            ),
            (
                "nothing",
                doc!({}),
                r#"[spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified, spec.user: Invalid value: "": at least one of user or group must be specified]"#,
            ),
            (
                "an empty selector",
                doc!({"user": "a", "resourceAttributes": {"verb": "list", "fieldSelector": {}}}),
                "spec.resourceAttributes.fieldSelector.requirements: Required value: when spec.resourceAttributes.fieldSelector is specified, requirements or rawSelector is required",
            ),
            (
                "a requirement without values",
                doc!({"user": "a", "resourceAttributes": {"labelSelector": {"requirements": [{"key": "x", "operator": "In"}]}}}),
                "spec.resourceAttributes.labelSelector.requirements[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
            ),
        ];
        for (case, spec, expected) in cases {
            let review = doc!({"kind": "SubjectAccessReview", "spec": spec});
            let message = check_subject(&review).err().map_or_else(String::new, |status| status.message);
            let expected = if expected.is_empty() {
                String::new()
            } else {
                format!(".authorization.k8s.io \"\" is invalid: {expected}")
            };
            assert_eq!(message, expected, "{case}");
        }
    }

    #[test]
    fn local_reviews_stay_in_their_namespace() {
        let check = |metadata: Document, namespace: &str| {
            let spec = doc!({"user": "a", "resourceAttributes": {"verb": "get", "namespace": namespace}});
            check_local(&doc!({"metadata": metadata, "spec": spec}), "ns").err().map(|s| (s.code, s.message))
        };
        assert_eq!(check(doc!({"namespace": "ns", "creationTimestamp": null}), "ns"), None);
        assert_eq!(check(doc!({"namespace": "other"}), "ns").unwrap().0, 400);
        let message = check(doc!({"name": "x"}), "other").unwrap().1;
        assert_eq!(
            message,
            r#".authorization.k8s.io "" is invalid: [metadata: Invalid value: {"name":"x"}: must be empty except for namespace, spec.resourceAttributes.namespace: Invalid value: "other": must match metadata.namespace]"#
        );
    }

    #[test]
    fn selectors_are_read_as_queries_write_them() {
        let review = |selector: Document| doc!({"spec": {"resourceAttributes": {"fieldSelector": selector}}});
        for (selector, expected) in [
            (doc!({"rawSelector": "a=b"}), "a=b"),
            (
                doc!({"requirements": [
                    {"key": "spec.nodeName", "operator": "In", "values": ["n"]},
                    {"key": "x", "operator": "NotIn", "values": ["y"]}
                ]}),
                "spec.nodeName=n,x!=y",
            ),
            (doc!({"requirements": [{"key": "x", "operator": "In", "values": ["y", "z"]}]}), ""),
        ] {
            assert_eq!(Question::read(&review(selector)).field_selector, expected);
        }
    }
}
