//! ServiceAccounts: their secrets are named and nothing more.

use super::cells;
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, doc};

/// `v1 ServiceAccount`.
pub(crate) struct ServiceAccount;

/// The annotation that limits pods to the account's own secrets.
const ENFORCE: &str = "kubernetes.io/enforce-mountable-secrets";

/// References to secrets keep only their names: the rest was never meant.
fn name_secrets(account: &mut Document) {
    let secrets = account.get_mut("secrets").and_then(Document::as_array_mut);
    for secret in secrets.into_iter().flatten() {
        let name = secret.str_at(&["name"]).to_owned();
        *secret = if name.is_empty() { Document::object() } else { doc!({"name": name}) };
    }
}

impl Strategy for ServiceAccount {
    fn prepare_for_create(&self, object: &mut Document) {
        name_secrets(object);
    }

    fn prepare_for_update(&self, _: UpdateScope, new: &mut Document, _old: &Document) {
        name_secrets(new);
    }

    fn warnings(&self, new: &Document, old: Option<&Document>) -> Vec<String> {
        let had = old.is_some_and(|old| old.annotation(ENFORCE).is_some());
        if had || new.annotation(ENFORCE).is_none() {
            return Vec::new();
        }
        vec![format!(
            "metadata.annotations[{ENFORCE}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"
        )]
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("Secrets"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        vec![cells::name(object), cells::count(object, &["secrets"]), cells::age(object, now)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_named_and_nothing_more() {
        let given = doc!({"secrets": [{"kind": "Secret", "name": "a", "namespace": "n"}, {"uid": "u"}]});
        let mut created = given.clone();
        ServiceAccount.prepare_for_create(&mut created);
        assert_eq!(created, doc!({"secrets": [{"name": "a"}, {}]}));
        let mut changed = given.clone();
        ServiceAccount.prepare_for_update(UpdateScope::Main, &mut changed, &given);
        assert_eq!(changed, created);
    }

    #[test]
    fn limiting_secrets_is_warned_of_once() {
        let account = doc!({"metadata": {"annotations": {ENFORCE: "true"}}});
        assert_eq!(
            ServiceAccount.warnings(&account, Some(&doc!({}))),
            [
                "metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"
            ]
        );
        assert!(ServiceAccount.warnings(&account, Some(&account)).is_empty());
    }
}
