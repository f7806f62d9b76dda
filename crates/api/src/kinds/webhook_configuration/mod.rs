//! MutatingWebhookConfigurations and ValidatingWebhookConfigurations. Validation is in its own file.

mod validate;

use super::admission_rules::default_match;
use super::cells;
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors};

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
        validate::webhooks(object, None)
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        validate::webhooks(new, Some(old))
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::integer("Webhooks"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        vec![cells::name(object), cells::count(object, &["webhooks"]), cells::age(object, now)]
    }
}
