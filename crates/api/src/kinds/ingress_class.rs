//! IngressClasses.

use super::cells;
use super::ingress::reference_errors;
use crate::strategy::UpdateScope;
use crate::validation::{self, names};
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `networking.k8s.io/v1 IngressClass`.
pub(crate) struct IngressClass;

const MAX_CONTROLLER: usize = 250;
const SCOPES: [&str; 2] = ["Cluster", "Namespace"];
/// What the path of a controller's name may consist of, as a pattern and beyond letters and digits.
const PATH: &str = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+";
const PATH_MARKS: &str = "/-._~%!$&'()*+,;=:";

impl Strategy for IngressClass {
    fn default(&self, object: &mut Document) {
        if object.at(&["spec", "parameters"]).is_some_and(|parameters| !parameters.is_null()) {
            object.set_default(&["spec", "parameters", "scope"], "Cluster");
        }
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let spec = FieldPath::new("spec");
        let mut out = controller_errors(&spec.child("controller"), controller(object));
        if let Some(parameters) = parameters(object) {
            out.extend(parameter_errors(&spec.child("parameters"), parameters));
        }
        out
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = FieldErrors::new();
        if controller(new) != controller(old) {
            let field = FieldPath::new("spec").child("controller");
            out.extend([FieldError::invalid(&field, controller(new), "field is immutable")]);
        }
        out.extend(self.validate_create(new));
        out
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("Controller"), Column::text("Parameters"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let shown = parameters(object).map_or_else(|| cells::NONE.to_owned(), parameter_text);
        vec![cells::name(object), controller(object).into(), shown.into(), cells::age(object, now)]
    }
}

fn controller(class: &Document) -> &str {
    class.str_at(&["spec", "controller"])
}

fn parameters(class: &Document) -> Option<&Document> {
    class.at(&["spec", "parameters"]).filter(|parameters| !parameters.is_null())
}

fn parameter_text(parameters: &Document) -> String {
    let [kind, name] = ["kind", "name"].map(|key| parameters.str_at(&[key]));
    match parameters.get("apiGroup").and_then(Document::as_str) {
        Some(group) => format!("{kind}.{group}/{name}"),
        None => format!("{kind}/{name}"),
    }
}

fn controller_errors(field: &FieldPath, name: &str) -> FieldErrors {
    let mut out = FieldErrors::new();
    if name.len() > MAX_CONTROLLER {
        out.extend([FieldError::too_long(field, MAX_CONTROLLER)]);
    }
    out.extend(prefixed_path_errors(field, name));
    out
}

/// What is wrong with a path that starts with a domain.
fn prefixed_path_errors(field: &FieldPath, text: &str) -> FieldErrors {
    if text.is_empty() {
        return vec![FieldError::required(field, "")];
    }
    let parts = text.split_once('/').filter(|(host, path)| !host.is_empty() && !path.is_empty());
    let Some((host, path)) = parts else {
        let why = r#"must be a domain-prefixed path (such as "acme.io/foo")"#;
        return vec![FieldError::invalid(field, text, why)];
    };
    let mut out = validation::invalid(field, host, names::dns1123_subdomain(host));
    if !path.chars().all(|c| c.is_ascii_alphanumeric() || PATH_MARKS.contains(c)) {
        out.push(FieldError::invalid(field, path, names::pattern_text("Invalid path", PATH, &[])));
    }
    out
}

fn parameter_errors(field: &FieldPath, parameters: &Document) -> FieldErrors {
    let mut out = reference_errors(field, parameters);
    let namespace = parameters.get("namespace").and_then(Document::as_str);
    let path = field.child("namespace");
    let scope = parameters.get("scope").and_then(Document::as_str);
    match (scope, namespace) {
        (None, _) => out.push(FieldError::required(&field.child("scope"), "")),
        (Some("Namespace"), None) => {
            out.push(FieldError::required(&path, "`parameters.scope` is set to 'Namespace'"));
        }
        (Some("Namespace"), Some(name)) => {
            out.extend(validation::invalid(&path, name, names::dns1123_label(name)));
        }
        (Some("Cluster"), Some(_)) => {
            out.push(FieldError::forbidden(&path, "`parameters.scope` is set to 'Cluster'"));
        }
        (Some("Cluster"), None) => {}
        (Some(scope), _) => out.push(FieldError::not_supported(&field.child("scope"), scope, &SCOPES)),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn shown(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_controller_is_a_path_under_a_domain() {
        let long = format!("a.test/{}", "x".repeat(MAX_CONTROLLER));
        let cases: [(&str, &[&str]); 7] = [
            ("a.test/b/c~d", &[]),
            ("", &["spec.controller: Required value"]),
            (
                "a.test",
                &[
                    r#"spec.controller: Invalid value: "a.test": must be a domain-prefixed path (such as "acme.io/foo")"#,
                ],
            ),
            (
                "/b",
                &[
                    r#"spec.controller: Invalid value: "/b": must be a domain-prefixed path (such as "acme.io/foo")"#,
                ],
            ),
            (
                "A/b",
                &[
                    r#"spec.controller: Invalid value: "A": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"#,
                ],
            ),
            (
                "a.test/b?",
                &[
                    r#"spec.controller: Invalid value: "b?": Invalid path (regex used for validation is '[A-Za-z0-9/\-._~%!$&'()*+,;=:]+')"#,
                ],
            ),
            (&long, &["spec.controller: Too long: may not be more than 250 bytes"]),
        ];
        for (controller, expected) in cases {
            let class = doc!({"spec": {"controller": controller}});
            assert_eq!(shown(&IngressClass.validate_create(&class)), expected, "{controller}");
        }
    }

    #[test]
    fn parameters_are_in_a_namespace_or_not() {
        let cases: [(&str, Document, &[&str]); 8] = [
            ("for the cluster", doc!({"kind": "K", "name": "n", "scope": "Cluster"}), &[]),
            ("in a namespace", doc!({"kind": "K", "name": "n", "scope": "Namespace", "namespace": "a"}), &[]),
            (
                "no object",
                doc!({"apiGroup": "_", "scope": "Cluster"}),
                &[
                    r#"spec.parameters.apiGroup: Invalid value: "_": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"#,
                    "spec.parameters.kind: Required value: kind is required",
                    "spec.parameters.name: Required value: name is required",
                ],
            ),
            ("no scope", doc!({"kind": "K", "name": "n"}), &["spec.parameters.scope: Required value"]),
            (
                "an unknown scope",
                doc!({"kind": "K", "name": "n", "scope": "Node", "namespace": "_"}),
                &[
                    r#"spec.parameters.scope: Unsupported value: "Node": supported values: "Cluster", "Namespace""#,
                ],
            ),
            (
                "no namespace",
                doc!({"kind": "K", "name": "n", "scope": "Namespace"}),
                &["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
            ),
            (
                "a namespace of two parts",
                doc!({"kind": "K", "name": "n", "scope": "Namespace", "namespace": "a.b"}),
                &[r#"spec.parameters.namespace: Invalid value: "a.b": must not contain dots"#],
            ),
            (
                "a namespace for the cluster",
                doc!({"kind": "K", "name": "n", "scope": "Cluster", "namespace": "a"}),
                &["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"],
            ),
        ];
        for (name, parameters, expected) in cases {
            let class = doc!({"spec": {"controller": "a.test/b", "parameters": parameters}});
            assert_eq!(shown(&IngressClass.validate_create(&class)), expected, "{name}");
        }
    }

    #[test]
    fn the_controller_stays() {
        let of = |controller: &str| doc!({"spec": {"controller": controller}});
        let update = |new: &str| IngressClass.validate_update(UpdateScope::Main, &of(new), &of("a.test/b"));
        assert!(update("a.test/b").is_empty());
        assert_eq!(
            shown(&update("a.test/c")),
            [r#"spec.controller: Invalid value: "a.test/c": field is immutable"#]
        );
        assert_eq!(
            shown(&update("")),
            [r#"spec.controller: Invalid value: "": field is immutable"#, "spec.controller: Required value"]
        );
    }

    #[test]
    fn parameters_are_for_the_cluster_unless_they_say_otherwise() {
        let mut class = doc!({"spec": {"parameters": {"kind": "K"}}});
        IngressClass.default(&mut class);
        assert_eq!(class.str_at(&["spec", "parameters", "scope"]), "Cluster");
        let mut plain = doc!({"spec": {"controller": "a/b"}});
        IngressClass.default(&mut plain);
        assert_eq!(plain, doc!({"spec": {"controller": "a/b"}}));
    }

    #[test]
    fn rows_show_the_object_with_the_parameters() {
        let cases = [
            (Document::NULL, "<none>"),
            (doc!({"kind": "K", "name": "n"}), "K/n"),
            (doc!({"apiGroup": "a.test", "kind": "K", "name": "n"}), "K.a.test/n"),
        ];
        for (parameters, expected) in cases {
            let class = doc!({"spec": {"controller": "a/b", "parameters": parameters}});
            let cells = IngressClass.cells(&class, Timestamp::UNIX_EPOCH);
            assert_eq!(cells.get(2).and_then(Document::as_str), Some(expected));
        }
    }
}
