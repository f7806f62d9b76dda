//! ValidatingAdmissionPolicies, MutatingAdmissionPolicies and their bindings. Validation is in its own files; whether an
//! expression compiles is for who evaluates it.

mod binding;
mod policy;
mod status;
mod steps;

use super::admission_rules::{default_match, default_rules};
use super::cells;
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors};

/// Policies of `admissionregistration.k8s.io`.
pub(crate) enum AdmissionPolicy {
    /// Refuses requests.
    Validating,
    /// Changes objects.
    Mutating,
}

/// Bindings of policies to parameters and resources.
pub(crate) enum AdmissionPolicyBinding {
    /// Of a validating policy.
    Validating,
    /// Of a mutating policy.
    Mutating,
}

impl Strategy for AdmissionPolicy {
    fn metadata_kept_by_status(&self) -> &'static [&'static str] {
        crate::strategy::ALL_METADATA
    }

    fn default(&self, object: &mut Document) {
        let spec = object.ensure(&["spec"]);
        spec.set_default(&["failurePolicy"], "Fail");
        default_constraints(spec, "matchConstraints");
    }

    fn has_status(&self) -> bool {
        matches!(self, Self::Validating)
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        policy::errors(self, object, None)
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        match scope {
            UpdateScope::Main => policy::errors(self, new, Some(old)),
            UpdateScope::Status => status::errors(new),
        }
    }

    fn columns(&self) -> Vec<Column> {
        let steps = match self {
            Self::Validating => "Validations",
            Self::Mutating => "Mutations",
        };
        vec![Column::name(), Column::integer(steps), Column::text("ParamKind"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let steps = match self {
            Self::Validating => "validations",
            Self::Mutating => "mutations",
        };
        let kind = object.at(&["spec", "paramKind"]).filter(|kind| !kind.is_null());
        let kind = kind.map_or(cells::UNSET.to_owned(), |kind| {
            format!("{}/{}", kind.str_at(&["apiVersion"]), kind.str_at(&["kind"]))
        });
        vec![
            cells::name(object),
            cells::count(object, &["spec", steps]),
            kind.into(),
            cells::age(object, now),
        ]
    }
}

impl Strategy for AdmissionPolicyBinding {
    fn default(&self, object: &mut Document) {
        default_constraints(object.ensure(&["spec"]), "matchResources");
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        binding::errors(self, &object["spec"])
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("PolicyName"), Column::text("ParamRef"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let parameter = object.at(&["spec", "paramRef"]).filter(|parameter| !parameter.is_null());
        let parameter = parameter.map_or(cells::UNSET.to_owned(), |parameter| {
            match (parameter.str_at(&["namespace"]), parameter.str_at(&["name"])) {
                ("", "") => "*".to_owned(),
                ("", name) => name.to_owned(),
                (namespace, "") => format!("{namespace}/*"),
                (namespace, name) => format!("{namespace}/{name}"),
            }
        });
        let policy = cells::text(object, &["spec", "policyName"]);
        vec![cells::name(object), policy, parameter.into(), cells::age(object, now)]
    }
}

fn default_constraints(spec: &mut Document, field: &str) {
    if spec.get(field).is_some_and(|constraints| !constraints.is_null()) {
        let constraints = spec.ensure(&[field]);
        default_match(constraints, "resourceRules");
        default_rules(constraints, "excludeResourceRules");
    }
}
