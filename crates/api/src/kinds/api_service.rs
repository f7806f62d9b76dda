//! APIServices: which server answers for a group and version.

use super::cells;
use crate::strategy::UpdateScope;
use crate::validation::{self, names};
use crate::{Cell, Column, NameRule, Strategy};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `apiregistration.k8s.io/v1 APIService`.
pub(crate) struct ApiService;

impl Strategy for ApiService {
    fn metadata_kept_by_status(&self) -> &'static [&'static str] {
        crate::strategy::ALL_METADATA
    }

    fn default(&self, object: &mut Document) {
        if object.at(&["spec", "service"]).is_some_and(|service| !service.is_null()) {
            object.set_default(&["spec", "service", "port"], 443);
        }
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        false
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    /// A name is the version, a dot and the group, which is nothing for the core group.
    fn name_rule(&self) -> NameRule {
        NameRule::PathSegment
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let mut out: FieldErrors = name_error(object).into_iter().collect();
        out.extend(spec_errors(&FieldPath::new("spec"), &object["spec"]));
        out
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, _old: &Document) -> FieldErrors {
        match scope {
            UpdateScope::Main => self.validate_create(new),
            UpdateScope::Status => status_errors(new),
        }
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::new("Service", "string", "The reference to the service that hosts this API endpoint."),
            Column::new("Available", "string", "Whether this service is available."),
            Column::age(),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let service = object.at(&["spec", "service"]).filter(|service| !service.is_null());
        let service = service.map_or("Local".to_owned(), |service| {
            format!("{}/{}", service.str_at(&["namespace"]), service.str_at(&["name"]))
        });
        let available = match cells::condition(object, "Available") {
            None => "Unknown".to_owned(),
            Some(condition) if condition.str_at(&["status"]) == "True" => "True".to_owned(),
            Some(condition) => {
                format!("{} ({})", condition.str_at(&["status"]), condition.str_at(&["reason"]))
            }
        };
        vec![cells::name(object), service.into(), available.into(), cells::age(object, now)]
    }
}

/// What else is wrong with a name that can be part of a path.
fn name_error(object: &Document) -> Option<FieldError> {
    let required = format!("{}.{}", object.str_at(&["spec", "version"]), object.str_at(&["spec", "group"]));
    let name = object.name();
    if name == required || !names::path_segment(name).is_empty() {
        return None;
    }
    let why = format!("must be `spec.version+\".\"+spec.group`: {required:?}");
    Some(FieldError::invalid(&FieldPath::new("metadata").child("name"), name, why))
}

fn spec_errors(field: &FieldPath, spec: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let [group, version] = ["group", "version"].map(|key| spec.str_at(&[key]));
    if group.is_empty() && version != "v1" {
        let why = "only v1 may have an empty group and it better be legacy kube";
        out.push(FieldError::required(&field.child("group"), why));
    }
    if !group.is_empty() {
        out.extend(validation::invalid(&field.child("group"), group, names::dns1123_subdomain(group)));
    }
    out.extend(validation::invalid(&field.child("version"), version, names::dns1035_label(version)));
    for (key, max) in [("groupPriorityMinimum", 20_000), ("versionPriority", 1_000)] {
        let value = spec.i64_at(&[key]).unwrap_or(0);
        if !(1..=max).contains(&value) {
            let why = format!("must be positive and less than {max}");
            out.push(FieldError::invalid(&field.child(key), value, why));
        }
    }
    out.extend(trust_errors(field, spec));
    out
}

/// How the service is reached, and what tells that it is the one.
fn trust_errors(field: &FieldPath, spec: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let skips = spec.bool_at(&["insecureSkipTLSVerify"]) == Some(true);
    let bundle = STANDARD.decode(spec.str_at(&["caBundle"])).map_or(0, |bytes| bytes.len());
    let skip = field.child("insecureSkipTLSVerify");
    let Some(service) = spec.get("service").filter(|service| !service.is_null()) else {
        if bundle > 0 {
            let (place, why) = (field.child("caBundle"), "local APIServices may not have a caBundle");
            out.push(FieldError::invalid(&place, format!("{bundle} bytes"), why));
        }
        if skips {
            out.push(FieldError::invalid(
                &skip,
                true,
                "local APIServices may not have insecureSkipTLSVerify",
            ));
        }
        return out;
    };
    for key in ["namespace", "name"] {
        if service.str_at(&[key]).is_empty() {
            out.push(FieldError::required(&field.child("service").child(key), ""));
        }
    }
    if skips && bundle > 0 {
        out.push(FieldError::invalid(&skip, true, "may not be true if caBundle is present"));
    }
    out
}

fn status_errors(object: &Document) -> FieldErrors {
    const STATUSES: [&str; 3] = ["True", "False", "Unknown"];
    let field = FieldPath::new("status").child("conditions");
    let conditions = object.array_at(&["status", "conditions"]).iter().enumerate();
    conditions
        .map(|(i, condition)| (i, condition.str_at(&["status"])))
        .filter(|(_, status)| !STATUSES.contains(status))
        .map(|(i, status)| FieldError::not_supported(&field.index(i).child("status"), status, &STATUSES))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn complaints(name: &str, spec: Document) -> Vec<String> {
        let object = doc!({"metadata": {"name": name}, "spec": spec});
        ApiService.validate_create(&object).iter().map(ToString::to_string).collect()
    }

    fn remote() -> Document {
        doc!({
            "group": "example.com", "version": "v1", "groupPriorityMinimum": 1000, "versionPriority": 15,
            "service": {"namespace": "a", "name": "b", "port": 443}
        })
    }

    fn with(key: &str, value: Document) -> Document {
        let mut spec = remote();
        spec.insert(key, value);
        spec
    }

    #[test]
    fn specs_are_judged_in_upstreams_words() {
        assert_eq!(complaints("v1.example.com", remote()), Vec::<String>::new());
        let local = doc!({"version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1});
        assert_eq!(complaints("v1.", local), Vec::<String>::new());
        let cases = [
            (
                with("versionPriority", doc!(1001)),
                "spec.versionPriority: Invalid value: 1001: must be positive and less than 1000",
            ),
            (
                with("groupPriorityMinimum", doc!(0)),
                "spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000",
            ),
            (with("service", doc!({"namespace": "a"})), "spec.service.name: Required value"),
            (with("service", Document::NULL), ""),
        ];
        for (spec, expected) in cases {
            assert_eq!(complaints("v1.example.com", spec).join("; "), expected);
        }
        assert_eq!(
            complaints("other", remote()),
            [
                r#"metadata.name: Invalid value: "other": must be `spec.version+"."+spec.group`: "v1.example.com""#
            ]
        );
        assert_eq!(
            complaints("v2.", doc!({"version": "v2", "groupPriorityMinimum": 1, "versionPriority": 1})),
            ["spec.group: Required value: only v1 may have an empty group and it better be legacy kube"]
        );
    }

    #[test]
    fn trust_is_for_services() {
        let mut local = with("service", Document::NULL);
        local.insert("caBundle", "YWJj");
        local.insert("insecureSkipTLSVerify", true);
        assert_eq!(
            complaints("v1.example.com", local.clone()),
            [
                r#"spec.caBundle: Invalid value: "3 bytes": local APIServices may not have a caBundle"#,
                "spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify",
            ]
        );
        local.insert("service", remote()["service"].clone());
        assert_eq!(
            complaints("v1.example.com", local),
            ["spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present"]
        );
    }

    #[test]
    fn conditions_hold_or_not_or_nobody_knows() {
        let object = doc!({"status": {"conditions": [{"type": "Available", "status": "Maybe"}]}});
        let errors = ApiService.validate_update(UpdateScope::Status, &object, &object);
        assert_eq!(
            errors[0].to_string(),
            r#"status.conditions[0].status: Unsupported value: "Maybe": supported values: "True", "False", "Unknown""#
        );
    }
}
