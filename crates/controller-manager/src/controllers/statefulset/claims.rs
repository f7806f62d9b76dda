//! The claims of a set's pods: each pod has its own claim for each of `spec.volumeClaimTemplates`, and keeps it when the
//! pod is replaced.

use super::notice;
use super::ordinal;
use crate::plan::Write;
use skiff_apimachinery::{Document, Map, doc};
use skiff_client::resources::PERSISTENT_VOLUME_CLAIMS;
use skiff_client::{Cached, Untyped};
use std::collections::HashMap;
use std::sync::Arc;

/// A claim as informers hold it.
pub(super) type CachedClaim = Arc<Cached<Untyped>>;

/// The claims that there are, by name.
#[derive(Default)]
pub(super) struct Claims(HashMap<String, CachedClaim>);

/// The claims of one pod.
#[derive(Default)]
pub(super) struct OfPod<'w> {
    /// Those that there are.
    pub(super) present: Vec<&'w CachedClaim>,
    /// Those that are to be created.
    pub(super) missing: Vec<Document>,
}

impl FromIterator<CachedClaim> for Claims {
    fn from_iter<I: IntoIterator<Item = CachedClaim>>(claims: I) -> Self {
        Self(claims.into_iter().map(|claim| (claim.name().to_owned(), claim)).collect())
    }
}

impl Claims {
    /// The claims of the pod with a number.
    pub(super) fn of_pod(&self, set: &Document, ordinal: i64) -> OfPod<'_> {
        let mut found = OfPod::default();
        for template in templates(set) {
            match self.0.get(&name(set, template, ordinal)) {
                Some(claim) => found.present.push(claim),
                None => found.missing.push(claim(set, template, ordinal)),
            }
        }
        found
    }
}

impl OfPod<'_> {
    /// Creates those that are missing.
    pub(super) fn creations(&self, set: &Document, pod: &str) -> Vec<Write> {
        let creations = self.missing.iter().map(|claim| {
            let write = Write::create(&PERSISTENT_VOLUME_CLAIMS, set.namespace(), claim.clone());
            notice::told_of_claim(write, set, claim.name(), pod)
        });
        creations.collect()
    }

    /// Why a pod cannot have these claims: some are on their way out.
    pub(super) fn obstacles(&self) -> Vec<String> {
        let leaving = self.present.iter().filter(|claim| claim.deletion_timestamp().is_some());
        leaving.map(|claim| format!("pvc {} is being deleted", claim.name())).collect()
    }
}

fn templates(set: &Document) -> &[Document] {
    set.array_at(&["spec", "volumeClaimTemplates"])
}

/// The names of the claims of the pod with a number.
pub(super) fn names(set: &Document, ordinal: i64) -> impl Iterator<Item = String> {
    templates(set).iter().map(move |template| name(set, template, ordinal))
}

fn name(set: &Document, template: &Document, ordinal: i64) -> String {
    format!("{}-{}-{ordinal}", template.name(), set.name())
}

/// The number of the pod whose claim has this name; `None` if the set gives no claim this name.
pub(super) fn ordinal_of(set: &Document, claim: &str) -> Option<i64> {
    templates(set).iter().find_map(|template| {
        let pod = claim.strip_prefix(template.name())?.strip_prefix('-')?;
        ordinal::of(set, &doc!({"metadata": {"name": pod}}))
    })
}

fn claim(set: &Document, template: &Document, ordinal: i64) -> Document {
    let mut claim = template.clone();
    claim.insert("apiVersion", "v1");
    claim.insert("kind", "PersistentVolumeClaim");
    claim.set(&["metadata", "name"], name(set, template, ordinal));
    claim.set(&["metadata", "namespace"], set.namespace());
    let selected = set.object_at(&["spec", "selector", "matchLabels"]);
    for (key, value) in selected.into_iter().flat_map(Map::iter) {
        claim.set(&["metadata", "labels", key], value);
    }
    claim
}

/// Gives a pod's spec the volumes of its claims; they take the place of volumes with the same names.
pub(super) fn mount(set: &Document, ordinal: i64, pod: &mut Document) {
    let of_claim = |template: &Document| {
        let claim = doc!({"claimName": name(set, template, ordinal)});
        doc!({"name": template.name(), "persistentVolumeClaim": claim})
    };
    let mut volumes: Vec<Document> = templates(set).iter().map(of_claim).collect();
    if volumes.is_empty() {
        return;
    }
    let replaced = |volume: &&Document| templates(set).iter().any(|t| t.name() == volume.str_at(&["name"]));
    let others = pod.array_at(&["spec", "volumes"]).iter().filter(|volume| !replaced(volume));
    volumes.extend(others.cloned());
    pod.set(&["spec", "volumes"], volumes);
}

/// Whether a pod has the volumes of its claims.
pub(super) fn are_mounted(set: &Document, ordinal: i64, pod: &Document) -> bool {
    let volumes = pod.array_at(&["spec", "volumes"]);
    templates(set).iter().all(|template| {
        let volume = volumes.iter().rev().find(|volume| volume.str_at(&["name"]) == template.name());
        let claim = volume.map(|volume| volume.str_at(&["persistentVolumeClaim", "claimName"]));
        claim.is_some_and(|claim| claim == name(set, template, ordinal))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> Document {
        doc!({
            "metadata": {"name": "web", "namespace": "n"},
            "spec": {
                "selector": {"matchLabels": {"app": "web"}},
                "volumeClaimTemplates": [
                    {"metadata": {"name": "data", "labels": {"app": "x", "tier": "db"}}, "spec": {"storageClassName": "fast"}},
                    {"metadata": {"name": "data-log"}, "spec": {}}
                ]
            }
        })
    }

    #[test]
    fn a_claim_is_its_template_with_the_pods_number_and_the_selectors_labels() {
        let found = Claims::default();
        let found = found.of_pod(&set(), 3);
        assert!(found.present.is_empty());
        assert_eq!(
            found.missing,
            [
                doc!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": {"storageClassName": "fast"},
                    "metadata": {"name": "data-web-3", "namespace": "n", "labels": {"app": "web", "tier": "db"}}}),
                doc!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": {},
                    "metadata": {"name": "data-log-web-3", "namespace": "n", "labels": {"app": "web"}}}),
            ]
        );
    }

    #[test]
    fn a_claim_tells_whose_it_is() {
        let cases = [
            ("data-web-0", Some(0)),
            ("data-log-web-12", Some(12)),
            ("data-web-x", None),
            ("other-web-0", None),
            ("data-webs-0", None),
        ];
        for (claim, wanted) in cases {
            assert_eq!(ordinal_of(&set(), claim), wanted, "{claim}");
        }
    }

    #[test]
    fn volumes_of_claims_take_the_place_of_others_with_their_names() {
        let mut pod =
            doc!({"spec": {"volumes": [{"name": "data", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}]}});
        assert!(!are_mounted(&set(), 1, &pod));
        mount(&set(), 1, &mut pod);
        assert_eq!(
            pod["spec"]["volumes"],
            doc!([
                {"name": "data", "persistentVolumeClaim": {"claimName": "data-web-1"}},
                {"name": "data-log", "persistentVolumeClaim": {"claimName": "data-log-web-1"}},
                {"name": "tmp", "emptyDir": {}}
            ])
        );
        assert!(are_mounted(&set(), 1, &pod));
        assert!(!are_mounted(&set(), 2, &pod));
    }
}
