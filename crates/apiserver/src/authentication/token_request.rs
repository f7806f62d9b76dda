//! `serviceaccounts/token`: issues tokens bound to a service account and to a pod, secret or node.

use super::service_account::{Claims, Private, Reference, ServiceAccountTokens};
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, GroupKind, GroupResource, Status};

/// Lifetime when the request names none, in seconds.
const DEFAULT_LIFETIME: i64 = 3600;
/// Shortest lifetime that may be asked for, in seconds.
const MIN_LIFETIME: i64 = 600;
/// Longest lifetime that may be asked for, in seconds.
const MAX_LIFETIME: i64 = 1 << 32;
/// The lifetime that projected volumes ask for by default; such tokens are extended for clients that never reload them.
const EXTENDABLE_LIFETIME: i64 = 60 * 60 + 7;
/// How long extended tokens really live: a year.
const EXTENDED_LIFETIME: i64 = 365 * 24 * 3600;

impl ServiceAccountTokens {
    /// Answers a TokenRequest for a service account.
    ///
    /// # Errors
    /// If the account or the bound object is not there, or the request is invalid.
    pub fn issue(&self, namespace: &str, name: &str, mut request: Document) -> Result<Document, Status> {
        let accounts = GroupResource::new("", "serviceaccounts");
        let account =
            self.objects.get(&accounts, namespace, name).ok_or_else(|| Status::not_found(&accounts, name))?;
        default(&mut request, &self.audiences);
        let errors = validate(&request);
        if !errors.is_empty() {
            return Err(Status::invalid(
                &GroupKind::new("authentication.k8s.io", "TokenRequest"),
                "",
                &errors,
            ));
        }
        let bound = self.bound_object(namespace, name, &request)?;
        let (now, asked) = (self.clock.now().as_second(), request.i64_at(&["spec", "expirationSeconds"]));
        let asked = asked.unwrap_or(DEFAULT_LIFETIME);
        let audiences: Vec<String> = request
            .array_at(&["spec", "audiences"])
            .iter()
            .filter_map(Document::as_str)
            .map(str::to_owned)
            .collect();
        let extend = asked == EXTENDABLE_LIFETIME && bound.pod.is_some() && audiences == self.audiences;
        let claims = Claims {
            aud: audiences,
            exp: now + if extend { EXTENDED_LIFETIME } else { asked },
            iat: now,
            iss: self.issuer.clone(),
            jti: uuid::Uuid::new_v4().to_string(),
            kubernetes: Private {
                namespace: namespace.to_owned(),
                node: bound.node,
                pod: bound.pod,
                secret: bound.secret,
                serviceaccount: Reference { name: name.to_owned(), uid: account.uid().to_owned() },
                warnafter: extend.then_some(now + asked),
            },
            nbf: now,
            sub: format!("system:serviceaccount:{namespace}:{name}"),
        };
        let text = serde_json::to_vec(&claims).map_err(Status::internal)?;
        let expires = jiff::Timestamp::from_second(now + asked).map_err(Status::internal)?;
        request.set(&["status", "token"], self.keys.sign(&text));
        request.set(&["status", "expirationTimestamp"], format_time(expires));
        request.set(&["metadata", "name"], name);
        request.set(&["metadata", "namespace"], namespace);
        request.set(&["metadata", "creationTimestamp"], format_time(self.clock.now()));
        Ok(request)
    }

    fn bound_object(&self, namespace: &str, account: &str, request: &Document) -> Result<Bound, Status> {
        let Some(reference) = request.at(&["spec", "boundObjectRef"]).filter(|r| !r.is_null()) else {
            return Ok(Bound::default());
        };
        let kind = (reference.str_at(&["apiVersion"]), reference.str_at(&["kind"]));
        let (resource, scope) = match kind {
            ("v1", "Pod") => ("pods", namespace),
            ("v1", "Secret") => ("secrets", namespace),
            ("v1", "Node") => ("nodes", ""),
            _ => return Err(Status::bad_request(format!("cannot bind token for object of type {}", kind.1))),
        };
        let (resource, name) = (GroupResource::new("", resource), reference.str_at(&["name"]));
        let object =
            self.objects.get(&resource, scope, name).ok_or_else(|| Status::not_found(&resource, name))?;
        let (asked_uid, uid) = (reference.str_at(&["uid"]), object.uid());
        if !asked_uid.is_empty() && asked_uid != uid {
            let why = format!(
                "the UID in the bound object reference ({asked_uid}) does not match the UID in record. The object might have been deleted and then recreated"
            );
            return Err(Status::conflict(&resource, name, &why));
        }
        let found = Some(Reference { name: name.to_owned(), uid: uid.to_owned() });
        Ok(match kind.1 {
            "Pod" => {
                if object.str_at(&["spec", "serviceAccountName"]) != account {
                    let why = format!(
                        "cannot bind token for serviceaccount {account:?} to pod running with different serviceaccount name."
                    );
                    return Err(Status::bad_request(why));
                }
                let node = object.str_at(&["spec", "nodeName"]);
                let node = (!node.is_empty()).then(|| Reference {
                    name: node.to_owned(),
                    uid: self
                        .objects
                        .get(&GroupResource::new("", "nodes"), "", node)
                        .map_or_else(String::new, |n| n.uid().to_owned()),
                });
                Bound { pod: found, node, ..Bound::default() }
            }
            "Secret" => Bound { secret: found, ..Bound::default() },
            _ => Bound { node: found, ..Bound::default() },
        })
    }
}

#[derive(Default)]
struct Bound {
    pod: Option<Reference>,
    secret: Option<Reference>,
    node: Option<Reference>,
}

fn default(request: &mut Document, audiences: &[String]) {
    request.set_default(&["spec", "expirationSeconds"], DEFAULT_LIFETIME);
    if request.array_at(&["spec", "audiences"]).is_empty() {
        request.set(&["spec", "audiences"], audiences.to_vec());
    }
}

fn validate(request: &Document) -> FieldErrors {
    let field = FieldPath::new("spec").child("expirationSeconds");
    let seconds = request.i64_at(&["spec", "expirationSeconds"]).unwrap_or(0);
    let mut errors = FieldErrors::new();
    if seconds < MIN_LIFETIME {
        errors.push(FieldError::invalid(&field, seconds, "may not specify a duration less than 10 minutes"));
    }
    if seconds > MAX_LIFETIME {
        errors.push(FieldError::invalid(
            &field,
            seconds,
            "may not specify a duration larger than 2^32 seconds",
        ));
    }
    errors
}
