//! Who may act as whom, and what reviews answer.

use crate::https::{As, get, request, send};
use crate::support::Server;
use http::{Method, header};
use skiff_apimachinery::doc;
use skiff_apiserver::authentication::UserInfo;
use skiff_apiserver::authentication::service_account::ServiceAccountTokens;
use skiff_apiserver::authorization::review::Reviews;
use skiff_apiserver::authorization::{Attributes, Authorizer, Decision, Rules};
use skiff_pki::TokenKeys;
use std::sync::Arc;

/// Allows everything but what is about secrets.
struct NoSecrets;

impl Authorizer for NoSecrets {
    fn authorize(&self, attributes: &Attributes<'_>) -> Decision {
        if attributes.resource == "secrets" || attributes.name == "root" {
            return Decision::NoOpinion(String::new());
        }
        Decision::Allow("it is no secret".to_owned())
    }

    fn rules(&self, _: &UserInfo, _: &str) -> Rules {
        Rules { incomplete: true, errors: vec!["nobody knows".to_owned()], ..Rules::default() }
    }
}

async fn start() -> Server {
    Server::start_with(|config| {
        let dir = tempfile::tempdir().unwrap();
        let keys = Arc::new(TokenKeys::open(&dir.path().join("service-account.key")).unwrap());
        let issuers = vec!["https://issuer.test".to_owned()];
        let audiences = vec!["api".to_owned()];
        let tokens = Arc::new(ServiceAccountTokens::new(
            keys,
            issuers,
            audiences,
            config.caches.clone(),
            config.clock.clone(),
        ));
        config.authorizer = Arc::new(NoSecrets);
        config.reviews = Some(Arc::new(Reviews { tokens, authorizer: config.authorizer.clone() }));
    })
    .await
}

#[tokio::test]
async fn nobody_acts_as_others_without_leave() {
    let server = start().await;
    let acting = async |headers: &[(&str, &str)]| {
        send(&server, As::Admin, request(Method::GET, "/api/v1/namespaces", headers, "")).await
    };
    let jane = acting(&[("impersonate-user", "jane"), ("impersonate-extra-scopes", "view")]).await;
    assert_eq!(jane.status, 200);
    let root = acting(&[("impersonate-user", "root")]).await;
    assert_eq!(root.status, 403);
    assert_eq!(root.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    assert_eq!(
        root.document().str_at(&["message"]),
        r#"users "root" is forbidden: User "admin" cannot impersonate resource "users" in API group "" at the cluster scope"#
    );
    let nobody = acting(&[("impersonate-group", "devs")]).await;
    assert_eq!(nobody.status, 500);
    assert_eq!(
        nobody.body,
        "Internal Server Error: \"/api/v1/namespaces\": requested [{Group  devs    }] without impersonating a user\n"
    );
}

#[tokio::test]
async fn a_refusal_says_who_cannot_do_what() {
    let server = start().await;
    let answer = get(&server, "/api/v1/namespaces/default/secrets/%3Ca%3E", "*/*").await;
    assert_eq!(answer.status, 403);
    let status = answer.document();
    assert_eq!(
        status.str_at(&["message"]),
        r#"secrets "<a>" is forbidden: User "admin" cannot get resource "secrets" in API group "" in the namespace "default""#
    );
    assert_eq!((status.str_at(&["reason"]), status.str_at(&["details", "kind"])), ("Forbidden", "secrets"));
    let invalid = [("authorization", "Bearer abc")];
    let answer = send(&server, As::Stranger, request(Method::GET, "/version", &invalid, "")).await;
    assert_eq!(
        answer.document(),
        doc!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "Unauthorized", "reason": "Unauthorized", "code": 401
        })
    );
    assert!(answer.headers.get(header::WWW_AUTHENTICATE).is_none());
}

#[tokio::test]
async fn reviews_answer_what_somebody_may_do() {
    let server = start().await;
    let review = async |group: &str, plural: &str, namespace: &str, body: skiff_apimachinery::Document| {
        server.create(group, "v1", plural, namespace, body).await
    };
    let group = "authorization.k8s.io";
    let spec = |resource: &str| doc!({"spec": {"resourceAttributes": {"verb": "get", "resource": resource}}});
    let answer = review(group, "selfsubjectaccessreviews", "", spec("pods")).await.unwrap();
    assert_eq!(answer.get("status"), Some(&doc!({"allowed": true, "reason": "it is no secret"})));
    let answer = review(group, "selfsubjectaccessreviews", "", spec("secrets")).await.unwrap();
    assert_eq!(answer.get("status"), Some(&doc!({"allowed": false})));
    let rules =
        review(group, "selfsubjectrulesreviews", "", doc!({"spec": {"namespace": "a"}})).await.unwrap();
    assert_eq!(rules.get("spec"), Some(&doc!({})));
    assert_eq!(
        rules.get("status"),
        Some(&doc!({
            "resourceRules": [], "nonResourceRules": [], "incomplete": true, "evaluationError": "nobody knows"
        }))
    );
    let refused = review(group, "subjectaccessreviews", "", spec("pods")).await.unwrap_err();
    assert_eq!(
        refused.message,
        r#".authorization.k8s.io "" is invalid: spec.user: Invalid value: "": at least one of user or group must be specified"#
    );
    let empty = review("authentication.k8s.io", "tokenreviews", "", doc!({"spec": {}})).await.unwrap_err();
    assert_eq!(
        (empty.code, empty.message.as_str()),
        (400, "token is required for TokenReview in authentication")
    );
    let foreign = doc!({"spec": {"token": "abc"}});
    let foreign = review("authentication.k8s.io", "tokenreviews", "", foreign).await.unwrap();
    assert_eq!(foreign.get("status"), Some(&doc!({"user": {}, "error": "invalid bearer token"})));
}
