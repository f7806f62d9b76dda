//! Claims that each pod of a StatefulSet gets for itself.

use super::super::persistent_volume_claim::{self, PersistentVolumeClaim};
use crate::Strategy;
use skiff_apimachinery::{Document, FieldErrors, FieldPath, Quantity, doc};
use std::collections::HashSet;

const CLAIMS: &str = "volumeClaimTemplates";

/// Fills in the claims.
pub(super) fn default(spec: &mut Document) {
    for claim in spec.get_mut(CLAIMS).and_then(Document::as_array_mut).into_iter().flatten() {
        claim.set_default(&["apiVersion"], "v1");
        claim.set_default(&["kind"], "PersistentVolumeClaim");
        persistent_volume_claim::default(claim);
    }
}

/// What is wrong with the claims: what is wrong with the `spec` of any claim.
pub(super) fn validate(spec: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    for (i, claim) in spec.array_at(&[CLAIMS]).iter().enumerate() {
        let place = field.child(CLAIMS).index(i);
        for mut error in PersistentVolumeClaim.validate_create(claim) {
            let under = error.field.as_str();
            if under.starts_with("spec") {
                error.field = place.child(under);
                out.push(error);
            }
        }
    }
    out
}

/// The template of the pods as it will be: a volume for each claim in place of one of the template with the same name,
/// and no hostname, which each pod gets from the controller.
pub(super) fn with_volumes(template: &Document, spec: &Document) -> Document {
    let mut out = template.clone();
    for name in ["hostname", "subdomain"] {
        out.remove(&["spec", name]);
    }
    let mut taken = HashSet::new();
    let mut volumes = Vec::new();
    for name in spec.array_at(&[CLAIMS]).iter().map(Document::name) {
        if taken.insert(name) {
            volumes.push(doc!({"name": name, "persistentVolumeClaim": {"claimName": name}}));
        }
    }
    if volumes.is_empty() {
        return out;
    }
    let others = template.array_at(&["spec", "volumes"]).iter();
    volumes.extend(others.filter(|volume| !taken.contains(volume.str_at(&["name"]))).cloned());
    out.set(&["spec", "volumes"], volumes);
    out
}

/// Claims of fractions of bytes. Upstream names a claim's `spec` for changed sets only, and in its own spelling.
pub(super) fn warnings(set: &Document, changed: bool) -> Vec<String> {
    let claims = set.array_at(&["spec", CLAIMS]);
    let spec = if changed { ".Spec" } else { "" };
    let warning = |(i, claim): (usize, &Document)| {
        let asked = claim.at(&["spec", "resources", "requests", "storage"])?;
        let whole = Quantity::from_document(asked)?.is_ok_and(Quantity::is_whole);
        let shown = asked.as_str().map_or_else(|| asked.to_string(), str::to_owned);
        (!whole).then(|| {
            format!(
                "spec.{CLAIMS}[{i}]{spec}.resources.requests[storage]: fractional byte value {shown:?} is invalid, must be an integer"
            )
        })
    };
    claims.iter().enumerate().filter_map(warning).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_checked_where_they_are() {
        let spec = doc!({"volumeClaimTemplates": [
            {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
            {"spec": {"resources": {"requests": {"storage": "1Gi"}}}}
        ]});
        let errors = validate(&spec, &FieldPath::new("spec"));
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "spec.volumeClaimTemplates[1].spec.accessModes: Required value: at least 1 access mode is required"
            ]
        );
    }

    #[test]
    fn claims_take_the_place_of_volumes() {
        let template = doc!({"spec": {
            "hostname": "h", "subdomain": "s", "nodeName": "n",
            "volumes": [{"name": "data", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}]
        }});
        let claim = doc!({"metadata": {"name": "data"}});
        let spec = doc!({"volumeClaimTemplates": [claim.clone(), claim]});
        assert_eq!(
            with_volumes(&template, &spec),
            doc!({"spec": {"nodeName": "n", "volumes": [
                {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}, {"name": "tmp", "emptyDir": {}}
            ]}})
        );
    }

    #[test]
    fn fractions_of_bytes_are_warned_of() {
        let claim = |storage: &str| doc!({"spec": {"resources": {"requests": {"storage": storage}}}});
        let set = doc!({"spec": {"volumeClaimTemplates": [claim("1Gi"), claim("500m")]}});
        for (changed, at) in [(false, ""), (true, ".Spec")] {
            assert_eq!(
                warnings(&set, changed),
                [format!(
                    "spec.volumeClaimTemplates[1]{at}.resources.requests[storage]: fractional byte value \"500m\" is invalid, must be an integer"
                )]
            );
        }
    }
}
