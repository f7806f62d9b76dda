//! What is wrong with how objects are converted between versions. Paths have the names that the fields have inside
//! upstream's server.

use super::is_established;
use crate::validation::{self, one_of, webhook};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::collections::HashSet;

const STRATEGIES: [&str; 2] = ["None", "Webhook"];
/// Versions of ConversionReview that webhooks are asked in.
const REVIEW_VERSIONS: [&str; 2] = ["v1", "v1beta1"];

/// What is wrong with the conversion of a spec.
pub(super) fn errors(field: &FieldPath, spec: &Document, old: Option<&Document>) -> FieldErrors {
    let Some(conversion) = spec.get("conversion").filter(|conversion| !conversion.is_null()) else {
        return FieldErrors::new();
    };
    let strategy = conversion.str_at(&["strategy"]);
    let mut out = FieldErrors::new();
    if strategy != "None" && spec.bool_at(&["preserveUnknownFields"]) == Some(true) {
        let why = "must be None if spec.preserveUnknownFields is true";
        out.push(FieldError::invalid(&field.child("strategy"), strategy, why));
    }
    out.extend(one_of(&field.child("strategy"), strategy, &STRATEGIES));
    let config = conversion.at(&["webhook", "clientConfig"]).filter(|config| !config.is_null());
    let versions = conversion.array_at(&["webhook", "conversionReviewVersions"]);
    let (config_place, versions_place) =
        (field.child("webhookClientConfig"), field.child("conversionReviewVersions"));
    if strategy == "Webhook" {
        out.extend(client_config(&config_place, config, old));
        out.extend(review_versions(&versions_place, versions, old));
        return out;
    }
    let why = "should not be set when strategy is not set to Webhook";
    if config.is_some() {
        out.push(FieldError::forbidden(&config_place, why));
    }
    if !versions.is_empty() {
        out.push(FieldError::forbidden(&versions_place, why));
    }
    out
}

fn client_config(field: &FieldPath, config: Option<&Document>, old: Option<&Document>) -> FieldErrors {
    let Some(config) = config else {
        return vec![FieldError::required(field, "required when strategy is set to Webhook")];
    };
    let mut out = webhook::client_config(field, config);
    let (place, bundle) = (field.child("caBundle"), config.str_at(&["caBundle"]));
    if !bundle.is_empty() && !may_have_broken_bundle(old) {
        out.extend(webhook::ca_bundle(&place, bundle));
    }
    out
}

/// Until a definition is established, and where it was so before, a broken bundle does not hurt.
fn may_have_broken_bundle(old: Option<&Document>) -> bool {
    let Some(old) = old.filter(|old| is_established(old)) else { return true };
    let bundle = old.str_at(&["spec", "conversion", "webhook", "clientConfig", "caBundle"]);
    !bundle.is_empty() && webhook::ca_bundle(&FieldPath::root(), bundle).is_some()
}

fn is_known(version: &Document) -> bool {
    version.as_str().is_some_and(|version| REVIEW_VERSIONS.contains(&version))
}

fn review_versions(field: &FieldPath, versions: &[Document], old: Option<&Document>) -> FieldErrors {
    if versions.is_empty() {
        return vec![FieldError::required(field, "")];
    }
    let mut seen = HashSet::new();
    let mut out = FieldErrors::new();
    for (i, version) in versions.iter().filter_map(Document::as_str).enumerate() {
        let place = field.index(i);
        if seen.insert(version) {
            out.extend(validation::invalid(&place, version, validation::names::dns1035_label(version)));
        } else {
            out.push(FieldError::invalid(&place, version, "duplicate version"));
        }
    }
    let before = old.map(|old| old.array_at(&["spec", "conversion", "webhook", "conversionReviewVersions"]));
    let was_unknown = before.is_some_and(|before| !before.is_empty() && !before.iter().any(is_known));
    if !was_unknown && !versions.iter().any(is_known) {
        let why = "must include at least one of v1, v1beta1";
        out.push(FieldError::invalid(field, versions.to_vec(), why));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn complaints(conversion: Document, old: Option<&Document>) -> Vec<String> {
        let spec = doc!({"conversion": conversion});
        errors(&FieldPath::new("c"), &spec, old).iter().map(ToString::to_string).collect()
    }

    fn webhook(config: Document, versions: Document) -> Document {
        doc!({"strategy": "Webhook", "webhook": {"clientConfig": config, "conversionReviewVersions": versions}})
    }

    #[test]
    fn webhooks_convert_only_if_asked() {
        let url = doc!({"url": "https://example.com"});
        let cases = [
            (webhook(url.clone(), doc!(["v1"])), vec![]),
            (
                doc!({"strategy": "Webhook"}),
                vec![
                    "c.webhookClientConfig: Required value: required when strategy is set to Webhook",
                    "c.conversionReviewVersions: Required value",
                ],
            ),
            (
                webhook(doc!({}), doc!(["v2", "v2"])),
                vec![
                    "c.webhookClientConfig: Required value: exactly one of url or service is required",
                    r#"c.conversionReviewVersions[1]: Invalid value: "v2": duplicate version"#,
                    r#"c.conversionReviewVersions: Invalid value: ["v2","v2"]: must include at least one of v1, v1beta1"#,
                ],
            ),
            (
                doc!({"strategy": "None", "webhook": {"clientConfig": url, "conversionReviewVersions": ["v1"]}}),
                vec![
                    "c.webhookClientConfig: Forbidden: should not be set when strategy is not set to Webhook",
                    "c.conversionReviewVersions: Forbidden: should not be set when strategy is not set to Webhook",
                ],
            ),
            (
                doc!({"strategy": "Magic"}),
                vec![r#"c.strategy: Unsupported value: "Magic": supported values: "None", "Webhook""#],
            ),
        ];
        for (conversion, expected) in cases {
            assert_eq!(complaints(conversion.clone(), None), expected, "{conversion}");
        }
    }

    #[test]
    fn bundles_are_looked_at_once_the_definition_is_established() {
        let broken = webhook(doc!({"url": "https://example.com", "caBundle": "aGk="}), doc!(["v1"]));
        let mut old = doc!({"spec": {"conversion": {"strategy": "None"}}});
        assert_eq!(complaints(broken.clone(), Some(&old)), Vec::<String>::new());
        old.set(&["status", "conditions"], doc!([{"type": "Established", "status": "True"}]));
        assert_eq!(
            complaints(broken.clone(), Some(&old)),
            [
                r#"c.webhookClientConfig.caBundle: Invalid value: "aGk=": unable to load root certificates: unable to parse bytes as PEM block"#
            ]
        );
        old.set(&["spec", "conversion"], broken.clone());
        assert_eq!(complaints(broken, Some(&old)), Vec::<String>::new());
    }
}
