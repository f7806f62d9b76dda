//! MutatingWebhookConfigurations and ValidatingWebhookConfigurations.

use super::admission_rules::default_match;
use super::cells;
use crate::validation::{self, names};
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `admissionregistration.k8s.io/v1` webhook configurations.
pub(crate) enum WebhookConfiguration {
    /// Webhooks that may change objects.
    Mutating,
    /// Webhooks that may only refuse them.
    Validating,
}

const TIMEOUT_SECONDS: i64 = 10;

impl Strategy for WebhookConfiguration {
    fn default(&self, object: &mut Document) {
        for webhook in object.get_mut("webhooks").and_then(Document::as_array_mut).into_iter().flatten() {
            webhook.set_default(&["failurePolicy"], "Fail");
            default_match(webhook, "rules");
            webhook.set_default(&["timeoutSeconds"], TIMEOUT_SECONDS);
            if matches!(self, Self::Mutating) {
                webhook.set_default(&["reinvocationPolicy"], "Never");
            }
            if webhook.at(&["clientConfig", "service"]).is_some_and(|service| !service.is_null()) {
                webhook.set_default(&["clientConfig", "service", "port"], 443);
            }
        }
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("webhooks");
        let webhooks = object.array_at(&["webhooks"]).iter().enumerate();
        webhooks.flat_map(|(i, webhook)| webhook_errors(&field.index(i), webhook)).collect()
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::integer("Webhooks"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        vec![cells::name(object), cells::count(object, &["webhooks"]), cells::age(object, now)]
    }
}

fn webhook_errors(field: &FieldPath, webhook: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let name = webhook.str_at(&["name"]);
    out.extend(validation::invalid(&field.child("name"), name, names::dns1123_subdomain(name)));
    if name.split('.').count() < 3 {
        let why = "should be a domain with at least three segments separated by dots";
        out.push(FieldError::invalid(&field.child("name"), name, why));
    }
    let side_effects = webhook.str_at(&["sideEffects"]);
    if side_effects.is_empty() {
        let why = "must specify one of None, NoneOnDryRun";
        out.push(FieldError::required(&field.child("sideEffects"), why));
    } else {
        out.extend(validation::one_of(&field.child("sideEffects"), side_effects, &["None", "NoneOnDryRun"]));
    }
    let versions = webhook.array_at(&["admissionReviewVersions"]);
    let path = field.child("admissionReviewVersions");
    if versions.is_empty() {
        out.push(FieldError::required(&path, "must specify one of v1, v1beta1"));
    } else if !versions.iter().any(|v| matches!(v.as_str(), Some("v1" | "v1beta1"))) {
        let why = "must include at least one of v1, v1beta1";
        out.push(FieldError::invalid(&path, versions.to_vec(), why));
    }
    let given = |key: &str| webhook.at(&["clientConfig", key]).is_some_and(|part| !part.is_null());
    if given("url") == given("service") {
        let why = "exactly one of url or service is required";
        out.push(FieldError::required(&field.child("clientConfig"), why));
    }
    let timeout = webhook.i64_at(&["timeoutSeconds"]).unwrap_or(TIMEOUT_SECONDS);
    if !(1..=30).contains(&timeout) {
        let why = "the timeout value must be between 1 and 30 seconds";
        out.push(FieldError::invalid(&field.child("timeoutSeconds"), timeout, why));
    }
    out
}
