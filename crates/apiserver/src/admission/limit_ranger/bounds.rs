//! Whether amounts are within a LimitRange's bounds, in upstream's words.

use skiff_api::pod_resources::{self, Which};
use skiff_api::resource_list::ResourceList;
use skiff_apimachinery::Document;
use skiff_apimachinery::quantity::Quantity;

/// One of the bounds of a range, and what it is held against.
struct Bound<'a> {
    /// `Container`, `Pod` or `PersistentVolumeClaim`.
    kind: &'a str,
    resource: &'a str,
    enforced: Quantity,
    request: Option<Quantity>,
    limit: Option<Quantity>,
}

/// What a pod breaks.
pub(super) fn of_pod(range: &Document, pod: &Document) -> Vec<String> {
    let mut broken = Vec::new();
    for item in range.array_at(&["spec", "limits"]) {
        match item.str_at(&["type"]) {
            "Container" => {
                for list in ["containers", "initContainers"] {
                    for container in pod.array_at(&["spec", list]) {
                        let amounts = (Which::Requests.of(container), Which::Limits.of(container));
                        broken.extend(compare(item, &amounts.0, &amounts.1));
                    }
                }
            }
            "Pod" => {
                if let Some(spec) = pod.get("spec") {
                    let of = |which| pod_resources::aggregate(spec, which);
                    broken.extend(compare(item, &of(Which::Requests), &of(Which::Limits)));
                }
            }
            _ => {}
        }
    }
    broken
}

/// What a claim breaks.
pub(super) fn of_claim(range: &Document, claim: &Document) -> Vec<String> {
    let mut broken = Vec::new();
    for item in range.array_at(&["spec", "limits"]) {
        let kind = item.str_at(&["type"]);
        if kind != "PersistentVolumeClaim" {
            continue;
        }
        let requests = ResourceList::read(claim.object_at(&["spec", "resources", "requests"]));
        let bound = |resource, enforced| Bound {
            kind,
            resource,
            enforced,
            request: requests.get(resource),
            limit: None,
        };
        let amounts = |field: &str| ResourceList::read(item.object_at(&[field]));
        let (min, max) = (amounts("min"), amounts("max"));
        broken.extend(min.iter().filter_map(|(name, least)| bound(name, least).least()));
        broken.extend(max.iter().filter_map(|(name, most)| bound(name, most).most_requested()));
    }
    broken
}

fn compare(item: &Document, requests: &ResourceList, limits: &ResourceList) -> Vec<String> {
    let kind = item.str_at(&["type"]);
    let check = |field: &str, rule: fn(&Bound<'_>) -> Option<String>| {
        let amounts = ResourceList::read(item.object_at(&[field]));
        let broken: Vec<String> = amounts
            .iter()
            .filter_map(|(resource, enforced)| {
                let (request, limit) = (requests.get(resource), limits.get(resource));
                rule(&Bound { kind, resource, enforced, request, limit })
            })
            .collect();
        broken
    };
    [
        check("min", |bound| bound.least()),
        check("max", |bound| bound.most()),
        check("maxLimitRequestRatio", |bound| bound.ratio()),
    ]
    .concat()
}

impl Bound<'_> {
    fn least(&self) -> Option<String> {
        let Self { kind, resource, enforced, .. } = self;
        let told = |what: &str| Some(format!("minimum {resource} usage per {kind} is {enforced}{what}"));
        match (self.request, self.limit) {
            (None, _) => told(".  No request is specified"),
            (Some(request), _) if request < *enforced => told(&format!(", but request is {request}")),
            (_, Some(limit)) if limit < *enforced => told(&format!(", but limit is {limit}")),
            _ => None,
        }
    }

    fn most(&self) -> Option<String> {
        let Self { kind, resource, enforced, .. } = self;
        let told = |what: &str| Some(format!("maximum {resource} usage per {kind} is {enforced}{what}"));
        match (self.limit, self.request) {
            (None, _) => told(".  No limit is specified"),
            (Some(limit), _) if limit > *enforced => told(&format!(", but limit is {limit}")),
            (_, Some(request)) if request > *enforced => told(&format!(", but request is {request}")),
            _ => None,
        }
    }

    fn most_requested(&self) -> Option<String> {
        let Self { kind, resource, enforced, .. } = self;
        let told = |what: &str| Some(format!("maximum {resource} usage per {kind} is {enforced}{what}"));
        match self.request {
            None => told(".  No request is specified"),
            Some(request) if request > *enforced => told(&format!(", but request is {request}")),
            Some(_) => None,
        }
    }

    fn ratio(&self) -> Option<String> {
        let Self { kind, resource, enforced, .. } = self;
        let told = |what: &str| {
            Some(format!("{resource} max limit to request ratio per {kind} is {enforced}, but {what}"))
        };
        let amount = |of: Option<Quantity>| of.filter(|amount| !amount.is_zero());
        let (Some(request), limit) = (amount(self.request), amount(self.limit)) else {
            return told("no request is specified or request is 0");
        };
        let Some(limit) = limit else { return told("no limit is specified or limit is 0") };
        let ratio = limit.as_f64() / request.as_f64();
        if ratio > enforced.as_f64() { told(&format!("provided ratio is {ratio:.6}")) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn broken(limit: Document, resources: Document) -> Vec<String> {
        let range = doc!({"spec": {"limits": [limit]}});
        of_pod(&range, &doc!({"spec": {"containers": [{"name": "c", "resources": resources}]}}))
    }

    #[test]
    fn containers_stay_within_bounds() {
        let limit = doc!({"type": "Container", "min": {"cpu": "100m"}, "max": {"cpu": "1"}});
        let fits = doc!({"requests": {"cpu": "100m"}, "limits": {"cpu": "1"}});
        assert_eq!(broken(limit.clone(), fits), Vec::<String>::new());
        let small = doc!({"requests": {"cpu": "50m"}, "limits": {"cpu": "2"}});
        assert_eq!(
            broken(limit.clone(), small),
            [
                "minimum cpu usage per Container is 100m, but request is 50m",
                "maximum cpu usage per Container is 1, but limit is 2"
            ]
        );
        assert_eq!(
            broken(limit, doc!({})),
            [
                "minimum cpu usage per Container is 100m.  No request is specified",
                "maximum cpu usage per Container is 1.  No limit is specified"
            ]
        );
    }

    #[test]
    fn limits_stay_near_requests() {
        let limit = doc!({"type": "Container", "maxLimitRequestRatio": {"cpu": "2"}});
        let far = doc!({"requests": {"cpu": "100m"}, "limits": {"cpu": "250m"}});
        assert_eq!(
            broken(limit, far),
            ["cpu max limit to request ratio per Container is 2, but provided ratio is 2.500000"]
        );
    }

    #[test]
    fn a_pod_counts_in_all() {
        let limit = doc!({"type": "Pod", "max": {"memory": "1Gi"}});
        let much = doc!({"requests": {"memory": "2Gi"}, "limits": {"memory": "2Gi"}});
        assert_eq!(broken(limit, much), ["maximum memory usage per Pod is 1Gi, but limit is 2Gi"]);
    }

    #[test]
    fn claims_have_bounds_of_their_own() {
        let range = doc!({"spec": {"limits": [
            {"type": "PersistentVolumeClaim", "min": {"storage": "2Gi"}, "max": {"storage": "10Gi"}}
        ]}});
        let claim = |size: &str| doc!({"spec": {"resources": {"requests": {"storage": size}}}});
        assert_eq!(
            of_claim(&range, &claim("1Gi")),
            ["minimum storage usage per PersistentVolumeClaim is 2Gi, but request is 1Gi"]
        );
        assert_eq!(
            of_claim(&range, &claim("11Gi")),
            ["maximum storage usage per PersistentVolumeClaim is 10Gi, but request is 11Gi"]
        );
    }
}
