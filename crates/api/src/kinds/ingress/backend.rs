//! What an Ingress sends requests to: a port of a Service, or an object that its controller knows.

use crate::validation::{self, names, network};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// What names the Services of backends may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServiceNames {
    /// What Services may be called while `RelaxedServiceNameValidation` is off.
    Strict,
    /// What they may be called while it is on; also where an Ingress already names such a Service.
    Relaxed,
}

impl ServiceNames {
    fn complaints(self, name: &str) -> Vec<String> {
        match self {
            Self::Strict => names::dns1035_label(name),
            Self::Relaxed => names::dns1123_label(name),
        }
    }
}

/// What is wrong with a backend.
pub(super) fn backend_errors(field: &FieldPath, backend: &Document, rule: ServiceNames) -> FieldErrors {
    let part = |key: &str| backend.get(key).filter(|part| !part.is_null());
    match (part("service"), part("resource")) {
        (Some(_), Some(_)) => {
            vec![FieldError::invalid(field, "", "cannot set both resource and service backends")]
        }
        (None, Some(resource)) => reference_errors(&field.child("resource"), resource),
        (Some(service), None) => service_errors(field, service, rule),
        (None, None) => vec![FieldError::invalid(field, "", "resource or service backend is required")],
    }
}

fn service_errors(field: &FieldPath, service: &Document, rule: ServiceNames) -> FieldErrors {
    let path = field.child("service");
    let mut out = FieldErrors::new();
    out.extend(required_or(&path.child("name"), service.str_at(&["name"]), "", |name| rule.complaints(name)));
    let port_name = service.str_at(&["port", "name"]);
    let number = service.i64_at(&["port", "number"]).unwrap_or(0);
    let path = path.child("port");
    match (port_name.is_empty(), number) {
        (true, 0) => out.push(FieldError::required(field, "port name or number is required")),
        (true, number) => out.extend(network::port(&path.child("number"), number)),
        (false, 0) => {
            out.extend(validation::invalid(&path.child("name"), port_name, names::port_name(port_name)));
        }
        (false, _) => out.push(FieldError::invalid(field, "", "cannot set both port name & port number")),
    }
    out
}

/// What is wrong with a reference to an object of any kind in the same namespace.
pub(in crate::kinds) fn reference_errors(field: &FieldPath, reference: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    if let Some(group) = reference.get("apiGroup").and_then(Document::as_str) {
        out.extend(validation::invalid(&field.child("apiGroup"), group, names::dns1123_subdomain(group)));
    }
    for (key, missing) in [("kind", "kind is required"), ("name", "name is required")] {
        out.extend(required_or(&field.child(key), reference.str_at(&[key]), missing, names::path_segment));
    }
    out
}

/// What is wrong with a text that must be there.
fn required_or(
    field: &FieldPath,
    text: &str,
    missing: &str,
    complaints: impl Fn(&str) -> Vec<String>,
) -> FieldErrors {
    if text.is_empty() {
        return vec![FieldError::required(field, missing)];
    }
    validation::invalid(field, text, complaints(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn shown(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_backend_is_a_service_or_an_object() {
        let service = |name: &str, port: Document| doc!({"service": {"name": name, "port": port}});
        let cases: [(&str, Document, &[&str]); 11] = [
            ("a service", service("a", doc!({"number": 80})), &[]),
            ("a service's named port", service("a", doc!({"name": "http"})), &[]),
            ("an object", doc!({"resource": {"apiGroup": "a.test", "kind": "K", "name": "n"}}), &[]),
            ("nothing", doc!({}), &[r#"b: Invalid value: "": resource or service backend is required"#]),
            (
                "both",
                doc!({"service": {}, "resource": {}}),
                &[r#"b: Invalid value: "": cannot set both resource and service backends"#],
            ),
            (
                "a service of no name and port",
                service("", doc!({})),
                &["b.service.name: Required value", "b: Required value: port name or number is required"],
            ),
            (
                "a name that no service has",
                service("1a", doc!({"number": 80})),
                &[
                    r#"b.service.name: Invalid value: "1a": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"#,
                ],
            ),
            (
                "a port twice",
                service("a", doc!({"name": "http", "number": 80})),
                &[r#"b: Invalid value: "": cannot set both port name & port number"#],
            ),
            (
                "no port number",
                service("a", doc!({"number": 65536})),
                &["b.service.port.number: Invalid value: 65536: must be between 1 and 65535, inclusive"],
            ),
            (
                "no port name",
                service("a", doc!({"name": "-a"})),
                &[r#"b.service.port.name: Invalid value: "-a": must not begin or end with a hyphen"#],
            ),
            (
                "no object",
                doc!({"resource": {"kind": "a/b"}}),
                &[
                    r#"b.resource.kind: Invalid value: "a/b": may not contain '/'"#,
                    "b.resource.name: Required value: name is required",
                ],
            ),
        ];
        for (name, backend, expected) in cases {
            let errors = backend_errors(&FieldPath::new("b"), &backend, ServiceNames::Strict);
            assert_eq!(shown(&errors), expected, "{name}");
        }
        let relaxed = service("1a", doc!({"number": 80}));
        assert!(backend_errors(&FieldPath::new("b"), &relaxed, ServiceNames::Relaxed).is_empty());
    }
}
