//! What is to be done about definitions. Pure: all definitions in, new states and deletions out.

use super::FINALIZER;
use super::conditions::{self, Condition, ESTABLISHED, NAMES_ACCEPTED};
use super::names::Claims;
use super::policy;
use jiff::Timestamp;
use skiff_apimachinery::Document;
use std::collections::HashMap;
use std::sync::Arc;

/// What is to be done about one definition.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// The definition as it should be.
    pub(super) definition: Arc<Document>,
    /// Whether that is not what is stored.
    pub(super) status_changed: bool,
    /// Whether its instances are to be removed.
    pub(super) clean_up: bool,
}

/// Decides about all definitions; of two that ask for the same name in one pass the first gets it.
pub(super) fn plan(definitions: &[Arc<Document>], now: Timestamp) -> Vec<Step> {
    let mut claims: HashMap<String, Claims> = HashMap::new();
    for definition in definitions {
        if let Some(accepted) = definition.at(&["status", "acceptedNames"]) {
            claims.entry(group(definition)).or_default().add(accepted);
        }
    }
    definitions
        .iter()
        .map(|definition| step(definition, claims.entry(group(definition)).or_default(), now))
        .collect()
}

fn step(definition: &Arc<Document>, claims: &mut Claims, now: Timestamp) -> Step {
    if definition.deletion_timestamp().is_some() {
        let clean_up = definition.finalizers().any(|finalizer| finalizer == FINALIZER);
        return Step { definition: definition.clone(), status_changed: false, clean_up };
    }
    let verdict = claims.judge(definition);
    claims.add(&verdict.accepted);
    let mut wanted = Document::clone(definition);
    wanted.set(&["status", "acceptedNames"], verdict.accepted);
    let accepted = verdict.condition.holds;
    conditions::set(&mut wanted, &verdict.condition, now);
    if !conditions::holds(definition, ESTABLISHED) {
        // The row is published before this is written, so there is nothing between installing and established.
        let established = if accepted {
            Condition::new(ESTABLISHED, true, "InitialNamesAccepted", "the initial names have been accepted")
        } else {
            Condition::new(ESTABLISHED, false, "NotAccepted", "not all names are accepted")
        };
        conditions::set(&mut wanted, &established, now);
    }
    policy::tell(&mut wanted, now);
    let status_changed = wanted != **definition;
    Step { definition: Arc::new(wanted), status_changed, clean_up: false }
}

/// Whether a definition's resource is served.
pub(super) fn is_served(definition: &Document) -> bool {
    conditions::holds(definition, ESTABLISHED)
}

/// Whether the definition ever got the names that it asks for.
pub(super) fn has_names(definition: &Document) -> bool {
    is_served(definition) || conditions::holds(definition, NAMES_ACCEPTED)
}

fn group(definition: &Document) -> String {
    definition.str_at(&["spec", "group"]).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn definition(name: &str, short: &str) -> Arc<Document> {
        Arc::new(doc!({
            "metadata": {"name": format!("{name}s.example.com")},
            "spec": {"group": "example.com", "names": {
                "plural": format!("{name}s"), "singular": name, "kind": name.to_uppercase(),
                "listKind": format!("{}LIST", name.to_uppercase()), "shortNames": [short]
            }}
        }))
    }

    fn now() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_new_definition_is_established_at_once_and_then_left_alone() {
        let steps = plan(&[definition("boat", "bt")], now());
        assert!(steps[0].status_changed && is_served(&steps[0].definition));
        let again = plan(&[steps[0].definition.clone()], now());
        assert!(!again[0].status_changed);
    }

    #[test]
    fn of_two_that_want_a_name_the_first_gets_it() {
        let steps = plan(&[definition("boat", "b"), definition("brig", "b")], now());
        assert!(is_served(&steps[0].definition) && !is_served(&steps[1].definition));
        let conditions = steps[1].definition.array_at(&["status", "conditions"]);
        let told: Vec<(&str, &str, &str)> = conditions
            .iter()
            .map(|c| (c.str_at(&["type"]), c.str_at(&["reason"]), c.str_at(&["message"])))
            .collect();
        assert_eq!(
            told,
            [
                (NAMES_ACCEPTED, "ShortNamesConflict", "\"b\" is already in use"),
                (ESTABLISHED, "NotAccepted", "not all names are accepted")
            ]
        );
        // When the first is gone the name is free.
        let freed = plan(&[steps[1].definition.clone()], now());
        assert!(is_served(&freed[0].definition));
    }

    #[test]
    fn a_definition_that_goes_is_cleaned_up_after() {
        let mut going = Document::clone(&definition("boat", "bt"));
        going.set(&["metadata", "deletionTimestamp"], "2026-01-01T00:00:00Z");
        going.set(&["metadata", "finalizers"], vec![FINALIZER]);
        let steps = plan(&[Arc::new(going)], now());
        assert!(steps[0].clean_up && !steps[0].status_changed);
    }
}
