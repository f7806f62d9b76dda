//! How many devices a request means when it does not say.

use skiff_apimachinery::Document;

/// Fills in the requests of a specification, in either version's form.
pub(super) fn devices(spec: &mut Document) {
    let requests = spec.at_mut(&["devices", "requests"]).and_then(Document::as_array_mut);
    for one in requests.into_iter().flatten() {
        let flat = one.get("deviceClassName").is_some();
        if flat {
            request(one);
        }
        if let Some(exact) = one.get_mut("exactly").filter(|exact| !exact.is_null()) {
            request(exact);
        }
        let alternatives = one.get_mut("firstAvailable").and_then(Document::as_array_mut);
        alternatives.into_iter().flatten().for_each(request);
    }
}

/// Fills in the tolerations of a request or of what was given for it.
pub(super) fn tolerations(holder: &mut Document) {
    for toleration in holder.get_mut("tolerations").and_then(Document::as_array_mut).into_iter().flatten() {
        toleration.set_default(&["operator"], "Equal");
    }
}

fn request(request: &mut Document) {
    request.set_default(&["allocationMode"], "ExactCount");
    if request.str_at(&["allocationMode"]) == "ExactCount" {
        request.set_default(&["count"], 1);
    }
    tolerations(request);
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn a_request_is_for_one_device() {
        let mut spec = doc!({"devices": {"requests": [
            {"name": "a", "exactly": {"deviceClassName": "c", "tolerations": [{"key": "k"}]}},
            {"name": "b", "firstAvailable": [{"name": "x", "allocationMode": "All"}]},
            {"name": "c", "deviceClassName": "flat"}
        ]}});
        devices(&mut spec);
        assert_eq!(
            spec,
            doc!({"devices": {"requests": [
                {"name": "a", "exactly": {
                    "deviceClassName": "c", "tolerations": [{"key": "k", "operator": "Equal"}],
                    "allocationMode": "ExactCount", "count": 1
                }},
                {"name": "b", "firstAvailable": [{"name": "x", "allocationMode": "All"}]},
                {"name": "c", "deviceClassName": "flat", "allocationMode": "ExactCount", "count": 1}
            ]}})
        );
    }
}
