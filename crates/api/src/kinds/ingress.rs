//! Ingresses.

use super::cells;
use super::service::balancer_addresses;
use crate::{Cell, Column, Strategy, validation};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `networking.k8s.io/v1 Ingress`.
pub(crate) struct Ingress;

/// The annotation that named an ingress class before the field did.
const CLASS: &str = "kubernetes.io/ingress.class";
/// How many hosts a row shows.
const SHOWN: usize = 3;

impl Strategy for Ingress {
    fn has_status(&self) -> bool {
        true
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("spec");
        let mut out = FieldErrors::new();
        let backend = object.at(&["spec", "defaultBackend"]).filter(|backend| !backend.is_null());
        if object.array_at(&["spec", "rules"]).is_empty() && backend.is_none() {
            let why = "either `defaultBackend` or `rules` must be specified";
            out.push(FieldError::invalid(&field, object.get("spec").cloned(), why));
        }
        if let Some(backend) = backend {
            out.extend(backend_errors(&field.child("defaultBackend"), backend));
        }
        for (i, rule) in object.array_at(&["spec", "rules"]).iter().enumerate() {
            let field = field.child("rules").index(i).child("http.paths");
            for (i, path) in rule.array_at(&["http", "paths"]).iter().enumerate() {
                let field = field.index(i);
                let kinds = ["Exact", "ImplementationSpecific", "Prefix"];
                let ty = path.str_at(&["pathType"]);
                if ty.is_empty() {
                    out.push(FieldError::required(&field.child("pathType"), "pathType must be specified"));
                } else {
                    out.extend(validation::one_of(&field.child("pathType"), ty, &kinds));
                }
                let text = path.str_at(&["path"]);
                if !text.starts_with('/') && (ty != "ImplementationSpecific" || !text.is_empty()) {
                    out.push(FieldError::invalid(&field.child("path"), text, "must be an absolute path"));
                }
                out.extend(backend_errors(&field.child("backend"), &path["backend"]));
            }
        }
        out
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::text("Class"),
            Column::text("Hosts"),
            Column::text("Address"),
            Column::text("Ports"),
            Column::age(),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let class = object.str_at(&["spec", "ingressClassName"]);
        let class = if class.is_empty() { object.annotation(CLASS).unwrap_or("") } else { class };
        let tls = !object.array_at(&["spec", "tls"]).is_empty();
        vec![
            cells::name(object),
            cells::or_none(class),
            hosts(object).into(),
            balancer_addresses(object).into(),
            if tls { "80, 443" } else { "80" }.into(),
            cells::age(object, now),
        ]
    }
}

fn backend_errors(field: &FieldPath, backend: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let given = |key: &str| backend.get(key).is_some_and(|part| !part.is_null());
    match (given("service"), given("resource")) {
        (true, true) => {
            let why = "cannot set both resource and service backends";
            out.push(FieldError::invalid(field, backend.clone(), why));
        }
        (false, false) => out.push(FieldError::required(field, "resource or service backend is required")),
        (true, false) if backend.str_at(&["service", "name"]).is_empty() => {
            out.push(FieldError::required(&field.child("service.name"), ""));
        }
        _ => {}
    }
    out
}

fn hosts(ingress: &Document) -> String {
    let rules = ingress.array_at(&["spec", "rules"]);
    let hosts: Vec<&str> =
        rules.iter().take(SHOWN).map(|rule| rule.str_at(&["host"])).filter(|host| !host.is_empty()).collect();
    match (hosts.is_empty(), rules.len() > SHOWN) {
        (true, _) => "*".to_owned(),
        (false, false) => hosts.join(","),
        (false, true) => format!("{} + {} more...", hosts.join(","), rules.len() - SHOWN),
    }
}
