//! Tokens over objects that the test holds.

use super::*;
use base64::engine::general_purpose::STANDARD;
use skiff_apimachinery::doc;
use std::sync::Mutex;

const ISSUER: &str = "https://issuer.test";

struct Fixed(Mutex<Vec<(&'static str, Document)>>);

impl Objects for Fixed {
    fn get(&self, resource: &GroupResource, namespace: &str, name: &str) -> Option<Arc<Document>> {
        let all = self.0.lock().unwrap();
        let same = |o: &Document| o.namespace() == namespace && o.name() == name;
        all.iter().find(|(r, o)| *r == resource.resource && same(o)).map(|(_, o)| Arc::new(o.clone()))
    }

    fn list(&self, _: &GroupResource, _: &str) -> Vec<Arc<Document>> {
        Vec::new()
    }

    fn change_count(&self, _: &GroupResource) -> u64 {
        1
    }
}

struct At(Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

fn object(name: &str, namespace: &str, uid: &str) -> Document {
    doc!({"metadata": {"name": name, "namespace": namespace, "uid": uid}})
}

struct Fixture {
    tokens: ServiceAccountTokens,
    objects: Arc<Fixed>,
}

fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let keys = TokenKeys::open(&dir.path().join("service-account.key")).unwrap();
    let mut pod = object("p", "ns", "pod-uid");
    pod.set(&["spec", "serviceAccountName"], "sa");
    let all = vec![
        ("serviceaccounts", object("sa", "ns", "sa-uid")),
        ("pods", pod),
        ("nodes", object("n", "", "node-uid")),
    ];
    let objects = Arc::new(Fixed(Mutex::new(all)));
    let issuers = vec![ISSUER.to_owned(), "https://old.test".to_owned()];
    let audiences = vec!["api".to_owned(), "second".to_owned()];
    let clock = Arc::new(At("2026-01-02T00:00:00Z".parse().unwrap()));
    let tokens = ServiceAccountTokens::new(Arc::new(keys), issuers, audiences, objects.clone(), clock);
    Fixture { tokens, objects }
}

impl Fixture {
    fn issue(&self, spec: Document) -> Result<Document, Status> {
        self.tokens.issue("ns", "sa", doc!({"spec": spec})).map(|issued| issued.request)
    }

    fn token(&self, spec: Document) -> String {
        self.issue(spec).unwrap().str_at(&["status", "token"]).to_owned()
    }

    fn change(&self, resource: &str, change: impl Fn(&mut Document)) {
        let mut all = self.objects.0.lock().unwrap();
        all.iter_mut().filter(|(r, _)| *r == resource).for_each(|(_, object)| change(object));
    }

    fn judge(&self, token: &str, audiences: &[&str]) -> Result<Option<UserInfo>, String> {
        let audiences: Vec<String> = audiences.iter().map(|a| (*a).to_owned()).collect();
        self.tokens.check(token, &audiences).map(|found| found.map(|(user, _)| user)).map_err(|e| e.0)
    }

    /// A token that lives an hour from this time on.
    fn signed_at(&self, issuer: &str, seconds: i64) -> String {
        let now = self.tokens.clock.now().as_second() + seconds;
        let account = r#"{"name":"sa","uid":"sa-uid"}"#;
        self.tokens.keys.sign(
            format!(
                r#"{{"aud":"api","exp":{},"iat":{now},"iss":"{issuer}","kubernetes.io":{{"namespace":"ns","serviceaccount":{account}}},"nbf":{now},"sub":"system:serviceaccount:ns:sa"}}"#,
                now + 3600
            )
            .as_bytes(),
        )
    }
}

#[test]
fn a_token_is_its_accounts_user() {
    let fixture = fixture();
    let bound = doc!({"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "p"}});
    let user = fixture.judge(&fixture.token(bound), &["api"]).unwrap().unwrap();
    assert_eq!(user.name, "system:serviceaccount:ns:sa");
    assert_eq!(user.uid, "sa-uid");
    assert_eq!(user.groups, ["system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"]);
    assert_eq!(user.extra["authentication.kubernetes.io/pod-name"], ["p"]);
    assert_eq!(user.extra["authentication.kubernetes.io/pod-uid"], ["pod-uid"]);
    assert!(user.extra["authentication.kubernetes.io/credential-id"][0].starts_with("JTI="));
}

#[test]
fn every_issuer_is_taken_and_no_other() {
    let fixture = fixture();
    for (issuer, taken) in [(ISSUER, true), ("https://old.test", true), ("https://else.test", false)] {
        let token = fixture.signed_at(issuer, 0);
        assert_eq!(fixture.judge(&token, &["api"]).unwrap().is_some(), taken, "{issuer}");
    }
    assert_eq!(fixture.judge("no.token", &["api"]), Ok(None));
    let stranger = self::fixture().signed_at(ISSUER, 0);
    assert_eq!(fixture.judge(&stranger, &["api"]), Err("invalid signature, no keys found".into()));
}

#[test]
fn times_have_a_minutes_leeway() {
    let fixture = fixture();
    for (seconds, expected) in [
        (-3660, Ok(true)),
        (-3661, Err("service account token has expired".to_owned())),
        (60, Ok(true)),
        (61, Err("service account token is not valid yet".to_owned())),
    ] {
        let judged = fixture.judge(&fixture.signed_at(ISSUER, seconds), &["api"]);
        assert_eq!(judged.map(|user| user.is_some()), expected, "{seconds}");
    }
}

#[test]
fn audiences_must_meet() {
    let fixture = fixture();
    let token = fixture.token(doc!({"audiences": ["vault", "x"]}));
    assert!(fixture.judge(&token, &["x"]).unwrap().is_some());
    assert_eq!(
        fixture.judge(&token, &["api", "second"]),
        Err(r#"token audiences ["vault" "x"] is invalid for the target audiences ["api" "second"]"#.into())
    );
}

#[test]
fn bound_objects_must_be_there_and_the_same() {
    let pod = || doc!({"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "p"}});
    let node = || doc!({"boundObjectRef": {"kind": "Node", "apiVersion": "v1", "name": "n"}});
    let rename = |object: &mut Document| object.set(&["metadata", "name"], "other");
    let renew = |object: &mut Document| object.set(&["metadata", "uid"], "new");
    let long_deleted =
        |object: &mut Document| object.set(&["metadata", "deletionTimestamp"], "2026-01-01T23:58:00Z");
    let just_deleted =
        |object: &mut Document| object.set(&["metadata", "deletionTimestamp"], "2026-01-01T23:59:30Z");
    let invalidated = Err("service account token has been invalidated".to_owned());
    type Case<'a> = (&'a str, Document, &'static str, &'a dyn Fn(&mut Document), Result<bool, String>);
    let cases: [Case<'_>; 8] = [
        ("account gone", pod(), "serviceaccounts", &rename, Err(r#"serviceaccounts "sa" not found"#.into())),
        (
            "account anew",
            pod(),
            "serviceaccounts",
            &renew,
            Err("service account UID (new) does not match claim (sa-uid)".into()),
        ),
        (
            "account deleted",
            pod(),
            "serviceaccounts",
            &long_deleted,
            Err("service account ns/sa has been deleted".into()),
        ),
        ("pod gone", pod(), "pods", &rename, invalidated.clone()),
        ("pod long deleted", pod(), "pods", &long_deleted, invalidated.clone()),
        ("pod just deleted", pod(), "pods", &just_deleted, Ok(true)),
        (
            "pod anew",
            pod(),
            "pods",
            &renew,
            Err("pod UID (new) does not match service account pod ref claim (pod-uid)".into()),
        ),
        ("node gone", node(), "nodes", &rename, invalidated),
    ];
    for (case, spec, resource, change, expected) in cases {
        let fixture = fixture();
        let token = fixture.token(spec);
        fixture.change(resource, change);
        let judged = fixture.judge(&token, &["api"]).map(|user| user.is_some());
        assert_eq!(judged, expected, "{case}");
    }
}

#[test]
fn a_token_in_a_secret_is_good_while_the_secret_holds_it() {
    let fixture = fixture();
    let claims = |uid: &str| {
        format!(
            r#"{{"iss":"kubernetes/serviceaccount","sub":"system:serviceaccount:ns:sa","kubernetes.io/serviceaccount/service-account.name":"sa","kubernetes.io/serviceaccount/service-account.uid":"{uid}","kubernetes.io/serviceaccount/secret.name":"s","kubernetes.io/serviceaccount/namespace":"ns"}}"#
        )
    };
    let token = fixture.tokens.keys.sign(claims("sa-uid").as_bytes());
    assert_eq!(fixture.judge(&token, &["api"]), Err("Token has been invalidated".into()));
    let mut secret = object("s", "ns", "secret-uid");
    secret.set(&["data", "token"], STANDARD.encode(&token));
    fixture.objects.0.lock().unwrap().push(("secrets", secret));
    let user = fixture.judge(&token, &["api"]).unwrap().unwrap();
    assert_eq!((user.name.as_str(), user.extra.len()), ("system:serviceaccount:ns:sa", 0));
    let other = fixture.tokens.keys.sign(claims("old").as_bytes());
    assert_eq!(fixture.judge(&other, &["api"]), Err("Token does not match server's copy".into()));
    fixture.change("secrets", |secret| {
        secret.set(&["metadata", "labels", "kubernetes.io/legacy-token-invalid-since"], "2026-01-01");
    });
    let refused = fixture.judge(&token, &["api"]).unwrap_err();
    assert!(
        refused.starts_with("the token in secret ns/s for service account ns/sa has been marked invalid"),
        "{refused}"
    );
}

#[test]
fn requests_are_answered_in_upstreams_words() {
    let fixture = fixture();
    let bound = |kind: &str, version: &str, name: &str| doc!({"boundObjectRef": {"kind": kind, "apiVersion": version, "name": name}});
    let cases = [
        (
            doc!({"expirationSeconds": 10}),
            422,
            r#"TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 10: may not specify a duration less than 10 minutes"#,
        ),
        (bound("Pod", "v1", "none"), 404, r#"pods "none" not found"#),
        (
            bound("Deployment", "apps/v1", "d"),
            400,
            "cannot bind token to object of type apps/v1, Kind=Deployment",
        ),
        (
            doc!({"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "p", "uid": "old"}}),
            409,
            r#"Operation cannot be fulfilled on Pod "p": the UID in the bound object reference (old) does not match the UID in record. The object might have been deleted and then recreated"#,
        ),
    ];
    for (spec, code, message) in cases {
        let status = fixture.issue(spec).unwrap_err();
        assert_eq!((status.code, status.message.as_str()), (code, message));
    }
    let cases = [
        (
            doc!({"name": "x"}),
            422,
            r#"TokenRequest.authentication.k8s.io "sa" is invalid: metadata.name: Invalid value: "x": must match the service account name if specified"#,
        ),
        (
            doc!({"namespace": "x"}),
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (
            doc!({"uid": "old"}),
            409,
            r#"Operation cannot be fulfilled on TokenRequest.authentication.k8s.io "sa": the UID in the token request (old) does not match the UID of the service account (sa-uid)"#,
        ),
    ];
    for (metadata, code, message) in cases {
        let answer = fixture.tokens.issue("ns", "sa", doc!({"metadata": metadata, "spec": {}}));
        let status = answer.map(drop).unwrap_err();
        assert_eq!((status.code, status.message.as_str()), (code, message));
    }
    let same = doc!({"metadata": {"name": "sa", "namespace": "ns", "uid": "sa-uid"}, "spec": {}});
    let issued = fixture.tokens.issue("ns", "sa", same).unwrap();
    assert_eq!(issued.request.uid(), "sa-uid");
}

#[test]
fn lifetimes_are_extended_for_volumes_and_shortened_by_the_server() {
    let mut fixture = fixture();
    let lifetime = |fixture: &Fixture, spec: Document| {
        let token = fixture.token(spec);
        let claims: Claims = fixture.tokens.keys.verify(&token).unwrap();
        (claims.exp - claims.iat, claims.kubernetes.warnafter.map(|at| at - claims.iat))
    };
    let volume = |audience: &str| {
        doc!({
            "expirationSeconds": 3607, "audiences": [audience],
            "boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "p"}
        })
    };
    assert_eq!(lifetime(&fixture, volume("second")), (31_536_000, Some(3607)));
    assert_eq!(lifetime(&fixture, volume("vault")), (3607, None));
    fixture.tokens.max_expiration = Some(1800);
    let issued = fixture.tokens.issue("ns", "sa", doc!({"spec": {"expirationSeconds": 7200}})).unwrap();
    assert_eq!(issued.warnings, ["requested expiration of 7200 seconds shortened to 1800 seconds"]);
    assert_eq!(issued.request.i64_at(&["spec", "expirationSeconds"]), Some(1800));
}
