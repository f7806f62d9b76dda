//! What is wrong with the devices that a claim was given.

use super::reference::RequestNames;
use crate::kinds::devices::configuration::{self, Size};
use crate::kinds::devices::{binding, list, name, taint};
use crate::kinds::node_selector::{self, Values};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

const MAX_RESULTS: usize = 32;
/// Of classes and of the claim.
const MAX_CONFIGURATIONS: usize = 64;
const SOURCES: [&str; 2] = ["FromClaim", "FromClass"];

/// What is wrong with an allocation that is new.
pub(super) fn errors(field: &FieldPath, allocation: &Document, names: &RequestNames<'_>) -> FieldErrors {
    let devices = field.child("devices");
    let results = allocation.array_at(&["devices", "results"]);
    let mut out =
        list(&devices.child("results"), results, MAX_RESULTS, |field, one| result(field, one, names));
    let configurations = allocation.array_at(&["devices", "config"]);
    out.extend(list(&devices.child("config"), configurations, MAX_CONFIGURATIONS, |field, one| {
        allocated_configuration(field, one, names)
    }));
    if let Some(selector) = allocation.get("nodeSelector").filter(|selector| !selector.is_null()) {
        out.extend(node_selector::selector(&field.child("nodeSelector"), selector, Values::Checked));
    }
    out
}

fn result(field: &FieldPath, result: &Document, names: &RequestNames<'_>) -> FieldErrors {
    let text = |name: &str| result.str_at(&[name]);
    let mut out = names.errors(&field.child("request"), text("request"));
    out.extend(name::driver(&field.child("driver"), text("driver")));
    out.extend(name::pool(&field.child("pool"), text("pool")));
    out.extend(name::label(&field.child("device"), text("device")));
    out.extend(binding::errors(field, result));
    out.extend(taint::tolerations(&field.child("tolerations"), result.array_at(&["tolerations"])));
    let share = result.get("shareID").and_then(Document::as_str);
    out.extend(share.and_then(|share| name::uid(&field.child("shareID"), share)));
    out
}

fn allocated_configuration(
    field: &FieldPath,
    configuration: &Document,
    names: &RequestNames<'_>,
) -> FieldErrors {
    let mut out = FieldErrors::new();
    let source = configuration.str_at(&["source"]);
    if source.is_empty() {
        out.push(FieldError::required(&field.child("source"), ""));
    } else if !SOURCES.contains(&source) {
        out.push(FieldError::not_supported(&field.child("source"), source, &SOURCES));
    }
    out.extend(names.list_errors(&field.child("requests"), configuration.array_at(&["requests"])));
    out.extend(configuration::errors(field, configuration, Size::Limited));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn results_name_a_request_and_a_device() {
        let devices = doc!({"requests": [{"name": "a"}]});
        let names = RequestNames::of(&devices);
        let texts = |allocation: Document| -> Vec<String> {
            errors(&FieldPath::new("a"), &allocation, &names).iter().map(ToString::to_string).collect()
        };
        let fine = doc!({"request": "a", "driver": "d", "pool": "p", "device": "x"});
        assert_eq!(texts(doc!({"devices": {"results": [fine]}})), Vec::<String>::new());
        assert_eq!(
            texts(
                doc!({"devices": {"results": [{"request": "a", "driver": "d", "device": "x", "shareID": "s"}]}})
            ),
            [
                "a.devices.results[0].pool: Required value",
                r#"a.devices.results[0].shareID: Invalid value: "s": error validating uid: invalid UUID length: 1"#,
            ]
        );
        assert_eq!(
            texts(doc!({"devices": {"config": [{"source": "Mine"}]}, "nodeSelector": {}})),
            [
                r#"a.devices.config[0].source: Unsupported value: "Mine": supported values: "FromClaim", "FromClass""#,
                "a.devices.config[0].opaque: Required value",
                "a.nodeSelector.nodeSelectorTerms: Required value: must have at least one node selector term",
            ]
        );
    }
}
