//! What is wrong with a CSIDriver.

use crate::validation::{immutable, invalid, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::collections::HashSet;

const MAX_NAME: usize = 63;
const GROUP_POLICIES: [&str; 3] = ["File", "None", "ReadWriteOnceWithFSType"];
const LIFECYCLES: [&str; 2] = ["Persistent", "Ephemeral"];
/// Seconds.
const SHORTEST_TOKEN: i64 = 600;
/// Seconds.
const LONGEST_TOKEN: i64 = 1 << 32;
/// Seconds.
const SHORTEST_PERIOD: i64 = 10;
/// What upstream calls `attachRequired` in its messages.
const ATTACH_REQUIRED: &str = "attachedRequired";

/// What is wrong with the name of a driver, of volumes or of devices.
pub(crate) fn name(field: &FieldPath, name: &str) -> FieldErrors {
    let mut out = FieldErrors::new();
    if name.is_empty() {
        out.push(FieldError::required(field, ""));
    }
    if name.len() > MAX_NAME {
        out.push(FieldError::too_long(field, MAX_NAME));
    }
    out.extend(invalid(field, name, names::dns1123_subdomain(&name.to_lowercase())));
    out
}

/// What is wrong with a driver.
pub(super) fn driver(driver: &Document) -> FieldErrors {
    static EMPTY: Document = Document::NULL;
    let field = FieldPath::new("spec");
    let spec = driver.get("spec").unwrap_or(&EMPTY);
    let needed = |name: &str, shown: &str| {
        let missing = spec.get(name).and_then(Document::as_bool).is_none();
        missing.then(|| FieldError::required(&field.child(shown), ""))
    };
    let mut out = FieldErrors::new();
    out.extend(needed("attachRequired", ATTACH_REQUIRED));
    out.extend(needed("podInfoOnMount", "podInfoOnMount"));
    out.extend(needed("storageCapacity", "storageCapacity"));
    if let Some(policy) = spec.get("fsGroupPolicy").and_then(Document::as_str)
        && !GROUP_POLICIES.contains(&policy)
    {
        out.push(FieldError::not_supported(&field.child("fsGroupPolicy"), policy, &GROUP_POLICIES));
    }
    out.extend(token_requests(&field.child("tokenRequests"), spec.array_at(&["tokenRequests"])));
    for mode in spec.array_at(&["volumeLifecycleModes"]).iter().filter_map(Document::as_str) {
        if !LIFECYCLES.contains(&mode) {
            out.push(FieldError::not_supported(&field.child("volumeLifecycleModes"), mode, &LIFECYCLES));
        }
    }
    out.extend(needed("seLinuxMount", "seLinuxMount"));
    let period = spec.i64_at(&["nodeAllocatableUpdatePeriodSeconds"]);
    if let Some(seconds) = period.filter(|seconds| *seconds < SHORTEST_PERIOD) {
        let why = "must be greater than or equal to 10 seconds";
        out.push(FieldError::invalid(&field.child("nodeAllocatableUpdatePeriodSeconds"), seconds, why));
    }
    if let Some(in_secrets) = spec.bool_at(&["serviceAccountTokenInSecrets"])
        && spec.array_at(&["tokenRequests"]).is_empty()
    {
        let why = "serviceAccountTokenInSecrets is set but no tokenRequests are specified";
        out.push(FieldError::invalid(&field.child("serviceAccountTokenInSecrets"), in_secrets, why));
    }
    out
}

/// What is wrong with the change, the new state being valid.
pub(super) fn update(new: &Document, old: &Document) -> FieldErrors {
    let field = FieldPath::new("spec");
    let frozen = [("attachRequired", ATTACH_REQUIRED), ("volumeLifecycleModes", "volumeLifecycleModes")];
    let errors = frozen.into_iter().filter_map(|(name, shown)| {
        immutable(&field.child(shown), new.at(&["spec", name]), old.at(&["spec", name]))
    });
    errors.collect()
}

/// Tokens are for different audiences and live neither short nor forever.
fn token_requests(field: &FieldPath, requests: &[Document]) -> FieldErrors {
    let mut audiences = HashSet::new();
    let mut out = FieldErrors::new();
    for (i, request) in requests.iter().enumerate() {
        let field = field.index(i);
        let audience = request.str_at(&["audience"]);
        if !audiences.insert(audience) {
            out.push(FieldError::duplicate(&field.child("audience"), audience));
            continue;
        }
        let Some(seconds) = request.i64_at(&["expirationSeconds"]) else { continue };
        let why = match seconds {
            ..SHORTEST_TOKEN => "may not specify a duration less than 10 minutes",
            SHORTEST_TOKEN..=LONGEST_TOKEN => continue,
            _ => "may not specify a duration larger than 2^32 seconds",
        };
        out.push(FieldError::invalid(&field.child("expirationSeconds"), seconds, why));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Strategy;
    use skiff_apimachinery::doc;

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    fn of(spec: Document) -> Document {
        let mut driver = doc!({"spec": spec});
        super::super::CsiDriver.default(&mut driver);
        driver
    }

    #[test]
    fn drivers_say_what_they_can() {
        let cases = [
            (
                "fine",
                doc!({"tokenRequests": [{"audience": "a"}, {"audience": ""}], "serviceAccountTokenInSecrets": true}),
                vec![],
            ),
            (
                "policy",
                doc!({"fsGroupPolicy": "Always"}),
                vec![
                    r#"spec.fsGroupPolicy: Unsupported value: "Always": supported values: "File", "None", "ReadWriteOnceWithFSType""#,
                ],
            ),
            (
                "tokens",
                doc!({"tokenRequests": [
                    {"audience": "a", "expirationSeconds": 599}, {"audience": "a"},
                    {"audience": "b", "expirationSeconds": 4_294_967_297_i64}
                ]}),
                vec![
                    "spec.tokenRequests[0].expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes",
                    r#"spec.tokenRequests[1].audience: Duplicate value: "a""#,
                    "spec.tokenRequests[2].expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds",
                ],
            ),
            (
                "lifecycle",
                doc!({"volumeLifecycleModes": ["Short"]}),
                vec![
                    r#"spec.volumeLifecycleModes: Unsupported value: "Short": supported values: "Persistent", "Ephemeral""#,
                ],
            ),
            (
                "period",
                doc!({"nodeAllocatableUpdatePeriodSeconds": 9, "serviceAccountTokenInSecrets": false}),
                vec![
                    "spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: must be greater than or equal to 10 seconds",
                    "spec.serviceAccountTokenInSecrets: Invalid value: false: serviceAccountTokenInSecrets is set but no tokenRequests are specified",
                ],
            ),
        ];
        for (name, spec, expected) in cases {
            assert_eq!(texts(&driver(&of(spec))), expected, "{name}");
        }
        assert_eq!(texts(&driver(&doc!({})))[0], "spec.attachedRequired: Required value");
    }

    #[test]
    fn what_nodes_rely_on_stays() {
        let old = of(doc!({}));
        let new = of(
            doc!({"attachRequired": false, "volumeLifecycleModes": ["Ephemeral"], "podInfoOnMount": true}),
        );
        assert_eq!(
            texts(&update(&new, &old)),
            [
                "spec.attachedRequired: Invalid value: false: field is immutable",
                r#"spec.volumeLifecycleModes: Invalid value: ["Ephemeral"]: field is immutable"#,
            ]
        );
        assert_eq!(update(&old, &old), []);
    }

    #[test]
    fn names_of_drivers_are_short_domains() {
        let texts = |text: &str| texts(&name(&FieldPath::new("d"), text));
        assert_eq!(texts("Driver.example.com"), Vec::<String>::new());
        assert_eq!(texts("")[0], "d: Required value");
        assert_eq!(texts(&"a".repeat(64))[0], "d: Too long: may not be more than 63 bytes");
    }
}
