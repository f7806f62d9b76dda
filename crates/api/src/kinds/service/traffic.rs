//! Where a Service's traffic may come from and go to: affinity, policies, distribution.

use super::allocation::{is_externally_reachable, needs_health_check_node_port};
use crate::validation::{self, network};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

const AFFINITIES: [&str; 2] = ["ClientIP", "None"];
const POLICIES: [&str; 2] = ["Cluster", "Local"];
const DISTRIBUTIONS: [&str; 3] = ["PreferClose", "PreferSameZone", "PreferSameNode"];
/// A day: as long as clients may stick to an endpoint.
const MAX_AFFINITY_SECONDS: i64 = 86_400;

/// What is wrong with session affinity and its time.
pub(super) fn affinity_errors(service: &Document) -> FieldErrors {
    let spec = FieldPath::new("spec");
    let affinity = service.str_at(&["spec", "sessionAffinity"]);
    let mut out = FieldErrors::new();
    out.extend(validation::one_of(&spec.child("sessionAffinity"), affinity, &AFFINITIES));
    let config = service.at(&["spec", "sessionAffinityConfig"]).filter(|config| !config.is_null());
    let field = spec.child("sessionAffinityConfig");
    match (affinity, config) {
        ("ClientIP", None) => {
            out.push(FieldError::required(&field, "when session affinity type is ClientIP"));
        }
        ("ClientIP", Some(config)) => {
            let seconds = config.i64_at(&["clientIP", "timeoutSeconds"]).unwrap_or(0);
            if !(1..=MAX_AFFINITY_SECONDS).contains(&seconds) {
                let field = field.child("clientIP").child("timeoutSeconds");
                let why = format!("must be greater than 0 and less than {MAX_AFFINITY_SECONDS}");
                out.push(FieldError::invalid(&field, seconds, why));
            }
        }
        ("None", Some(_)) => {
            out.push(FieldError::forbidden(&field, "must not be set when session affinity is None"));
        }
        _ => {}
    }
    out
}

/// What is wrong with how traffic from outside is led, and with the port at which nodes tell of it.
pub(super) fn external_errors(service: &Document) -> FieldErrors {
    let spec = FieldPath::new("spec");
    let mut out = FieldErrors::new();
    let policy = service.str_at(&["spec", "externalTrafficPolicy"]);
    let field = spec.child("externalTrafficPolicy");
    if service.get("spec").is_some_and(is_externally_reachable) {
        out.extend(validation::one_of(&field, policy, &POLICIES));
    } else if !policy.is_empty() {
        let why = "may only be set for externally-accessible services";
        out.push(FieldError::invalid(&field, policy, why));
    }
    let port = service.i64_at(&["spec", "healthCheckNodePort"]).unwrap_or(0);
    let field = spec.child("healthCheckNodePort");
    match (needs_health_check_node_port(service), port) {
        (false, 0) => {}
        (false, port) => {
            let why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
            out.push(FieldError::invalid(&field, port, why));
        }
        (true, 0) => out.push(FieldError::required(&field, "")),
        (true, port) => out.extend(network::port(&field, port)),
    }
    out
}

/// The port at which nodes tell of endpoints stays as long as it is needed.
pub(super) fn health_check_change(new: &Document, old: &Document) -> Option<FieldError> {
    let port = |service: &Document| service.i64_at(&["spec", "healthCheckNodePort"]).unwrap_or(0);
    let kept = needs_health_check_node_port(new) && needs_health_check_node_port(old);
    (kept && port(new) != port(old)).then(|| {
        FieldError::forbidden(&FieldPath::new("spec").child("healthCheckNodePort"), "field is immutable")
    })
}

/// What is wrong with how traffic from inside is led.
pub(super) fn internal_error(service: &Document) -> Option<FieldError> {
    let field = FieldPath::new("spec").child("internalTrafficPolicy");
    let policy = service.at(&["spec", "internalTrafficPolicy"]).and_then(Document::as_str);
    let needed = matches!(service.str_at(&["spec", "type"]), "ClusterIP" | "NodePort" | "LoadBalancer");
    match policy {
        None if needed => Some(FieldError::required(&field, "")),
        Some(policy) if !POLICIES.contains(&policy) => {
            Some(FieldError::not_supported(&field, policy, &POLICIES))
        }
        _ => None,
    }
}

/// What is wrong with which endpoints are preferred.
pub(super) fn distribution_error(service: &Document) -> Option<FieldError> {
    let wanted = service.at(&["spec", "trafficDistribution"]).and_then(Document::as_str)?;
    let field = FieldPath::new("spec").child("trafficDistribution");
    (!DISTRIBUTIONS.contains(&wanted)).then(|| FieldError::not_supported(&field, wanted, &DISTRIBUTIONS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn errors(spec: Document) -> Vec<String> {
        let service = doc!({"spec": spec});
        let mut errors = affinity_errors(&service);
        errors.extend(external_errors(&service));
        errors.extend(internal_error(&service));
        errors.extend(distribution_error(&service));
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn traffic_is_led_in_known_ways() {
        let plain = |fields: Document| {
            let mut spec =
                doc!({"type": "ClusterIP", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster"});
            for (key, value) in fields.into_object() {
                spec.insert(key, value);
            }
            spec
        };
        let cases: [(&str, Document, &[&str]); 13] = [
            ("plain", plain(doc!({})), &[]),
            ("close", plain(doc!({"trafficDistribution": "PreferSameNode"})), &[]),
            (
                "an unknown distribution",
                plain(doc!({"trafficDistribution": "Far"})),
                &[
                    r#"spec.trafficDistribution: Unsupported value: "Far": supported values: "PreferClose", "PreferSameZone", "PreferSameNode""#,
                ],
            ),
            (
                "an unknown affinity",
                plain(doc!({"sessionAffinity": "Cookie"})),
                &[
                    r#"spec.sessionAffinity: Unsupported value: "Cookie": supported values: "ClientIP", "None""#,
                ],
            ),
            (
                "affinity without a time",
                plain(doc!({"sessionAffinity": "ClientIP"})),
                &["spec.sessionAffinityConfig: Required value: when session affinity type is ClientIP"],
            ),
            (
                "affinity for too long",
                plain(
                    doc!({"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 86401}}}),
                ),
                &[
                    "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400",
                ],
            ),
            (
                "a time without affinity",
                plain(doc!({"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 1}}})),
                &["spec.sessionAffinityConfig: Forbidden: must not be set when session affinity is None"],
            ),
            (
                "no way inside",
                doc!({"type": "ClusterIP", "sessionAffinity": "None"}),
                &["spec.internalTrafficPolicy: Required value"],
            ),
            (
                "an unknown way inside",
                plain(doc!({"internalTrafficPolicy": "Far"})),
                &[
                    r#"spec.internalTrafficPolicy: Unsupported value: "Far": supported values: "Cluster", "Local""#,
                ],
            ),
            (
                "a way from outside to the inside",
                plain(doc!({"externalTrafficPolicy": "Local"})),
                &[
                    r#"spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services"#,
                ],
            ),
            (
                "no way from outside",
                plain(doc!({"externalIPs": ["1.2.3.4"]})),
                &["spec.externalTrafficPolicy: Required value"],
            ),
            (
                "a health check that nobody needs",
                plain(doc!({"healthCheckNodePort": 30000})),
                &[
                    "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
                ],
            ),
            (
                "a health check that is missing",
                plain(doc!({"type": "LoadBalancer", "externalTrafficPolicy": "Local"})),
                &["spec.healthCheckNodePort: Required value"],
            ),
        ];
        for (name, spec, expected) in cases {
            assert_eq!(errors(spec), expected, "{name}");
        }
    }

    #[test]
    fn the_health_check_port_stays_while_it_is_needed() {
        let of = |policy: &str, port: i64| doc!({"spec": {"type": "LoadBalancer", "externalTrafficPolicy": policy, "healthCheckNodePort": port}});
        let change = health_check_change(&of("Local", 30001), &of("Local", 30000));
        assert_eq!(change.unwrap().to_string(), "spec.healthCheckNodePort: Forbidden: field is immutable");
        assert_eq!(health_check_change(&of("Local", 30000), &of("Local", 30000)), None);
        assert_eq!(health_check_change(&of("Cluster", 0), &of("Local", 30000)), None);
    }
}
