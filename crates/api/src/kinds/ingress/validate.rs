//! What is wrong with an Ingress, in upstream's order.

use super::backend::{ServiceNames, backend_errors};
use super::{CLASS, class};
use crate::kinds::service::hostname_errors;
use crate::validation::{self, names, network};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

const PATH_TYPES: [&str; 3] = ["Exact", "ImplementationSpecific", "Prefix"];
const FORBIDDEN_PARTS: [&str; 5] = ["//", "/./", "/../", "%2f", "%2F"];
const FORBIDDEN_ENDS: [&str; 2] = ["/..", "/."];
const ABSOLUTE: &str = "must be an absolute path";

/// What older releases took and this one leaves alone where it was already.
#[derive(Debug, Clone, Copy)]
struct Leniency {
    secret_names: bool,
    wildcard_rules: bool,
    services: ServiceNames,
}

impl Leniency {
    const NONE: Self = Self { secret_names: false, wildcard_rules: false, services: ServiceNames::Strict };

    fn towards(old: &Document) -> Self {
        let tls = old.array_at(&["spec", "tls"]).iter();
        let mut rules = old.array_at(&["spec", "rules"]).iter();
        let field = FieldPath::root();
        let is_lenient = |rule: &Document| {
            rule.str_at(&["host"]).contains('*') && !http_errors(&field, rule, Self::NONE).is_empty()
        };
        let is_relaxed =
            |name: &str| !names::dns1035_label(name).is_empty() && names::dns1123_label(name).is_empty();
        Self {
            secret_names: tls
                .map(|tls| tls.str_at(&["secretName"]))
                .any(|name| !secret_complaints(name).is_empty()),
            wildcard_rules: rules.any(is_lenient),
            services: if service_names(old).any(is_relaxed) {
                ServiceNames::Relaxed
            } else {
                ServiceNames::Strict
            },
        }
    }
}

/// The names of the Services that an Ingress sends requests to.
fn service_names(ingress: &Document) -> impl Iterator<Item = &str> {
    let rules = ingress.array_at(&["spec", "rules"]).iter();
    let paths = rules.flat_map(|rule| rule.array_at(&["http", "paths"]));
    let backends = ingress.at(&["spec", "defaultBackend"]).into_iter();
    let backends = backends.chain(paths.filter_map(|path| path.get("backend")));
    backends.map(|backend| backend.str_at(&["service", "name"]))
}

/// What is wrong with a new Ingress.
pub(super) fn create(object: &Document) -> FieldErrors {
    let mut out = spec_errors(object, Leniency::NONE);
    if let (Some(annotated), Some(class)) = (object.annotation(CLASS), class(object))
        && annotated != class
    {
        let field = FieldPath::new("annotations").child(CLASS);
        let why = "must match `ingressClassName` when both are specified";
        out.push(FieldError::invalid(&field, annotated, why));
    }
    out
}

/// What is wrong with a changed Ingress.
pub(super) fn update(new: &Document, old: &Document) -> FieldErrors {
    spec_errors(new, Leniency::towards(old))
}

/// What is wrong with the addresses that an Ingress is said to have.
pub(super) fn status(object: &Document) -> FieldErrors {
    let field = FieldPath::new("status").child("loadBalancer").child("ingress");
    let mut out = FieldErrors::new();
    for (i, point) in object.array_at(&["status", "loadBalancer", "ingress"]).iter().enumerate() {
        let (field, ip) = (field.index(i), point.str_at(&["ip"]));
        if !ip.is_empty() {
            out.extend(network::ip_error(&field.child("ip"), ip));
        }
        out.extend(hostname_errors(&field, point));
    }
    out
}

fn spec_errors(object: &Document, leniency: Leniency) -> FieldErrors {
    let field = FieldPath::new("spec");
    let mut out = FieldErrors::new();
    let rules = object.array_at(&["spec", "rules"]);
    let backend = object.at(&["spec", "defaultBackend"]).filter(|backend| !backend.is_null());
    if rules.is_empty() && backend.is_none() {
        let why = "either `defaultBackend` or `rules` must be specified";
        let given = object.at(&["spec", "rules"]).cloned();
        out.push(FieldError::invalid(&field, given, why));
    }
    if let Some(backend) = backend {
        out.extend(backend_errors(&field.child("defaultBackend"), backend, leniency.services));
    }
    for (i, rule) in rules.iter().enumerate() {
        out.extend(rule_errors(&field.child("rules").index(i), rule, leniency));
    }
    for (i, tls) in object.array_at(&["spec", "tls"]).iter().enumerate() {
        out.extend(tls_errors(&field.child("tls").index(i), tls, leniency));
    }
    if let Some(class) = class(object) {
        let field = field.child("ingressClassName");
        out.extend(validation::invalid(&field, class, names::dns1123_subdomain(class)));
    }
    out
}

fn rule_errors(field: &FieldPath, rule: &Document, leniency: Leniency) -> FieldErrors {
    let mut out = FieldErrors::new();
    let host = rule.str_at(&["host"]);
    if !host.is_empty() {
        let field = field.child("host");
        if network::ip(host).is_some() {
            out.push(FieldError::invalid(&field, host, "must be a DNS name, not an IP address"));
        }
        out.extend(validation::invalid(&field, host, host_complaints(host)));
    }
    if !(host.contains('*') && leniency.wildcard_rules) {
        out.extend(http_errors(field, rule, leniency));
    }
    out
}

fn host_complaints(host: &str) -> Vec<String> {
    if host.contains('*') { names::wildcard_dns1123_subdomain(host) } else { names::dns1123_subdomain(host) }
}

/// What is wrong with the paths of a rule.
fn http_errors(field: &FieldPath, rule: &Document, leniency: Leniency) -> FieldErrors {
    let Some(http) = rule.get("http").filter(|http| !http.is_null()) else {
        return FieldErrors::new();
    };
    let field = field.child("http").child("paths");
    let paths = http.array_at(&["paths"]);
    if paths.is_empty() {
        return vec![FieldError::required(&field, "")];
    }
    let paths = paths.iter().enumerate();
    paths.flat_map(|(i, path)| path_errors(&field.index(i), path, leniency)).collect()
}

fn path_errors(field: &FieldPath, path: &Document, leniency: Leniency) -> FieldErrors {
    let Some(ty) = path.get("pathType").and_then(Document::as_str) else {
        return vec![FieldError::required(&field.child("pathType"), "pathType must be specified")];
    };
    let text = path.str_at(&["path"]);
    let complaints = match ty {
        "Exact" | "Prefix" => exact_complaints(text),
        "ImplementationSpecific" if !text.is_empty() && !text.starts_with('/') => vec![ABSOLUTE.to_owned()],
        _ => Vec::new(),
    };
    let mut out = validation::invalid(&field.child("path"), text, complaints);
    if !PATH_TYPES.contains(&ty) {
        out.push(FieldError::not_supported(&field.child("pathType"), ty, &PATH_TYPES));
    }
    out.extend(backend_errors(&field.child("backend"), &path["backend"], leniency.services));
    out
}

/// What is wrong with a path that is compared as it is.
fn exact_complaints(path: &str) -> Vec<String> {
    let relative = (!path.starts_with('/')).then(|| ABSOLUTE.to_owned());
    let parts = FORBIDDEN_PARTS.iter().filter(|part| path.contains(**part));
    let ends = FORBIDDEN_ENDS.iter().filter(|end| path.ends_with(**end));
    let parts = parts.map(|part| format!("must not contain '{part}'"));
    relative.into_iter().chain(parts).chain(ends.map(|end| format!("cannot end with '{end}'"))).collect()
}

fn tls_errors(field: &FieldPath, tls: &Document, leniency: Leniency) -> FieldErrors {
    let mut out = FieldErrors::new();
    for (i, host) in tls.array_at(&["hosts"]).iter().enumerate() {
        let host = host.as_str().unwrap_or("");
        out.extend(validation::invalid(&field.child("hosts").index(i), host, host_complaints(host)));
    }
    if !leniency.secret_names {
        let name = tls.str_at(&["secretName"]);
        out.extend(validation::invalid(&field.child("secretName"), name, secret_complaints(name)));
    }
    out
}

fn secret_complaints(name: &str) -> Vec<String> {
    if name.is_empty() { Vec::new() } else { names::dns1123_subdomain(name) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    const NO_SUBDOMAIN: &str = r"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

    fn shown(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    fn backend() -> Document {
        doc!({"service": {"name": "web", "port": {"number": 80}}})
    }

    fn with_rule(host: &str, paths: Document) -> Document {
        doc!({"spec": {"rules": [{"host": host, "http": {"paths": paths}}]}})
    }

    fn with_path(ty: &str, path: &str) -> Document {
        with_rule("", doc!([{"pathType": ty, "path": path, "backend": backend()}]))
    }

    #[test]
    fn an_ingress_sends_something_somewhere() {
        let cases: [(&str, Document, &[&str]); 7] = [
            ("a backend for all", doc!({"spec": {"defaultBackend": backend()}}), &[]),
            ("a rule without paths", doc!({"spec": {"rules": [{"host": "a.test"}]}}), &[]),
            (
                "nothing",
                doc!({"spec": {}}),
                &["spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"],
            ),
            (
                "a backend that is none",
                doc!({"spec": {"defaultBackend": {}}}),
                &[r#"spec.defaultBackend: Invalid value: "": resource or service backend is required"#],
            ),
            ("no paths", with_rule("", doc!([])), &["spec.rules[0].http.paths: Required value"]),
            (
                "no type of path",
                with_rule("", doc!([{"path": "x"}])),
                &["spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified"],
            ),
            (
                "an unknown type of path",
                with_path("Regex", "x"),
                &[
                    r#"spec.rules[0].http.paths[0].pathType: Unsupported value: "Regex": supported values: "Exact", "ImplementationSpecific", "Prefix""#,
                ],
            ),
        ];
        for (name, ingress, expected) in cases {
            assert_eq!(shown(&create(&ingress)), expected, "{name}");
        }
    }

    #[test]
    fn paths_are_absolute_and_plain() {
        let cases: [(&str, &str, &[&str]); 8] = [
            ("Exact", "/a/b", &[]),
            ("Prefix", "/", &[]),
            ("ImplementationSpecific", "", &[]),
            ("ImplementationSpecific", "/a//b", &[]),
            ("ImplementationSpecific", "a", &["must be an absolute path"]),
            ("Prefix", "", &["must be an absolute path"]),
            ("Exact", "/a//b/./c", &["must not contain '//'", "must not contain '/./'"]),
            (
                "Prefix",
                "/%2f%2F/..",
                &["must not contain '%2f'", "must not contain '%2F'", "cannot end with '/..'"],
            ),
        ];
        for (ty, path, expected) in cases {
            let field = "spec.rules[0].http.paths[0].path";
            let expected: Vec<String> =
                expected.iter().map(|why| format!("{field}: Invalid value: {path:?}: {why}")).collect();
            assert_eq!(shown(&create(&with_path(ty, path))), expected, "{ty} {path}");
        }
    }

    #[test]
    fn hosts_are_names() {
        let rule = |host: &str| doc!({"spec": {"rules": [{"host": host}]}});
        assert!(create(&rule("*.a.test")).is_empty());
        assert_eq!(
            shown(&create(&rule("1.2.3.4"))),
            [r#"spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address"#]
        );
        assert_eq!(
            shown(&create(&rule("A"))),
            [format!(r#"spec.rules[0].host: Invalid value: "A": {NO_SUBDOMAIN}"#)]
        );
        assert_eq!(
            shown(&create(&rule("a.*.test"))),
            [
                r#"spec.rules[0].host: Invalid value: "a.*.test": a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\*\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"#
            ]
        );
        let tls = doc!({"spec": {"defaultBackend": backend(), "tls": [{"hosts": ["*.a", "A"], "secretName": "_"}]}});
        assert_eq!(
            shown(&create(&tls)),
            [
                format!(r#"spec.tls[0].hosts[1]: Invalid value: "A": {NO_SUBDOMAIN}"#),
                format!(r#"spec.tls[0].secretName: Invalid value: "_": {NO_SUBDOMAIN}"#),
            ]
        );
    }

    #[test]
    fn the_class_is_said_once() {
        let of = |annotation: &str, class: &str| {
            doc!({
                "metadata": {"annotations": {(CLASS): annotation}},
                "spec": {"defaultBackend": backend(), "ingressClassName": class}
            })
        };
        assert!(create(&of("a", "a")).is_empty());
        assert_eq!(
            shown(&create(&of("a", "b"))),
            [
                r#"annotations.kubernetes.io/ingress.class: Invalid value: "a": must match `ingressClassName` when both are specified"#
            ]
        );
        assert!(update(&of("a", "b"), &of("a", "a")).is_empty());
        assert_eq!(
            shown(&create(&of("_", "_"))),
            [format!(r#"spec.ingressClassName: Invalid value: "_": {NO_SUBDOMAIN}"#)]
        );
    }

    #[test]
    fn what_was_stored_may_stay() {
        let secret = doc!({"spec": {"defaultBackend": backend(), "tls": [{"secretName": "_"}]}});
        let wildcard = with_rule("*.a.test", doc!([]));
        let relaxed = doc!({"spec": {"defaultBackend": {"service": {"name": "1a", "port": {"number": 80}}}}});
        let plain = doc!({"spec": {"defaultBackend": backend()}});
        for ingress in [secret, wildcard, relaxed] {
            assert!(update(&ingress, &ingress).is_empty(), "{ingress:?}");
            assert_eq!(update(&ingress, &plain).len(), 1, "{ingress:?}");
        }
    }

    #[test]
    fn the_status_has_addresses_and_names() {
        let of = |point: Document| doc!({"status": {"loadBalancer": {"ingress": [point]}}});
        assert!(status(&of(doc!({"ip": "1.2.3.4", "hostname": "a.test"}))).is_empty());
        assert_eq!(
            shown(&status(&of(doc!({"ip": "x", "hostname": "1.2.3.4"})))),
            [
                r#"status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"#,
                r#"status.loadBalancer.ingress[0].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address"#,
            ]
        );
    }
}
