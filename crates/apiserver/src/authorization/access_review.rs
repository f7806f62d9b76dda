//! What SubjectAccessReviews ask, and whether they ask it rightly. Pure.

use super::Attributes;
use super::selectors::Selectors;
use crate::authentication::UserInfo;
use skiff_api::validation::labels;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, GroupKind, Map, Status, doc};

/// What a review asks about.
pub(super) struct Question {
    selectors: Selectors,
}

impl Question {
    /// Reads a review.
    pub(super) fn read(review: &Document) -> Self {
        let attributes = review.at(&["spec", "resourceAttributes"]);
        Self { selectors: attributes.map_or_else(Selectors::default, Selectors::read) }
    }

    /// What of the question is left aside, in upstream's words; empty if nothing is.
    pub(super) fn ignored(&self) -> String {
        self.selectors.ignored.join("; ")
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
            version: if is_resource && at("version").is_empty() { "*" } else { at("version") },
            resource: at("resource"),
            subresource: at("subresource"),
            namespace: at("namespace"),
            name: at("name"),
            path: review.str_at(&["spec", "nonResourceAttributes", "path"]),
            field_selector: &self.selectors.fields,
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
    type Check = (&'static str, fn(&FieldPath, &Document) -> FieldErrors);
    let kinds: [Check; 2] = [("fieldSelector", field_requirement), ("labelSelector", labels::requirement)];
    for (kind, requirement) in kinds {
        if let Some(selector) = review.at(&["spec", "resourceAttributes", kind]).filter(|s| !s.is_null()) {
            let field = spec.child("resourceAttributes").child(kind);
            errors.extend(selector_errors(selector, &field, requirement));
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

fn selector_errors(
    selector: &Document,
    field: &FieldPath,
    requirement: fn(&FieldPath, &Document) -> FieldErrors,
) -> FieldErrors {
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
    for (at, one) in requirements.iter().enumerate() {
        errors.extend(requirement(&field.child("requirements").index(at), one));
    }
    errors
}

/// Operators that are not known may be a newer client's: they are let pass.
fn field_requirement(field: &FieldPath, given: &Document) -> FieldErrors {
    let key = given.str_at(&["key"]);
    let missing = key.is_empty().then(|| FieldError::required(&field.child("key"), "must be specified"));
    missing.into_iter().chain(labels::values_of_operator(field, given)).collect()
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
                "a field without a name",
                doc!({"user": "a", "resourceAttributes": {"fieldSelector": {"rawSelector": "x", "requirements": [{}]}}}),
                r#"[spec.resourceAttributes.fieldSelector.rawSelector: Invalid value: "x": may not specified at the same time as requirements, spec.resourceAttributes.fieldSelector.requirements[0].key: Required value: must be specified]"#,
            ),
            (
                "an operator to come",
                doc!({"user": "a", "resourceAttributes": {"labelSelector": {"requirements": [{"key": "x", "operator": "Near", "values": ["-"]}]}}}),
                r#"spec.resourceAttributes.labelSelector.requirements[0].values[0]: Invalid value: "-": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"#,
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
        let message = check(doc!({"name": "x"}), "other").unwrap().1;
        assert_eq!(
            message,
            r#".authorization.k8s.io "" is invalid: [metadata: Invalid value: {"name":"x"}: must be empty except for namespace, spec.resourceAttributes.namespace: Invalid value: "other": must match metadata.namespace]"#
        );
    }
}
