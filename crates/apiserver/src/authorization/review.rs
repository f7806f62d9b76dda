//! Reviews: resources that store nothing and answer who somebody is or what somebody may do.

use super::access_review::{self, Question};
use super::rule::Rule;
use super::{Authorizer, Decision, Rules};
use crate::authentication::UserInfo;
use crate::authentication::service_account::ServiceAccountTokens;
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Document, GroupResource, Status, doc};
use std::sync::Arc;

/// What the server alone sets in metadata; what a client sends of it does not count.
const SYSTEM_FIELDS: [&str; 5] =
    ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "uid"];

/// Answers reviews.
pub struct Reviews {
    /// Knows tokens.
    pub tokens: Arc<ServiceAccountTokens>,
    /// Decides, and lists rules.
    pub authorizer: Arc<dyn Authorizer>,
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
        settle_metadata(namespace, &mut review)?;
        let status = match resource.resource.as_ref() {
            "tokenreviews" => self.token_review(&review)?,
            "subjectaccessreviews" => {
                access_review::check_subject(&review)?;
                self.decide(&access_review::subject(&review), &review)
            }
            "localsubjectaccessreviews" => {
                access_review::check_local(&review, namespace)?;
                self.decide(&access_review::subject(&review), &review)
            }
            "selfsubjectaccessreviews" => {
                access_review::check_self(&review)?;
                self.decide(user, &review)
            }
            "selfsubjectrulesreviews" => {
                let status = self.rules_review(user, &review)?;
                // Upstream answers with a review of its own, which repeats nothing of what was asked.
                review.insert("spec", Document::object());
                status
            }
            "selfsubjectreviews" => {
                let now = format_time(self.tokens.clock.now());
                review.insert("metadata", doc!({"creationTimestamp": now}));
                doc!({"userInfo": user_document(user)})
            }
            _ => return Err(Status::no_such_method()),
        };
        review.insert("status", status);
        Ok(review)
    }

    fn token_review(&self, review: &Document) -> Result<Document, Status> {
        let token = review.str_at(&["spec", "token"]);
        if token.is_empty() {
            return Err(Status::bad_request("token is required for TokenReview in authentication"));
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

    fn decide(&self, user: &UserInfo, review: &Document) -> Document {
        let question = Question::read(review);
        let (mut status, reason) = match self.authorizer.authorize(&question.attributes(user, review)) {
            Decision::Allow(reason) => (doc!({"allowed": true}), reason),
            Decision::Deny(reason) => (doc!({"allowed": false, "denied": true}), reason),
            Decision::NoOpinion(reason) => (doc!({"allowed": false}), reason),
        };
        for (key, text) in [("reason", reason), ("evaluationError", question.ignored())] {
            if !text.is_empty() {
                status.insert(key, text);
            }
        }
        status
    }

    fn rules_review(&self, user: &UserInfo, review: &Document) -> Result<Document, Status> {
        let namespace = review.str_at(&["spec", "namespace"]);
        if namespace.is_empty() {
            return Err(Status::bad_request("no namespace on request"));
        }
        let Rules { rules, incomplete, errors } = self.authorizer.rules(user, namespace);
        let (paths, resources): (Vec<Rule>, Vec<Rule>) =
            rules.into_iter().partition(|rule| !rule.urls.is_empty());
        let documents = |rules: Vec<Rule>| -> Document { rules.iter().map(Rule::to_document).collect() };
        let mut status = doc!({
            "resourceRules": documents(resources), "nonResourceRules": documents(paths),
            "incomplete": incomplete
        });
        match errors.as_slice() {
            [] => {}
            [one] => status.insert("evaluationError", one.as_str()),
            many => status.insert("evaluationError", format!("[{}]", many.join(", "))),
        }
        Ok(status)
    }
}

/// Forgets what clients may not set, and gives the review the namespace of the request, as a stored object gets it.
fn settle_metadata(namespace: &str, review: &mut Document) -> Result<(), Status> {
    for field in SYSTEM_FIELDS {
        review.remove(&["metadata", field]);
    }
    let given = review.namespace();
    if namespace.is_empty() {
        review.remove(&["metadata", "namespace"]);
    } else if given.is_empty() {
        review.set(&["metadata", "namespace"], namespace);
    } else if given != namespace {
        return Err(Status::foreign_namespace());
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_of_reviews_is_settled_as_that_of_objects() {
        let cases = [
            (
                "in no namespace",
                "",
                doc!({"namespace": "a", "uid": "u", "name": "x"}),
                Ok(doc!({"name": "x"})),
            ),
            ("in one", "a", doc!({}), Ok(doc!({"namespace": "a"}))),
            ("in the same", "a", doc!({"namespace": "a"}), Ok(doc!({"namespace": "a"}))),
            (
                "in another",
                "a",
                doc!({"namespace": "b"}),
                Err("the namespace of the provided object does not match the namespace sent on the request"),
            ),
        ];
        for (name, namespace, metadata, want) in cases {
            let mut review = doc!({"metadata": metadata});
            let told = settle_metadata(namespace, &mut review).map_err(|status| status.message);
            assert_eq!(told.map(|()| review["metadata"].clone()), want.map_err(str::to_owned), "{name}");
        }
    }
}
