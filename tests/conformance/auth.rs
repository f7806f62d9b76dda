//! [sig-auth]: certificate signing requests, service accounts, access reviews.

use crate::api_operations::{Operations, StatusChanges, assert_contains, overlay, supports_api_operations};
use crate::harness::Api;
use crate::resources::{CERTIFICATE_SIGNING_REQUESTS, LOCAL_SUBJECT_ACCESS_REVIEWS, labelled, named};
use crate::watch::Change;
use skiff_apimachinery::{Document, doc};
use skiff_client::resources::{CONFIG_MAPS, SERVICE_ACCOUNTS, SUBJECT_ACCESS_REVIEWS, TOKEN_REVIEWS};

/// A certificate signing request of `e2e-conformance`, PEM in base64.
const REQUEST: &str = "\
    LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIVk1Id0NBUUF3R2pFWU1CWUdBMVVFQXd3UFpUSmxMV052\
    Ym1admNtMWhibU5sTUZrd0V3WUhLb1pJemowQwpBUVlJS29aSXpqMERBUWNEUWdBRVJaOG1rd1FCaUg0VFp0MnEyVWRlaHJr\
    MmloREI3WjhGYVZGS0tmZTRTYnlwCnREVU9qUjBBWktCd3FaeVc0Y0dLaHBzOVlBQXVXWmlqd3R0YXRmZnlHcUFBTUFvR0ND\
    cUdTTTQ5QkFNQ0Ewa0EKTUVZQ0lRRFFwbmJQbXI3NTVjVjBibnRrSFNsa2liL1VRZTczVHFHV3VEbzhQK2duZ2dJaEFMaFJ5\
    YWQwb2lqMgpaSjdmaWY3MXBtdEZGSDVLc0hrUThNZHpZSzJaQTl3UAotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0t\
    LS0K";
/// A certificate of the same name, PEM in base64.
const CERTIFICATE: &str = "\
    LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJpakNDQVRHZ0F3SUJBZ0lVZlgzZDFJekNSejgrNjhzUUlVbitjMkhF\
    enU0d0NnWUlLb1pJemowRUF3SXcKR2pFWU1CWUdBMVVFQXd3UFpUSmxMV052Ym1admNtMWhibU5sTUNBWERUSTJNVEV5T0RB\
    ME1qa3dOMW9ZRHpJeApNall4TVRBME1EUXlPVEEzV2pBYU1SZ3dGZ1lEVlFRRERBOWxNbVV0WTI5dVptOXliV0Z1WTJVd1dU\
    QVRCZ2NxCmhrak9QUUlCQmdncWhrak9QUU1CQndOQ0FBUUFKdG9NaUFvazlERVorUEhoQktETTd5WENxMTI1QmVpd2U5ODMK\
    LzhkVFRtTE1ObWJsZTJjVnZZZW1ta0t2SHI3Mytjc2NDVEMwenpPd1ZiUXpRZ2hCbzFNd1VUQWRCZ05WSFE0RQpGZ1FVU0VW\
    ZGlUUjlkTmsrWmxQUGF0OWhpVUQ1WHhvd0h3WURWUjBqQkJnd0ZvQVVTRVZkaVRSOWROaytabFBQCmF0OWhpVUQ1WHhvd0R3\
    WURWUjBUQVFIL0JBVXdBd0VCL3pBS0JnZ3Foa2pPUFFRREFnTkhBREJFQWlCK09WUFgKVkR1ejBYOVN4UUdQZ2E2QWlQYVcv\
    Nm9VOHkzRnNlaVJzd3k0WEFJZ2ZDVlVLWjdOWjFqSjNQdWZkSEVrbUxOeQo2M1FGNlFNdE1CUVZrY1V5THljPQotLS0tLUVO\
    RCBDRVJUSUZJQ0FURS0tLS0tCg==";

fn signing_request() -> Document {
    doc!({"spec": {
        "request": REQUEST, "signerName": "example.com/e2e-conformance", "expirationSeconds": 3600,
        "usages": ["digital signature", "key encipherment", "server auth"]
    }})
}

/// `Certificates API [Privileged:ClusterAdmin] should support CSR API operations`
#[test]
fn should_support_csr_api_operations() {
    let patch = doc!({
        "metadata": {"annotations": {"patchedstatus": "true"}},
        "status": {"certificate": CERTIFICATE}
    });
    let update = condition("StatusUpdate");
    let api = supports_api_operations(&Operations {
        resource: CERTIFICATE_SIGNING_REQUESTS,
        object: &|_: usize| signing_request(),
        status: Some(StatusChanges { patch, update }),
    });

    let requests = api.of(&CERTIFICATE_SIGNING_REQUESTS);
    let name = api.named("approved");
    let created = requests.create(named(&name, signing_request()));
    assert_eq!(requests.get_subresource(&name, "approval").uid(), created.uid());
    let mark = doc!({"metadata": {"annotations": {"patchedapproval": "true"}}});
    let mut approval = condition("ApprovalPatch");
    overlay(&mut approval, &mark);
    let patched = requests.patch_subresource(&name, "approval", approval.clone());
    assert_contains(&patched, &approval);
    let approved = requests.edit_subresource(&name, "approval", |object| {
        let approved = condition("Approved")["status"]["conditions"].clone().into_array();
        object.ensure(&["status", "conditions"]).make_array().extend(approved);
    });
    assert_contains(&approved, &condition("Approved"));
    requests.delete(&name);
    requests.gone(&name);
}

fn condition(kind: &str) -> Document {
    doc!({"status": {"conditions": [
        {"type": kind, "status": "True", "reason": "E2E", "message": "Set from an e2e test"}
    ]}})
}

/// `ServiceAccounts should create a serviceAccountToken and ensure a successful TokenReview`
#[test]
fn should_create_a_service_account_token_and_ensure_a_successful_token_review() {
    let api = Api::new();
    let accounts = api.of(&SERVICE_ACCOUNTS);
    let account = accounts.create(named("e2e", doc!({})));
    let wanted = doc!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}
    });
    let issued = accounts.create_subresource("e2e", "token", wanted);
    let token = issued.str_at(&["status", "token"]);
    assert!(!token.is_empty() && !issued.str_at(&["status", "expirationTimestamp"]).is_empty(), "{issued}");
    let review = api.of(&TOKEN_REVIEWS).create(doc!({"spec": {"token": token}}));
    assert_eq!(review.bool_at(&["status", "authenticated"]), Some(true), "{}", review["status"]);
    assert_eq!(review.str_at(&["status", "error"]), "");
    let user = &review["status"]["user"];
    assert_eq!(user.str_at(&["username"]), user_name(&api));
    assert_eq!(user.str_at(&["uid"]), account.uid());

    let answer = api.request("GET", "/api").bearer(token).send();
    assert_eq!(answer.code, 200, "{}", answer.text());
}

fn user_name(api: &Api) -> String {
    format!("system:serviceaccount:{}:e2e", api.namespace)
}

/// `ServiceAccounts should run through the lifecycle of a ServiceAccount`
#[test]
fn should_run_through_the_lifecycle_of_a_service_account() {
    let api = Api::new();
    let accounts = api.of(&SERVICE_ACCOUNTS);
    let selector = format!("test-serviceaccount-static={}", api.namespace);
    let mut watch = accounts.watch_from_now(&selector);
    accounts.create(labelled(
        "test-serviceaccount-static",
        &api.namespace,
        named("testserviceaccount", doc!({})),
    ));
    watch.expect(Change::Added, "testserviceaccount");
    let patch = doc!({"automountServiceAccountToken": false});
    accounts.strategic_patch("testserviceaccount", patch);
    let seen = watch.expect(Change::Modified, "testserviceaccount");
    assert_eq!(seen.bool_at(&["automountServiceAccountToken"]), Some(false));
    let listed = accounts.everywhere().list(&selector);
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].bool_at(&["automountServiceAccountToken"]), Some(false));
    accounts.delete_collection(&selector);
    watch.expect(Change::Deleted, "testserviceaccount");
    accounts.none(&selector);
}

/// `ServiceAccounts should update a ServiceAccount`
#[test]
fn should_update_a_service_account() {
    let api = Api::new();
    let accounts = api.of(&SERVICE_ACCOUNTS);
    let created = accounts.create(named("e2e-sa", doc!({"automountServiceAccountToken": true})));
    assert_eq!(created.bool_at(&["automountServiceAccountToken"]), Some(true));
    let updated = accounts.edit("e2e-sa", |object| object.insert("automountServiceAccountToken", false));
    assert_eq!(updated.bool_at(&["automountServiceAccountToken"]), Some(false));
    let selected = accounts.list_where("metadata.name=e2e-sa");
    assert_eq!(selected.len(), 1);
    assert_eq!(selected[0].bool_at(&["automountServiceAccountToken"]), Some(false));
}

/// `SubjectReview should support SubjectReview API operations`
#[test]
fn should_support_subject_review_api_operations() {
    let api = Api::new();
    let account = api.of(&SERVICE_ACCOUNTS).create(named("e2e", doc!({})));
    let groups = [
        "system:authenticated".to_owned(),
        "system:serviceaccounts".to_owned(),
        format!("system:serviceaccounts:{}", api.namespace),
    ];
    let review = |user: &str| {
        doc!({
            "metadata": {},
            "spec": {
                "resourceAttributes": {
                    "verb": "list", "resource": "configmaps", "namespace": api.namespace.as_str(), "version": "v1"
                },
                "user": user, "groups": groups.to_vec(), "uid": account.uid()
            }
        })
    };
    let reviewed = api.of(&SUBJECT_ACCESS_REVIEWS).create(review(&user_name(&api)));
    let allowed = reviewed.bool_at(&["status", "allowed"]).expect("a review says whether it is allowed");

    let mut request = api.request("GET", &format!("/api/v1/namespaces/{}/configmaps", api.namespace));
    request = request.header("Impersonate-User", user_name(&api));
    request = request.header("Impersonate-Uid", account.uid());
    for group in &groups {
        request = request.header("Impersonate-Group", group.as_str());
    }
    let response = request.send();
    assert!(matches!(response.code, 200 | 403), "{}: {}", response.code, response.text());
    assert_eq!(response.code == 200, allowed, "{}", response.text());

    let mut local = review("e2e");
    local.set(&["metadata", "namespace"], api.namespace.as_str());
    let reviewed = api.of(&LOCAL_SUBJECT_ACCESS_REVIEWS).create(local);
    assert_eq!(reviewed.bool_at(&["status", "allowed"]), Some(allowed));
}

/// `ServiceAccounts should guarantee kube-root-ca.crt exist in any namespace`
#[test]
fn should_guarantee_kube_root_ca_crt_exist_in_any_namespace() {
    const NAME: &str = "kube-root-ca.crt";
    let api = Api::new();
    let maps = api.of(&CONFIG_MAPS);
    let whole = |what: &str, before: Option<&Document>| {
        api.eventually(what, || {
            let map = maps.try_get(NAME).map_err(|status| status.to_string())?;
            let same = before.is_none_or(|before| map["data"] == before["data"]);
            if same && !map.str_at(&["data", "ca.crt"]).is_empty() { Ok(map) } else { Err(map.to_string()) }
        })
    };
    let published = whole("the CA is published", None);
    maps.delete(NAME);
    let again = api.eventually("it is published again", || match maps.try_get(NAME) {
        Ok(map) if map.uid() != published.uid() => Ok(map),
        Ok(map) => Err(map.to_string()),
        Err(status) => Err(status.to_string()),
    });
    assert_eq!(again["data"], published["data"]);
    maps.edit(NAME, |map| map.insert("data", doc!({"ca.crt": ""})));
    whole("it is mended", Some(&published));
}
