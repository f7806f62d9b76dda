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

/// A request that was granted.
#[derive(Debug)]
pub struct Issued {
    /// The TokenRequest with its status filled in.
    pub request: Document,
    /// Texts for `Warning` headers.
    pub warnings: Vec<String>,
}

impl ServiceAccountTokens {
    /// Answers a TokenRequest for a service account.
    ///
    /// # Errors
    /// If the account or the bound object is not there, or the request is invalid.
    pub fn issue(&self, namespace: &str, name: &str, mut request: Document) -> Result<Issued, Status> {
        check_metadata(&request, namespace, name)?;
        let accounts = GroupResource::new("", "serviceaccounts");
        let account =
            self.objects.get(&accounts, namespace, name).ok_or_else(|| Status::not_found(&accounts, name))?;
        check_uid(&request, name, account.uid())?;
        default(&mut request, &self.audiences);
        let errors = validate(&request);
        if !errors.is_empty() {
            return Err(Status::invalid(&kind(), "", &errors));
        }
        let bound = self.bound_object(namespace, name, &request)?;
        let mut warnings = Vec::new();
        let mut asked = request.i64_at(&["spec", "expirationSeconds"]).unwrap_or(DEFAULT_LIFETIME);
        if let Some(most) = self.max_expiration.filter(|most| asked > *most) {
            warnings.push(format!("requested expiration of {asked} seconds shortened to {most} seconds"));
            request.set(&["spec", "expirationSeconds"], most);
            asked = most;
        }
        let claims = self.claims(namespace, &account, &request, bound, asked);
        let text = serde_json::to_vec(&claims).map_err(Status::internal)?;
        let expires = jiff::Timestamp::from_second(claims.iat + asked).map_err(Status::internal)?;
        request.remove(&["status"]);
        request.set(&["status", "token"], self.keys.sign(&text));
        request.set(&["status", "expirationTimestamp"], format_time(expires));
        request.set(&["metadata", "name"], name);
        request.set(&["metadata", "namespace"], namespace);
        request.set(&["metadata", "uid"], account.uid());
        request.set(&["metadata", "creationTimestamp"], format_time(self.clock.now()));
        Ok(Issued { request, warnings })
    }

    fn claims(
        &self,
        namespace: &str,
        account: &Document,
        request: &Document,
        bound: Bound,
        asked: i64,
    ) -> Claims {
        let now = self.clock.now().as_second();
        let audiences: Vec<String> = request
            .array_at(&["spec", "audiences"])
            .iter()
            .filter_map(Document::as_str)
            .map(str::to_owned)
            .collect();
        let extend = self.extend_expiration
            && asked == EXTENDABLE_LIFETIME
            && bound.pod.is_some()
            && audiences.iter().all(|audience| self.audiences.contains(audience));
        let name = account.name();
        Claims {
            aud: audiences,
            exp: now + if extend { EXTENDED_LIFETIME } else { asked },
            iat: now,
            iss: self.issuers.first().cloned().unwrap_or_default(),
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
        }
    }

    fn bound_object(&self, namespace: &str, account: &str, request: &Document) -> Result<Bound, Status> {
        let Some(reference) = request.at(&["spec", "boundObjectRef"]).filter(|r| !r.is_null()) else {
            return Ok(Bound::default());
        };
        let (version, kind) = (reference.str_at(&["apiVersion"]), reference.str_at(&["kind"]));
        // As upstream, any version of the core group will do.
        let (plural, scope) = match (version.contains('/'), kind) {
            (false, "Pod") => ("pods", namespace),
            (false, "Secret") => ("secrets", namespace),
            (false, "Node") => ("nodes", ""),
            _ => return Err(unknown_kind(version, kind)),
        };
        let (resource, name) = (GroupResource::new("", plural), reference.str_at(&["name"]));
        let object =
            self.objects.get(&resource, scope, name).ok_or_else(|| Status::not_found(&resource, name))?;
        if kind == "Pod" && object.str_at(&["spec", "serviceAccountName"]) != account {
            let why = format!(
                "cannot bind token for serviceaccount {account:?} to pod running with different serviceaccount name."
            );
            return Err(Status::bad_request(why));
        }
        let asked_uid = reference.str_at(&["uid"]);
        if !asked_uid.is_empty() && asked_uid != object.uid() {
            let why = format!(
                "the UID in the bound object reference ({asked_uid}) does not match the UID in record. The object might have been deleted and then recreated"
            );
            // Upstream names the kind where a resource belongs.
            return Err(Status::conflict(&GroupResource::new("", kind.to_owned()), name, &why));
        }
        let found = Some(Reference { name: name.to_owned(), uid: object.uid().to_owned() });
        Ok(match kind {
            "Pod" => Bound { pod: found, node: self.node_of(&object), ..Bound::default() },
            "Secret" => Bound { secret: found, ..Bound::default() },
            _ => Bound { node: found, ..Bound::default() },
        })
    }

    /// The node that a pod runs on; without a UID if there is no such object.
    fn node_of(&self, pod: &Document) -> Option<Reference> {
        let name = pod.str_at(&["spec", "nodeName"]);
        (!name.is_empty()).then(|| {
            let node = self.objects.get(&GroupResource::new("", "nodes"), "", name);
            Reference {
                name: name.to_owned(),
                uid: node.map_or_else(String::new, |node| node.uid().to_owned()),
            }
        })
    }
}

fn kind() -> GroupKind {
    GroupKind::new("authentication.k8s.io", "TokenRequest")
}

fn unknown_kind(version: &str, kind: &str) -> Status {
    let version = if version.contains('/') { version.to_owned() } else { format!("/{version}") };
    Status::bad_request(format!("cannot bind token to object of type {version}, Kind={kind}"))
}

/// What the metadata names must be what the URL names.
fn check_metadata(request: &Document, namespace: &str, name: &str) -> Result<(), Status> {
    let given = request.namespace();
    if !given.is_empty() && given != namespace {
        return Err(Status::foreign_namespace());
    }
    let given = request.name();
    if given.is_empty() || given == name {
        return Ok(());
    }
    let field = FieldPath::new("metadata").child("name");
    let error = FieldError::invalid(&field, given, "must match the service account name if specified");
    Err(Status::invalid(&kind(), name, &FieldErrors::from([error])))
}

/// A client that knows the account's UID gets no token of an account that took its place.
fn check_uid(request: &Document, name: &str, uid: &str) -> Result<(), Status> {
    let given = request.uid();
    if given.is_empty() || given == uid {
        return Ok(());
    }
    let why = format!(
        "the UID in the token request ({given}) does not match the UID of the service account ({uid})"
    );
    // Upstream names the kind where a resource belongs.
    Err(Status::conflict(&GroupResource::new("authentication.k8s.io", "TokenRequest"), name, &why))
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
