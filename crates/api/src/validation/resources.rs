//! Names and amounts of resources, such as `cpu` and `requests.storage`, in LimitRanges and ResourceQuotas.

use super::{invalid, names};
use skiff_apimachinery::quantity::Quantity;
use skiff_apimachinery::{FieldError, FieldErrors, FieldPath};

/// Resources that are limited by their bare name; all of them may be in a quota.
const QUOTA: [&str; 19] = [
    "configmaps",
    "cpu",
    "ephemeral-storage",
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "memory",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
    "requests.storage",
    "resourcequotas",
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
];
/// What only a LimitRange knows by that name.
const STORAGE: &str = "storage";
/// What containers ask for by a bare name.
const CONTAINER: [&str; 3] = ["cpu", "ephemeral-storage", "memory"];
/// What comes in whole pieces.
const WHOLE: [&str; 9] = [
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
];
const HUGE_PAGES: &str = "hugepages-";
const REQUESTS: &str = "requests.";

/// Whether quotas know the resource by a bare name.
pub(crate) fn is_standard_in_quotas(name: &str) -> bool {
    let plain = name.strip_prefix(REQUESTS).unwrap_or(name);
    QUOTA.contains(&name) || plain.starts_with(HUGE_PAGES)
}

/// Whether more may be promised than there is: of upstream's own resources, but not of huge pages.
pub(crate) fn may_be_overcommitted(name: &str) -> bool {
    is_native(name) && !name.starts_with(HUGE_PAGES)
}

/// What is wrong with the name of a resource.
pub(crate) fn name(field: &FieldPath, name: &str) -> FieldErrors {
    let mut out = invalid(field, name, names::qualified_name(name));
    if out.is_empty() && is_bare(name) && !is_standard_in_quotas(name) && name != STORAGE {
        out.push(FieldError::invalid(field, name, "must be a standard resource type or fully qualified"));
    }
    out
}

/// What is wrong with the name of a resource that containers ask for.
pub(crate) fn container_name(field: &FieldPath, name: &str) -> FieldErrors {
    let mut out = self::name(field, name);
    if is_bare(name) {
        if !CONTAINER.contains(&name) && !name.starts_with(HUGE_PAGES) {
            out.push(FieldError::invalid(field, name, "must be a standard resource for containers"));
        }
    } else if !is_native(name) && !is_extended(name) {
        out.push(FieldError::invalid(field, name, "doesn't follow extended resource name standard"));
    }
    out
}

/// What is wrong with the name of a resource that a quota limits.
pub(crate) fn quota_name(field: &FieldPath, name: &str) -> FieldErrors {
    let mut out = self::name(field, name);
    if is_bare(name) && !is_standard_in_quotas(name) {
        out.push(FieldError::invalid(field, name, "must be a standard resource for quota"));
    }
    out
}

/// What is wrong with an amount of a resource.
pub(crate) fn amount(field: &FieldPath, name: &str, amount: Quantity) -> FieldErrors {
    let mut out = FieldErrors::new();
    if amount.is_negative() {
        out.push(FieldError::invalid(field, amount, "must be greater than or equal to 0"));
    }
    if (WHOLE.contains(&name) || is_extended(name)) && !amount.is_whole() {
        out.push(FieldError::invalid(field, amount, "must be an integer"));
    }
    out
}

fn is_bare(name: &str) -> bool {
    !name.contains('/')
}

/// Whether upstream gave the resource its name; a bare name counts as one of `kubernetes.io`.
fn is_native(name: &str) -> bool {
    is_bare(name) || name.contains("kubernetes.io/")
}

/// Whether the resource is somebody else's, under a name that quotas can put `requests.` before.
fn is_extended(name: &str) -> bool {
    !is_native(name)
        && !name.starts_with(REQUESTS)
        && names::qualified_name(&format!("{REQUESTS}{name}")).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Rule = fn(&FieldPath, &str) -> FieldErrors;

    fn complaints(rule: Rule, resource: &str) -> Vec<String> {
        rule(&FieldPath::new("f"), resource).into_iter().map(|error| error.detail).collect()
    }

    #[test]
    fn each_place_knows_its_resources() {
        const STANDARD: &str = "must be a standard resource type or fully qualified";
        const IN_CONTAINERS: &str = "must be a standard resource for containers";
        const IN_QUOTAS: &str = "must be a standard resource for quota";
        let cases: [(Rule, &str, &[&str]); 13] = [
            (name, "storage", &[]),
            (name, "hugepages-2Mi", &[]),
            (name, "example.com/gpu", &[]),
            (name, "gpu", &[STANDARD]),
            (container_name, "ephemeral-storage", &[]),
            (container_name, "pods", &[IN_CONTAINERS]),
            (container_name, "gpu", &[STANDARD, IN_CONTAINERS]),
            (container_name, "requests.example.com/gpu", &["doesn't follow extended resource name standard"]),
            (quota_name, "requests.hugepages-2Mi", &[]),
            (quota_name, "count/widgets.example.com", &[]),
            (quota_name, "gold.storageclass.storage.k8s.io/requests.storage", &[]),
            (quota_name, "storage", &[IN_QUOTAS]),
            (quota_name, "gpu", &[STANDARD, IN_QUOTAS]),
        ];
        for (rule, resource, expected) in cases {
            assert_eq!(complaints(rule, resource), expected, "{resource}");
        }
    }

    #[test]
    fn amounts_are_not_negative_and_pieces_are_whole() {
        let cases = [
            ("cpu", "500m", ""),
            ("cpu", "-1", r#"f: Invalid value: "-1": must be greater than or equal to 0"#),
            ("pods", "1500m", r#"f: Invalid value: "1500m": must be an integer"#),
            ("example.com/gpu", "500m", r#"f: Invalid value: "500m": must be an integer"#),
            ("count/secrets", "500m", r#"f: Invalid value: "500m": must be an integer"#),
            ("requests.example.com/gpu", "500m", ""),
        ];
        for (name, text, expected) in cases {
            let errors = amount(&FieldPath::new("f"), name, Quantity::parse(text).unwrap());
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(texts.join("; "), expected, "{name}");
        }
    }
}
