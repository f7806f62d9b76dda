//! How long claims live (KEP-1847): a claim that is to go with its set has the set for an owner, one that is to go when
//! the set shrinks gets its pod for an owner once the pod is too many. The garbage collector does the rest.

use super::claims::CachedClaim;
use super::ordinal;
use crate::ownership::controller_ref;
use crate::plan::{Notice, Write};
use skiff_apimachinery::Document;
use skiff_client::resources::PERSISTENT_VOLUME_CLAIMS;

/// `spec.persistentVolumeClaimRetentionPolicy`; what is no policy retains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Policy {
    delete_with_set: bool,
    delete_when_scaled: bool,
}

/// The two objects that may own a claim.
pub(super) struct Owners<'w> {
    set: &'w Document,
    pod: &'w Document,
    policy: Policy,
    /// Whether the pod is one too many.
    condemned: bool,
}

impl Policy {
    fn of(set: &Document) -> Self {
        let policy = |field| set.str_at(&["spec", "persistentVolumeClaimRetentionPolicy", field]);
        let (deleted, scaled) = (policy("whenDeleted"), policy("whenScaled"));
        let known = |policy: &str| matches!(policy, "Retain" | "Delete");
        if !known(deleted) || !known(scaled) {
            return Self { delete_with_set: false, delete_when_scaled: false };
        }
        Self { delete_with_set: deleted == "Delete", delete_when_scaled: scaled == "Delete" }
    }
}

/// Whether a claim still has a pod for an owner that had the name before: it goes with that one, and a new pod must wait.
pub(super) fn is_stale(set: &Document, pod: &str, claim: &Document) -> bool {
    let of_pod = |owner: &Document| {
        owner.str_at(&["apiVersion"]) == "v1"
            && owner.str_at(&["kind"]) == "Pod"
            && owner.str_at(&["name"]) == pod
    };
    Policy::of(set).delete_when_scaled && claim.owner_references().iter().any(of_pod)
}

impl<'w> Owners<'w> {
    pub(super) fn new(set: &'w Document, pod: &'w Document, ordinal: i64) -> Self {
        let condemned = !ordinal::wanted(set).contains(&ordinal);
        Self { set, pod, policy: Policy::of(set), condemned }
    }

    /// Gives the claims the owners that they are to have; those that have them are left out.
    pub(super) fn corrections(&self, claims: &[&CachedClaim]) -> Vec<Write> {
        let wrong = claims.iter().filter(|claim| !self.are_right(claim));
        wrong.map(|claim| Write::update(&PERSISTENT_VOLUME_CLAIMS, self.corrected(claim))).collect()
    }

    /// Tells of claims that another controller has, for which the policy cannot be kept.
    pub(super) fn conflicts(&self, claims: &[&CachedClaim]) -> Vec<Notice> {
        let foreign = claims.iter().filter(|claim| self.has_unexpected_controller(claim));
        let told = foreign.map(|claim| {
            let message = format!(
                "PersistentVolumeClaim {} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim",
                claim.name()
            );
            Notice::warning(self.set, "ConflictingController", message)
        });
        told.collect()
    }

    fn are_right(&self, claim: &Document) -> bool {
        // Owners from before, which are gone by now: the garbage collector decides about the claim.
        if has_stale_reference(claim, self.set) || has_stale_reference(claim, self.pod) {
            return true;
        }
        let (set, pod) = (reference_to(claim, self.set), reference_to(claim, self.pod));
        if self.has_unexpected_controller(claim) {
            return set.is_none() && pod.is_none();
        }
        let controls = |owner: Option<&Document>| owner.is_none_or(is_controller);
        controls(set)
            && controls(pod)
            && set.is_some() == self.wants_set()
            && pod.is_some() == self.wants_pod()
    }

    fn wants_set(&self) -> bool {
        self.policy.delete_with_set && !(self.policy.delete_when_scaled && self.condemned)
    }

    fn wants_pod(&self) -> bool {
        self.policy.delete_when_scaled && self.condemned
    }

    fn corrected(&self, claim: &Document) -> Document {
        let mut owners = claim.owner_references().to_vec();
        owners.retain(|owner| !names(owner, self.set) && !names(owner, self.pod));
        if !self.has_unexpected_controller(claim) {
            if self.wants_set() {
                owners.push(controller_ref(self.set));
            }
            if self.wants_pod() {
                owners.push(controller_ref(self.pod));
            }
        }
        let mut changed = claim.clone();
        if owners.is_empty() {
            changed.remove(&["metadata", "ownerReferences"]);
        } else {
            changed.set(&["metadata", "ownerReferences"], owners);
        }
        changed
    }

    fn has_unexpected_controller(&self, claim: &Document) -> bool {
        if !self.policy.delete_with_set && !self.policy.delete_when_scaled {
            return false;
        }
        claim.owner_references().iter().any(|owner| {
            match [self.set, self.pod].into_iter().find(|object| names(owner, object)) {
                Some(object) => owner.str_at(&["uid"]) != object.uid(),
                None => is_controller(owner),
            }
        })
    }
}

/// Whether a reference names an object, be it this one or one before it.
fn names(owner: &Document, object: &Document) -> bool {
    ["apiVersion", "kind"].iter().all(|field| owner.str_at(&[field]) == object.str_at(&[field]))
        && owner.str_at(&["name"]) == object.name()
}

fn is_controller(owner: &Document) -> bool {
    owner.bool_at(&["controller"]) == Some(true)
}

fn reference_to<'c>(claim: &'c Document, object: &Document) -> Option<&'c Document> {
    claim.owner_references().iter().find(|owner| owner.str_at(&["uid"]) == object.uid())
}

fn has_stale_reference(claim: &Document, object: &Document) -> bool {
    let named = claim.owner_references().iter().find(|owner| names(owner, object));
    named.is_some_and(|owner| owner.str_at(&["uid"]) != object.uid())
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;
    use skiff_client::Cached;
    use std::sync::Arc;

    fn set(deleted: &str, scaled: &str) -> Document {
        doc!({
            "apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": {"name": "web", "namespace": "n", "uid": "s"},
            "spec": {"replicas": 2, "persistentVolumeClaimRetentionPolicy": {"whenDeleted": deleted, "whenScaled": scaled}}
        })
    }

    fn pod() -> Document {
        doc!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1", "namespace": "n", "uid": "p"}})
    }

    fn reference(kind: &str, name: &str, uid: &str) -> Document {
        let version = if kind == "Pod" { "v1" } else { "apps/v1" };
        doc!({"apiVersion": version, "kind": kind, "name": name, "uid": uid, "controller": true, "blockOwnerDeletion": true})
    }

    fn claim(owners: Vec<Document>) -> CachedClaim {
        let mut claim = doc!({"metadata": {"name": "data-web-1", "namespace": "n"}});
        if !owners.is_empty() {
            claim.set(&["metadata", "ownerReferences"], owners);
        }
        Arc::new(Cached::decode(Arc::new(claim)).unwrap())
    }

    /// The UIDs of the owners that a claim gets; `None` if it is left as it is.
    fn owners(set: &Document, ordinal: i64, owners: Vec<Document>) -> Option<Vec<String>> {
        let (pod, claim) = (pod(), claim(owners));
        let writes = Owners::new(set, &pod, ordinal).corrections(&[&claim]);
        let body = writes.first()?.call.body.as_ref()?;
        Some(body.owner_references().iter().map(|owner| owner.str_at(&["uid"]).to_owned()).collect())
    }

    #[test]
    fn a_claim_has_the_owners_that_the_policy_asks_for() {
        let of_set = || vec![reference("StatefulSet", "web", "s")];
        let of_pod = || vec![reference("Pod", "web-1", "p")];
        let both = || [of_set(), of_pod()].concat();
        let (stays, goes) = (1, 2);
        let cases = [
            ("Retain", "Retain", stays, vec![], None),
            ("Retain", "Retain", stays, both(), Some(vec![])),
            ("Delete", "Retain", stays, vec![], Some(vec!["s"])),
            ("Delete", "Retain", goes, of_set(), None),
            ("Delete", "Retain", stays, both(), Some(vec!["s"])),
            ("Retain", "Delete", stays, vec![], None),
            ("Retain", "Delete", goes, vec![], Some(vec!["p"])),
            ("Retain", "Delete", stays, of_pod(), Some(vec![])),
            ("Delete", "Delete", stays, vec![], Some(vec!["s"])),
            ("Delete", "Delete", goes, of_set(), Some(vec!["p"])),
            ("Delete", "Delete", stays, of_pod(), Some(vec!["s"])),
            ("", "Delete", goes, vec![], None),
        ];
        for (deleted, scaled, ordinal, before, wanted) in cases {
            let what = format!("{deleted} {scaled} {ordinal} {before:?}");
            let wanted: Option<Vec<String>> =
                wanted.map(|uids| uids.into_iter().map(str::to_owned).collect());
            assert_eq!(owners(&set(deleted, scaled), ordinal, before), wanted, "{what}");
        }
    }

    #[test]
    fn strangers_keep_what_is_theirs() {
        let foreign = || reference("Database", "db", "x");
        let stale = || reference("StatefulSet", "web", "old");
        let mut plain = reference("StatefulSet", "web", "s");
        plain.remove(&["controller"]);
        let deleting = set("Delete", "Retain");
        assert_eq!(owners(&deleting, 1, vec![foreign()]), None);
        let ours = vec![foreign(), reference("StatefulSet", "web", "s")];
        assert_eq!(owners(&deleting, 1, ours), Some(vec!["x".to_owned()]));
        assert_eq!(owners(&deleting, 1, vec![stale()]), None);
        assert_eq!(owners(&deleting, 1, vec![plain]), Some(vec!["s".to_owned()]));
        assert_eq!(owners(&set("Retain", "Retain"), 1, vec![foreign()]), None);
    }

    #[test]
    fn another_controller_is_told_of() {
        let (pod, claim) = (pod(), claim(vec![reference("Database", "db", "x")]));
        let told = |set: &Document| Owners::new(set, &pod, 1).conflicts(&[&claim]);
        assert!(told(&set("Retain", "Retain")).is_empty());
        let notices = told(&set("Retain", "Delete"));
        assert_eq!(notices.len(), 1);
        assert_eq!(
            notices[0].message,
            "PersistentVolumeClaim data-web-1 has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim"
        );
    }

    #[test]
    fn only_claims_of_pods_before_are_stale() {
        let before = claim(vec![reference("Pod", "web-1", "old")]);
        assert!(is_stale(&set("Retain", "Delete"), "web-1", &before));
        assert!(!is_stale(&set("Retain", "Delete"), "web-2", &before));
        assert!(!is_stale(&set("Delete", "Retain"), "web-1", &before));
        assert!(!is_stale(
            &set("Retain", "Delete"),
            "web-1",
            &claim(vec![reference("StatefulSet", "web", "s")])
        ));
    }
}
