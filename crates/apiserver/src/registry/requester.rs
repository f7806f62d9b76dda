//! Who asks for a certificate: the one thing that an object says of the request that created it.

use super::{Context, Target};
use crate::authentication::UserInfo;
use crate::authorization::review::user_document;
use skiff_apimachinery::Document;

/// Fields of the specification that tell the requester.
const FIELDS: [&str; 4] = ["username", "uid", "groups", "extra"];

/// Writes who creates a CertificateSigningRequest into it; other objects do not tell.
pub(super) fn fill_in(context: &Context, target: &Target, object: &mut Document) {
    let gvk = &target.hub.gvk;
    if gvk.group == "certificates.k8s.io" && gvk.kind == "CertificateSigningRequest" {
        tell(&context.user, object);
    }
}

/// What the client wrote there counts for nothing.
fn tell(user: &UserInfo, request: &mut Document) {
    for field in FIELDS {
        request.remove(&["spec", field]);
    }
    for (field, value) in user_document(user).into_object() {
        request.set(&["spec", &*field], value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn a_request_tells_its_true_requester() {
        let mut request =
            doc!({"spec": {"username": "root", "uid": "7", "extra": {"a": ["b"]}, "request": "LS0t"}});
        tell(&UserInfo::authenticated("jane", ["team"]), &mut request);
        let groups = doc!(["team", "system:authenticated"]);
        assert_eq!(request, doc!({"spec": {"request": "LS0t", "username": "jane", "groups": groups}}));
    }
}
