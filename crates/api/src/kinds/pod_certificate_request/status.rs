//! What is wrong with a change of a PodCertificateRequest's status: it is issued, denied or failed, once.

use super::request::without_value;
use crate::validation::{conditions, pem};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map, time};
use x509_parser::prelude::{FromDer, GeneralName, SubjectPublicKeyInfo, X509Certificate};

/// What can become of a request.
const VERDICTS: [&str; 3] = ["Issued", "Denied", "Failed"];
/// Most bytes of a chain.
const MAX_CHAIN: usize = 100 << 10;
/// Shortest lifetime of a certificate, in seconds.
const MIN_LIFETIME: i64 = 60 * 60;
/// How far a refresh has to be from the beginning and the end, in seconds.
const MARGIN: i64 = 10 * 60;

/// What became of the request, if anything did.
pub(super) fn verdict(object: &Document) -> Option<&str> {
    let conditions = object.array_at(&["status", "conditions"]).iter();
    let mut held = conditions.filter(|condition| condition.str_at(&["status"]) == "True");
    held.find_map(|condition| VERDICTS.into_iter().find(|verdict| *verdict == condition.str_at(&["type"])))
}

/// What is wrong with the new status.
pub(super) fn errors(new: &Document, old: &Document) -> FieldErrors {
    let field = FieldPath::new("status");
    let mut out = verdicts(new);
    let place = field.child("conditions");
    out.extend(conditions::errors(&place, new.array_at(&["status", "conditions"])));
    if !out.is_empty() {
        return out;
    }
    let changed = new.get("status") != old.get("status");
    let immutable = |why: &str| without_value(FieldError::invalid(&field, "", why));
    if verdict(old).is_some() {
        let why = "immutable after PodCertificateRequest is issued, denied, or failed";
        return changed.then(|| immutable(why)).into_iter().collect();
    }
    match verdict(new) {
        Some("Issued") => chain_errors(new, old).err().unwrap_or_default(),
        Some(_) => {
            let mut fields = new.object_at(&["status"]).into_iter().flat_map(Map::iter);
            let more = fields.any(|(key, value)| key != "conditions" && !value.is_empty());
            let why =
                "non-condition status fields must be empty when denying or failing the PodCertificateRequest";
            more.then(|| immutable(why)).into_iter().collect()
        }
        None => {
            let why = r#"status is immutable unless transitioning to "Issued", "Denied", or "Failed""#;
            changed.then(|| immutable(why)).into_iter().collect()
        }
    }
}

/// Upstream writes the index as if it were a field.
fn verdicts(object: &Document) -> FieldErrors {
    let field = FieldPath::new("status").child("conditions");
    let (mut known, mut out) = (0, FieldErrors::new());
    for (i, condition) in object.array_at(&["status", "conditions"]).iter().enumerate() {
        let field = field.child(&format!("[{i}]"));
        let (ty, status) = (condition.str_at(&["type"]), condition.str_at(&["status"]));
        if !VERDICTS.contains(&ty) {
            out.push(FieldError::not_supported(&field.child("type"), ty, &VERDICTS));
            continue;
        }
        known += 1;
        if known > 1 {
            let why = r#"There may be at most one condition with type "Issued", "Denied", or "Failed""#;
            out.push(FieldError::invalid(&field.child("type"), ty, why));
        }
        if status != "True" {
            out.push(FieldError::not_supported(&field.child("status"), status, &["True"]));
        }
    }
    out
}

/// What is wrong with the certificates, and with the times that are told of the first one.
fn chain_errors(new: &Document, old: &Document) -> Result<(), FieldErrors> {
    let place = FieldPath::new("status").child("certificateChain");
    let chain = new.str_at(&["status", "certificateChain"]);
    let wrong = |why: &str| vec![FieldError::invalid(&place, chain, why)];
    if chain.len() > MAX_CHAIN {
        return Err(vec![FieldError::too_long(&place, MAX_CHAIN)]);
    }
    let blocks = pem::blocks(chain);
    let Some((leaf, rest)) = blocks.split_first() else {
        return Err(wrong("issued certificate chain must contain at least one certificate"));
    };
    if leaf.label != "CERTIFICATE" {
        return Err(wrong("issued certificate chain must consist entirely of CERTIFICATE PEM blocks"));
    }
    let (_, leaf) = X509Certificate::from_der(&leaf.der)
        .map_err(|_| wrong("leaf certificate does not parse as valid X.509"))?;
    let mut names = name_errors(&place, &leaf);
    if !is_for(&leaf, old.str_at(&["spec", "pkixPublicKey"])) {
        names.extend(wrong("leaf certificate was not issued to the requested public key"));
        return Err(names);
    }
    names.extend(missing_times(new));
    if !names.is_empty() {
        return Err(names);
    }
    time_error(new, &leaf).map_or(Ok(()), |error| Err(vec![error]))?;
    for block in rest {
        if block.label != "CERTIFICATE" {
            return Err(wrong("issued certificate chain must consist entirely of CERTFICATE PEM blocks"));
        }
        X509Certificate::from_der(&block.der)
            .map_err(|_| wrong("intermediate certificate does not parse as valid X.509"))?;
    }
    Ok(())
}

fn name_errors(field: &FieldPath, leaf: &X509Certificate<'_>) -> FieldErrors {
    let names = leaf.subject_alternative_name().ok().flatten();
    let mut out = FieldErrors::new();
    for name in names.iter().flat_map(|names| &names.value.general_names) {
        let GeneralName::DNSName(name) = name else { continue };
        let mut wrong = |why: &str| out.push(FieldError::invalid(field, *name, why));
        if name.is_empty() {
            wrong("leaf certificate should not contain empty DNSName");
        }
        if name.contains("..") {
            wrong("leaf certificate's DNSName should not contain '..'");
        }
        if name.starts_with('.') || name.ends_with('.') {
            wrong("leaf certificate's DNSName should not start or end with '.'");
        }
    }
    out
}

fn is_for(leaf: &X509Certificate<'_>, key: &str) -> bool {
    let der = STANDARD.decode(key).unwrap_or_default();
    SubjectPublicKeyInfo::from_der(&der).is_ok_and(|(_, wanted)| {
        let given = leaf.public_key();
        wanted.algorithm.algorithm == given.algorithm.algorithm
            && wanted.subject_public_key.data == given.subject_public_key.data
    })
}

fn missing_times(object: &Document) -> FieldErrors {
    const CONSISTENT: &str = "must be present and consistent with the issued certificate";
    let status = FieldPath::new("status");
    [
        ("notBefore", CONSISTENT),
        ("notAfter", CONSISTENT),
        ("beginRefreshAt", "must be present and in the range [notbefore+10min, notafter-10min]"),
    ]
    .into_iter()
    .filter(|(key, _)| told(object, key).is_none())
    .map(|(key, why)| FieldError::required(&status.child(key), why))
    .collect()
}

fn told(object: &Document, key: &str) -> Option<Timestamp> {
    time::parse_time(object.str_at(&["status", key]))
}

/// The first thing that is wrong with the times.
fn time_error(object: &Document, leaf: &X509Certificate<'_>) -> Option<FieldError> {
    let status = FieldPath::new("status");
    let seconds = |key: &str| told(object, key).map(Timestamp::as_second);
    let wrong = |key: &str, why: &str| {
        Some(FieldError::invalid(&status.child(key), object.str_at(&["status", key]), why))
    };
    let (not_before, not_after) =
        (leaf.validity().not_before.timestamp(), leaf.validity().not_after.timestamp());
    if seconds("notBefore") != Some(not_before) {
        return wrong("notBefore", "must be set to the NotBefore time encoded in the leaf certificate");
    }
    if seconds("notAfter") != Some(not_after) {
        return wrong("notAfter", "must be set to the NotAfter time encoded in the leaf certificate");
    }
    let (lifetime, max) =
        (not_after - not_before, object.i64_at(&["spec", "maxExpirationSeconds"]).unwrap_or(0));
    let chain = status.child("certificateChain");
    // Upstream shows a duration here, which is a number of nanoseconds.
    let shown = lifetime.saturating_mul(1_000_000_000);
    if lifetime < MIN_LIFETIME {
        return Some(FieldError::invalid(&chain, shown, "leaf certificate lifetime must be >= 1 hour"));
    }
    if lifetime > max {
        let why = format!("leaf certificate lifetime must be <= spec.maxExpirationSeconds ({max})");
        return Some(FieldError::invalid(&chain, shown, why));
    }
    let refresh = seconds("beginRefreshAt").unwrap_or(0);
    if refresh < not_before + MARGIN {
        return wrong("beginRefreshAt", "must be at least 10 minutes after status.notBefore");
    }
    if refresh > not_after - MARGIN {
        return wrong("beginRefreshAt", "must be at least 10 minutes before status.notAfter");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn with(status: Document) -> Document {
        doc!({"spec": {"maxExpirationSeconds": 86_400}, "status": status})
    }

    fn decided(ty: &str) -> Document {
        doc!([{
            "type": ty, "status": "True", "reason": "R", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"
        }])
    }

    fn complaints(new: &Document, old: &Document) -> Vec<String> {
        errors(new, old).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn verdicts_are_final() {
        let (none, denied) = (with(doc!({})), with(doc!({"conditions": decided("Denied")})));
        assert_eq!(complaints(&denied, &none), Vec::<String>::new());
        assert_eq!(verdict(&denied), Some("Denied"));
        assert_eq!(
            complaints(&none, &denied),
            ["status: Invalid value: immutable after PodCertificateRequest is issued, denied, or failed"]
        );
        assert_eq!(
            complaints(&with(doc!({"certificateChain": "x"})), &none),
            [
                r#"status: Invalid value: status is immutable unless transitioning to "Issued", "Denied", or "Failed""#
            ]
        );
        assert_eq!(
            complaints(&with(doc!({"conditions": decided("Failed"), "certificateChain": "x"})), &none),
            [
                "status: Invalid value: non-condition status fields must be empty when denying or failing the PodCertificateRequest"
            ]
        );
    }

    #[test]
    fn only_known_verdicts_are_given() {
        let told = complaints(&with(doc!({"conditions": decided("Lost")})), &with(doc!({})));
        assert_eq!(
            told,
            [
                r#"status.conditions.[0].type: Unsupported value: "Lost": supported values: "Issued", "Denied", "Failed""#
            ]
        );
    }

    #[test]
    fn what_is_issued_is_a_certificate() {
        let issued = with(doc!({"conditions": decided("Issued"), "certificateChain": "x"}));
        assert_eq!(
            complaints(&issued, &with(doc!({}))),
            [
                r#"status.certificateChain: Invalid value: "x": issued certificate chain must contain at least one certificate"#
            ]
        );
    }
}
