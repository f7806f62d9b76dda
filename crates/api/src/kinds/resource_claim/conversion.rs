//! `resource.k8s.io/v1beta1` to `v1` and back: requests name their single device under `exactly`, devices lost `basic`.

use crate::Conversion;
use skiff_apimachinery::{Document, Map};

/// ResourceClaims.
pub(crate) const CLAIM_V1BETA1: Conversion = Conversion {
    to_hub: |claim| claim.get_mut("spec").into_iter().for_each(nest_requests),
    from_hub: |claim| claim.get_mut("spec").into_iter().for_each(flatten_requests),
};

/// ResourceClaimTemplates.
pub(crate) const TEMPLATE_V1BETA1: Conversion = Conversion {
    to_hub: |template| template.at_mut(&["spec", "spec"]).into_iter().for_each(nest_requests),
    from_hub: |template| template.at_mut(&["spec", "spec"]).into_iter().for_each(flatten_requests),
};

/// ResourceSlices.
pub(crate) const SLICE_V1BETA1: Conversion = Conversion {
    to_hub: |slice| {
        for device in elements(slice, &["spec", "devices"]) {
            let basic = device.remove(&["basic"]).map(Document::into_object).unwrap_or_default();
            device.make_object().extend(basic);
        }
    },
    from_hub: |slice| {
        for device in elements(slice, &["spec", "devices"]) {
            let basic = split(device, "name");
            device.insert("basic", basic);
        }
    },
};

fn elements<'a>(object: &'a mut Document, path: &[&str]) -> impl Iterator<Item = &'a mut Document> {
    object.at_mut(path).and_then(Document::as_array_mut).into_iter().flatten()
}

/// Takes every key but one out of an object.
fn split(object: &mut Document, stays: &str) -> Map {
    let mut all = object.take().into_object();
    if let Some(value) = all.remove(stays) {
        object.insert(stays, value);
    }
    all
}

fn nest_requests(spec: &mut Document) {
    for request in elements(spec, &["devices", "requests"]) {
        if request.get("deviceClassName").is_some() {
            let exact = split(request, "name");
            request.insert("exactly", exact);
        }
    }
}

fn flatten_requests(spec: &mut Document) {
    for request in elements(spec, &["devices", "requests"]) {
        if let Some(exact) = request.remove(&["exactly"]) {
            request.make_object().extend(exact.into_object());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn requests_nest_and_flatten() {
        let beta = doc!({"spec": {"devices": {"requests": [
            {"name": "a", "deviceClassName": "gpu", "count": 2},
            {"name": "b", "firstAvailable": [{"name": "x", "deviceClassName": "gpu"}]}
        ]}}});
        let mut claim = beta.clone();
        (CLAIM_V1BETA1.to_hub)(&mut claim);
        assert_eq!(
            claim.array_at(&["spec", "devices", "requests"])[0],
            doc!({"name": "a", "exactly": {"deviceClassName": "gpu", "count": 2}})
        );
        (CLAIM_V1BETA1.from_hub)(&mut claim);
        assert_eq!(claim, beta);
    }
}
