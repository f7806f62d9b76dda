//! What a write adds to quotas, and whether that still fits.

use super::{Evaluator, Write, applies};
use crate::resource_list::ResourceList;
use jiff::Timestamp;
use skiff_apimachinery::Document;

/// A quota that a write uses more of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// Which of the quotas.
    pub index: usize,
    /// Its `status.used` from then on.
    pub used: ResourceList,
}

/// Charges a write to the quotas of its namespace. No charge means that there is nothing to count.
///
/// # Errors
/// Why the write is forbidden, in upstream's words.
pub fn charge(
    quotas: &[impl AsRef<Document>],
    evaluator: &dyn Evaluator,
    write: &Write<'_>,
    now: Timestamp,
) -> Result<Vec<Charge>, String> {
    let mut applicable = Vec::new();
    for (index, quota) in quotas.iter().map(AsRef::as_ref).enumerate() {
        let hard = ResourceList::read(quota.object_at(&["status", "hard"]));
        if !applies(quota, &hard, evaluator, write.object) {
            continue;
        }
        let used = ResourceList::read(quota.object_at(&["status", "used"]));
        let tracked: Vec<&str> = hard.names().filter(|name| evaluator.tracks(name)).collect();
        if let Some(why) = evaluator.unmeasurable(&tracked, write.object) {
            return Err(format!("failed quota: {}: {why}", quota.name()));
        }
        if tracked.iter().any(|name| !used.contains(name)) {
            let names = tracked.join(",");
            return Err(format!("status unknown for quota: {}, resources: {names}", quota.name()));
        }
        applicable.push((index, quota, hard, used));
    }
    if applicable.is_empty() {
        return Ok(Vec::new());
    }
    let usage = evaluator.usage(write.object, now);
    let negative = usage.filtered(|_, amount| amount.is_negative());
    if !negative.is_empty() {
        let names: Vec<&str> = negative.names().collect();
        return Err(format!("quota usage is negative for resource(s): {}", names.join(",")));
    }
    let mut charges = Vec::new();
    for (index, quota, hard, mut used) in applicable {
        let mut more = usage.clone();
        // What a quota did not count before counts in full.
        if let Some(old) = write.old.filter(|old| applies(quota, &hard, evaluator, old)) {
            more.saturating_subtract(&evaluator.usage(old, now));
        }
        let more = more.filtered(|name, amount| !amount.is_zero() && hard.contains(name));
        if more.is_empty() {
            continue;
        }
        let before = used.clone();
        used.add(&more);
        // Growth that a controller reports has happened: it is counted, not refused.
        if write.subresource != "status" {
            let exceeded = more.filtered(|name, _| used.get(name) > hard.get(name));
            if !exceeded.is_empty() {
                let of = |list: &ResourceList| list.filtered(|name, _| exceeded.contains(name));
                return Err(format!(
                    "exceeded quota: {}, requested: {exceeded}, used: {}, limited: {}",
                    quota.name(),
                    of(&before),
                    of(&hard)
                ));
            }
        }
        charges.push(Charge { index, used });
    }
    Ok(charges)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quota::evaluators;
    use skiff_apimachinery::{GroupResource, doc};
    use std::sync::Arc;

    fn quota(hard: Document, used: Document) -> Vec<Arc<Document>> {
        vec![Arc::new(doc!({"metadata": {"name": "q"}, "status": {"hard": hard, "used": used}}))]
    }

    fn pod(cpu: &str) -> Document {
        doc!({"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]}})
    }

    fn charged(quotas: &[Arc<Document>], object: &Document) -> Result<Vec<Charge>, String> {
        let pods = evaluators::of(&GroupResource::new("", "pods"));
        charge(quotas, &*pods, &Write { subresource: "", object, old: None }, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_pod_is_charged_until_it_no_longer_fits() {
        let hard = doc!({"pods": "2", "requests.cpu": "1"});
        let quotas = quota(hard.clone(), doc!({"pods": "1", "requests.cpu": "500m"}));
        let charges = charged(&quotas, &pod("500m")).unwrap();
        assert_eq!(charges[0].used.to_string(), "pods=2,requests.cpu=1");
        let refused = charged(&quotas, &pod("600m")).unwrap_err();
        assert_eq!(
            refused,
            "exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=500m, limited: requests.cpu=1"
        );
    }

    #[test]
    fn containers_have_to_say_what_a_quota_counts() {
        let quotas = quota(doc!({"requests.cpu": "1"}), doc!({"requests.cpu": "0"}));
        let silent = doc!({"spec": {"containers": [{"name": "c"}, {"name": "a"}]}});
        assert_eq!(
            charged(&quotas, &silent).unwrap_err(),
            "failed quota: q: must specify requests.cpu for: a,c"
        );
    }

    #[test]
    fn nothing_is_admitted_before_usage_is_known() {
        let quotas = quota(doc!({"pods": "1"}), doc!({}));
        assert_eq!(charged(&quotas, &pod("1")).unwrap_err(), "status unknown for quota: q, resources: pods");
    }

    #[test]
    fn only_growth_is_charged() {
        let services = evaluators::of(&GroupResource::new("", "services"));
        let quotas = quota(
            doc!({"services.nodeports": "1", "services": "1"}),
            doc!({"services.nodeports": "0", "services": "1"}),
        );
        let old = doc!({"metadata": {"resourceVersion": "1"}, "spec": {"type": "ClusterIP", "ports": [{"port": 1}]}});
        let mut new = old.clone();
        let write = |new: &Document| {
            charge(
                &quotas,
                &*services,
                &Write { subresource: "", object: new, old: Some(&old) },
                Timestamp::UNIX_EPOCH,
            )
        };
        assert_eq!(write(&new).unwrap(), Vec::new());
        new.set(&["spec", "type"], "NodePort");
        assert_eq!(write(&new).unwrap()[0].used.to_string(), "services=1,services.nodeports=1");
    }
}
