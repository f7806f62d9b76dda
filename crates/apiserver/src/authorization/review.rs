//! Reviews: resources that store nothing and answer who somebody is or what somebody may do.

use super::rbac::Rbac;
use super::{Attributes, Authorizer, Decision};
use crate::authentication::UserInfo;
use crate::authentication::service_account::ServiceAccountTokens;
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{
    Document, FieldError, FieldErrors, FieldPath, GroupKind, GroupResource, Status, doc,
};
use std::sync::Arc;

/// Answers reviews.
pub struct Reviews {
    /// Knows tokens.
    pub tokens: Arc<ServiceAccountTokens>,
    /// Decides.
    pub authorizer: Arc<dyn Authorizer>,
    /// Lists rules.
    pub rbac: Arc<Rbac>,
}

impl Reviews {
    /// Answers a review that was posted: the document comes back with its status filled.
    ///
    /// # Errors
    /// If the review is invalid.
    pub fn answer(
        &self,
        resource: &GroupResource,
        namespace: &str,
        user: &UserInfo,
        mut review: Document,
    ) -> Result<Document, Status> {
        let status = match resource.resource.as_ref() {
            "tokenreviews" => self.token_review(&review)?,
            "subjectaccessreviews" => self.subject_access_review(&review)?,
            "localsubjectaccessreviews" => self.local_subject_access_review(namespace, &review)?,
            "selfsubjectaccessreviews" => {
                require_one_kind("SelfSubjectAccessReview", &review)?;
                self.decide(user, &review)
            }
            "selfsubjectrulesreviews" => self.rules_review(user, &review)?,
            "selfsubjectreviews" => {
                review.set(
                    &["metadata", "creationTimestamp"],
                    format_time(skiff_apimachinery::time::Clock::now(&*self.tokens.clock)),
                );
                doc!({"userInfo": user_document(user)})
            }
            _ => return Err(Status::method_not_allowed(resource, "create")),
        };
        review.insert("status", status);
        Ok(review)
    }

    fn token_review(&self, review: &Document) -> Result<Document, Status> {
        let token = review.str_at(&["spec", "token"]);
        if token.is_empty() {
            let kind = GroupKind::new("authentication.k8s.io", "TokenReview");
            return Err(Status::bad_request(format!("token is required for {kind} in authentication")));
        }
        let asked: Vec<String> = review
            .array_at(&["spec", "audiences"])
            .iter()
            .filter_map(Document::as_str)
            .map(str::to_owned)
            .collect();
        let audiences = if asked.is_empty() { &self.tokens.audiences } else { &asked };
        Ok(match self.tokens.check(token, audiences) {
            Ok(Some((user, matched))) => {
                doc!({"authenticated": true, "user": user_document(&user), "audiences": matched})
            }
            Ok(None) => doc!({"user": {}, "error": "invalid bearer token"}),
            Err(error) => {
                doc!({"user": {}, "error": format!("[invalid bearer token, {error}]")})
            }
        })
    }

    fn subject_access_review(&self, review: &Document) -> Result<Document, Status> {
        require_one_kind("SubjectAccessReview", review)?;
        require_subject("SubjectAccessReview", review)?;
        Ok(self.decide(&subject(review), review))
    }

    fn local_subject_access_review(&self, namespace: &str, review: &Document) -> Result<Document, Status> {
        require_one_kind("LocalSubjectAccessReview", review)?;
        require_subject("LocalSubjectAccessReview", review)?;
        if review.str_at(&["spec", "resourceAttributes", "namespace"]) != namespace {
            return Err(Status::bad_request(format!(
                "spec.resourceAttributes.namespace must match namespace: {namespace}"
            )));
        }
        Ok(self.decide(&subject(review), review))
    }

    fn decide(&self, user: &UserInfo, review: &Document) -> Document {
        let at = |key: &str| review.str_at(&["spec", "resourceAttributes", key]);
        let path = review.str_at(&["spec", "nonResourceAttributes", "path"]);
        let path_verb = review.str_at(&["spec", "nonResourceAttributes", "verb"]);
        let is_resource = review.at(&["spec", "resourceAttributes"]).is_some_and(|a| !a.is_null());
        let selector =
            field_selector(review.array_at(&["spec", "resourceAttributes", "fieldSelector", "requirements"]));
        let attributes = Attributes {
            user,
            verb: if is_resource { at("verb") } else { path_verb },
            group: at("group"),
            version: at("version"),
            resource: at("resource"),
            subresource: at("subresource"),
            namespace: at("namespace"),
            name: at("name"),
            path,
            field_selector: &selector,
        };
        match self.authorizer.authorize(&attributes) {
            Decision::Allow(reason) => with_reason(doc!({"allowed": true}), &reason),
            Decision::Deny(reason) => with_reason(doc!({"allowed": false, "denied": true}), &reason),
            Decision::NoOpinion(reason) => with_reason(doc!({"allowed": false}), &reason),
        }
    }

    fn rules_review(&self, user: &UserInfo, review: &Document) -> Result<Document, Status> {
        let namespace = review.str_at(&["spec", "namespace"]);
        if namespace.is_empty() {
            return Err(Status::bad_request("no namespace on request"));
        }
        let rules = if user.in_group("system:masters") {
            vec![
                super::rule::Rule {
                    verbs: vec!["*".into()],
                    groups: vec!["*".into()],
                    resources: vec!["*".into()],
                    ..Default::default()
                },
                super::rule::Rule { verbs: vec!["*".into()], urls: vec!["*".into()], ..Default::default() },
            ]
        } else {
            self.rbac.rules_of(user, namespace)
        };
        let (paths, resources): (Vec<_>, Vec<_>) = rules.iter().partition(|rule| !rule.urls.is_empty());
        let documents = |rules: Vec<&super::rule::Rule>| -> Document {
            rules.into_iter().map(super::rule::Rule::to_document).collect()
        };
        Ok(
            doc!({"resourceRules": documents(resources), "nonResourceRules": documents(paths), "incomplete": false}),
        )
    }
}

fn with_reason(mut status: Document, reason: &str) -> Document {
    if !reason.is_empty() {
        status.insert("reason", reason);
    }
    status
}

fn field_selector(requirements: &[Document]) -> String {
    let one = |r: &Document| {
        let value = r.array_at(&["values"]).first().and_then(Document::as_str).unwrap_or_default().to_owned();
        (r.str_at(&["operator"]) == "In").then(|| format!("{}={value}", r.str_at(&["key"])))
    };
    requirements.iter().filter_map(one).collect::<Vec<_>>().join(",")
}

fn invalid(kind: &'static str, error: FieldError) -> Status {
    Status::invalid(&GroupKind::new("authorization.k8s.io", kind), "", &FieldErrors::from([error]))
}

fn require_one_kind(kind: &'static str, review: &Document) -> Result<(), Status> {
    let given = |key: &str| review.at(&["spec", key]).is_some_and(|a| !a.is_null());
    let field = FieldPath::new("spec").child("resourceAttributes");
    match (given("resourceAttributes"), given("nonResourceAttributes")) {
        (true, false) | (false, true) => Ok(()),
        (true, true) => Err(invalid(
            kind,
            FieldError::invalid(
                &FieldPath::new("spec").child("nonResourceAttributes"),
                Document::NULL,
                "cannot be specified in combination with resourceAttributes",
            ),
        )),
        (false, false) => Err(invalid(
            kind,
            FieldError::invalid(
                &field,
                Document::NULL,
                "exactly one of nonResourceAttributes or resourceAttributes must be specified",
            ),
        )),
    }
}

fn require_subject(kind: &'static str, review: &Document) -> Result<(), Status> {
    if review.str_at(&["spec", "user"]).is_empty() && review.array_at(&["spec", "groups"]).is_empty() {
        let field = FieldPath::new("spec").child("user");
        return Err(invalid(
            kind,
            FieldError::invalid(&field, "", "at least one of user or group must be specified"),
        ));
    }
    Ok(())
}

fn subject(review: &Document) -> UserInfo {
    let texts = |list: &[Document]| list.iter().filter_map(Document::as_str).map(str::to_owned).collect();
    UserInfo {
        name: review.str_at(&["spec", "user"]).to_owned(),
        uid: review.str_at(&["spec", "uid"]).to_owned(),
        groups: texts(review.array_at(&["spec", "groups"])),
        extra: review
            .object_at(&["spec", "extra"])
            .into_iter()
            .flat_map(skiff_apimachinery::Map::iter)
            .map(|(key, values)| (key.to_ascii_lowercase(), texts(values.as_array().unwrap_or_default())))
            .collect(),
    }
}

/// The `UserInfo` object of a user.
pub fn user_document(user: &UserInfo) -> Document {
    let mut out = doc!({"username": user.name.as_str()});
    if !user.uid.is_empty() {
        out.insert("uid", user.uid.as_str());
    }
    if !user.groups.is_empty() {
        out.insert("groups", user.groups.clone());
    }
    if !user.extra.is_empty() {
        out.insert("extra", user.extra.iter().map(|(k, v)| (k.as_str(), v.clone())).collect::<Document>());
    }
    out
}
