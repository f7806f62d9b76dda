//! `clusterIP`, `clusterIPs`, `ipFamilies` and `ipFamilyPolicy`: how they belong together, and how they may change.
//!
//! The API server asks [`cluster_ip_errors`] before it allocates, so that allocation only meets what is well formed.

use super::allocation::HEADLESS;
use crate::validation::{self, network};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

const FAMILIES: [&str; 2] = ["IPv4", "IPv6"];
const POLICIES: [&str; 3] = ["PreferDualStack", "RequireDualStack", "SingleStack"];
const SINGLE_STACK: &str = "SingleStack";
const NO_CHANGE: &str = "may not change once set";

/// Whether the Service's only cluster IP is `None`, as validation sees it.
pub(super) fn is_headless(service: &Document) -> bool {
    texts(service, "clusterIPs") == [HEADLESS]
}

/// What is wrong with the cluster IPs and families of a Service, also before any are allocated.
pub fn cluster_ip_errors(service: &Document) -> FieldErrors {
    if is_external_name(service) {
        return FieldErrors::new();
    }
    let mut out: FieldErrors = pairing_error(service).into_iter().collect();
    out.extend(family_errors(service));
    let policy = service.str_at(&["spec", "ipFamilyPolicy"]);
    if !policy.is_empty() {
        out.extend(validation::one_of(&field("ipFamilyPolicy"), policy, &POLICIES));
    }
    let (malformed, errors) = form_errors(service);
    out.extend(errors);
    let all = texts(service, "clusterIPs");
    if all.len() > 2 {
        out.push(FieldError::invalid(&field("clusterIPs"), all.clone(), "may only hold up to 2 values"));
    }
    if malformed {
        return out;
    }
    if all.len() > 1 && !is_dual(&all) {
        let why = "may specify no more than one IP for each IP family";
        out.push(FieldError::invalid(&field("clusterIPs"), all, why));
    }
    out.extend(match_errors(service));
    out
}

/// `clusterIP` must be the first of `clusterIPs`.
fn pairing_error(service: &Document) -> Option<FieldError> {
    let all = texts(service, "clusterIPs");
    let first = service.str_at(&["spec", "clusterIP"]);
    let field = field("clusterIPs");
    match (first.is_empty(), all.first()) {
        (true, None) => None,
        (true, Some(_)) => {
            Some(FieldError::invalid(&field, all, "must be empty when `clusterIP` is not specified"))
        }
        (false, None) => Some(FieldError::required(&field, "")),
        (false, Some(given)) if *given == first => None,
        (false, Some(_)) => Some(FieldError::invalid(&field, all, "first value must match `clusterIP`")),
    }
}

fn family_errors(service: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let families = texts(service, "ipFamilies");
    for (i, family) in families.iter().enumerate() {
        let field = field("ipFamilies").index(i);
        if !FAMILIES.contains(family) {
            out.push(FieldError::not_supported(&field, *family, &FAMILIES));
        }
        if families[..i].contains(family) {
            out.push(FieldError::duplicate(&field, *family));
        }
    }
    out
}

/// What is wrong with each address alone, and whether that makes it useless to compare them.
fn form_errors(service: &Document) -> (bool, FieldErrors) {
    let all = texts(service, "clusterIPs");
    let mut out = FieldErrors::new();
    for (i, address) in all.iter().enumerate() {
        if i == 0 && *address == HEADLESS {
            if all.len() > 1 {
                let why = "'None' must be the first and only value";
                out.push(FieldError::invalid(&field("clusterIPs"), all.clone(), why));
            }
            continue;
        }
        out.extend(network::ip_error(&field("clusterIPs").index(i), address));
    }
    (!out.is_empty(), out)
}

/// Each address must be of the family of its place.
fn match_errors(service: &Document) -> FieldErrors {
    if is_headless(service) {
        return FieldErrors::new();
    }
    let families = texts(service, "ipFamilies");
    let pairs = texts(service, "clusterIPs").into_iter().zip(families).enumerate();
    let wrong = pairs.filter(|(_, (address, family))| {
        let found = network::ip(address).map(network::family);
        FAMILIES.contains(family) && found.is_some_and(|found| found != *family)
    });
    wrong
        .map(|(i, (address, family))| {
            let why = format!("expected an {family} value as indicated by `ipFamilies[{i}]`");
            FieldError::invalid(&field("clusterIPs").index(i), address, why)
        })
        .collect()
}

/// What an update may not do to the cluster IPs: a second one may come or go, the first stays.
pub(super) fn cluster_ip_changes(new: &Document, old: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let both_headless = is_headless(new) && is_headless(old);
    if is_external_name(new) || is_external_name(old) || both_headless {
        return out;
    }
    let (before, after) = (texts(old, "clusterIPs"), texts(new, "clusterIPs"));
    let changed = |i: usize| FieldError::invalid(&field("clusterIPs").index(i), after.clone(), NO_CHANGE);
    if before.len() == after.len() {
        let pairs = before.iter().zip(&after).enumerate();
        out.extend(pairs.filter(|(_, (before, after))| before != after).map(|(i, _)| changed(i)));
        return out;
    }
    if after.is_empty() {
        let field = field("clusterIPs").index(0);
        out.push(FieldError::invalid(&field, Document::NULL, "primary clusterIP can not be unset"));
    } else if before.first().is_some_and(|first| after.first() != Some(first)) {
        out.push(changed(0));
    }
    if before.len() > after.len() && after.len() == 1 {
        out.extend(release_error(new, "must be set to 'SingleStack' when releasing the secondary clusterIP"));
    }
    out
}

/// What an update may not do to the families.
pub(super) fn family_changes(new: &Document, old: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let headless = is_headless(new);
    if is_external_name(new) || is_external_name(old) || headless || is_headless(old) {
        return out;
    }
    let (before, after) = (texts(old, "ipFamilies"), texts(new, "ipFamilies"));
    let addresses = texts(new, "clusterIPs");
    let first = field("ipFamilies").index(0);
    if before.len() == after.len() {
        let differing = before.iter().zip(&after).filter(|(before, after)| before != after);
        out.extend(differing.map(|_| FieldError::invalid(&first, after.clone(), NO_CHANGE)));
        return out;
    }
    let released = before.len() > after.len();
    if released && addresses.is_empty() {
        out.push(FieldError::invalid(&first, after.clone(), "primary ipFamily can not be unset"));
    }
    if let (Some(before), Some(after)) = (before.first(), after.first())
        && before != after
    {
        out.push(FieldError::invalid(&first, addresses, NO_CHANGE));
    }
    if released && after.len() == 1 {
        out.extend(release_error(new, "must be set to 'SingleStack' when releasing the secondary ipFamily"));
    }
    out
}

/// Only a policy of one family lets go of the second one.
fn release_error(service: &Document, why: &str) -> Option<FieldError> {
    let policy = service.at(&["spec", "ipFamilyPolicy"]).filter(|policy| !policy.is_null());
    let single = policy.and_then(Document::as_str) == Some(SINGLE_STACK);
    (!single).then(|| FieldError::invalid(&field("ipFamilyPolicy"), policy.cloned(), why))
}

fn is_external_name(service: &Document) -> bool {
    service.str_at(&["spec", "type"]) == "ExternalName"
}

fn is_dual(addresses: &[&str]) -> bool {
    let families: Vec<&str> =
        addresses.iter().filter_map(|address| network::ip(address)).map(network::family).collect();
    FAMILIES.iter().all(|family| families.contains(family))
}

fn field(name: &str) -> FieldPath {
    FieldPath::new("spec").child(name)
}

/// The texts of a list in the spec.
pub(super) fn texts<'a>(service: &'a Document, list: &str) -> Vec<&'a str> {
    service.array_at(&["spec", list]).iter().filter_map(Document::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn service(spec: Document) -> Document {
        let mut service = doc!({"spec": spec});
        service.set_default(&["spec", "type"], "ClusterIP");
        service
    }

    fn shown(errors: FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn addresses_and_families_belong_together() {
        let cases: [(&str, Document, &[&str]); 12] = [
            ("nothing yet", doc!({}), &[]),
            ("headless", doc!({"clusterIP": "None", "clusterIPs": ["None"]}), &[]),
            (
                "dual",
                doc!({"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1", "fd00::1"], "ipFamilies": ["IPv4", "IPv6"]}),
                &[],
            ),
            ("first alone", doc!({"clusterIP": "10.0.0.1"}), &["spec.clusterIPs: Required value"]),
            (
                "list alone",
                doc!({"clusterIPs": ["10.0.0.1"]}),
                &[
                    r#"spec.clusterIPs: Invalid value: ["10.0.0.1"]: must be empty when `clusterIP` is not specified"#,
                ],
            ),
            (
                "another first",
                doc!({"clusterIP": "10.0.0.2", "clusterIPs": ["10.0.0.1"]}),
                &[r#"spec.clusterIPs: Invalid value: ["10.0.0.1"]: first value must match `clusterIP`"#],
            ),
            (
                "None among others",
                doc!({"clusterIP": "None", "clusterIPs": ["None", "10.0.0.1"]}),
                &[
                    r#"spec.clusterIPs: Invalid value: ["None","10.0.0.1"]: 'None' must be the first and only value"#,
                ],
            ),
            (
                "no address",
                doc!({"clusterIP": "x", "clusterIPs": ["x"]}),
                &[
                    r#"spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"#,
                ],
            ),
            (
                "three",
                doc!({"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1", "fd00::1", "fd00::2"]}),
                &[
                    r#"spec.clusterIPs: Invalid value: ["10.0.0.1","fd00::1","fd00::2"]: may only hold up to 2 values"#,
                ],
            ),
            (
                "one family twice",
                doc!({"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1", "10.0.0.2"], "ipFamilies": ["IPv4", "IPv4"]}),
                &[
                    r#"spec.ipFamilies[1]: Duplicate value: "IPv4""#,
                    r#"spec.clusterIPs: Invalid value: ["10.0.0.1","10.0.0.2"]: may specify no more than one IP for each IP family"#,
                ],
            ),
            (
                "unknown words",
                doc!({"ipFamilies": ["IPv5"], "ipFamilyPolicy": "Single"}),
                &[
                    r#"spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6""#,
                    r#"spec.ipFamilyPolicy: Unsupported value: "Single": supported values: "PreferDualStack", "RequireDualStack", "SingleStack""#,
                ],
            ),
            (
                "the other family",
                doc!({"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ipFamilies": ["IPv6"]}),
                &[
                    r#"spec.clusterIPs[0]: Invalid value: "10.0.0.1": expected an IPv6 value as indicated by `ipFamilies[0]`"#,
                ],
            ),
        ];
        for (name, spec, expected) in cases {
            assert_eq!(shown(cluster_ip_errors(&service(spec))), expected, "{name}");
        }
    }

    fn of(addresses: &[&str], families: &[&str], policy: &str) -> Document {
        service(doc!({
            "clusterIPs": addresses.to_vec(), "ipFamilies": families.to_vec(), "ipFamilyPolicy": policy
        }))
    }

    #[test]
    fn the_first_address_stays_and_a_second_may_come_and_go() {
        let single = of(&["10.0.0.1"], &["IPv4"], "SingleStack");
        let dual = of(&["10.0.0.1", "fd00::1"], &["IPv4", "IPv6"], "PreferDualStack");
        let headless = of(&["None"], &["IPv4"], "SingleStack");
        let mut external = service(doc!({}));
        external.set(&["spec", "type"], "ExternalName");
        let cases: [(&str, &Document, &Document, &[&str]); 9] = [
            ("upgrade", &dual, &single, &[]),
            ("downgrade", &single, &dual, &[]),
            ("to ExternalName", &external, &dual, &[]),
            ("from ExternalName", &dual, &external, &[]),
            ("both headless", &of(&["None"], &["IPv6"], "SingleStack"), &headless, &[]),
            (
                "to headless",
                &headless,
                &single,
                &[r#"spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set"#],
            ),
            (
                "another first",
                &of(&["10.0.0.2"], &["IPv4"], "SingleStack"),
                &single,
                &[r#"spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set"#],
            ),
            (
                "a downgrade without saying so",
                &of(&["10.0.0.1"], &["IPv4"], "PreferDualStack"),
                &dual,
                &[
                    r#"spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be set to 'SingleStack' when releasing the secondary clusterIP"#,
                    r#"spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be set to 'SingleStack' when releasing the secondary ipFamily"#,
                ],
            ),
            (
                "families change places",
                &of(&["10.0.0.1", "fd00::1"], &["IPv6", "IPv4"], "PreferDualStack"),
                &dual,
                &[
                    r#"spec.ipFamilies[0]: Invalid value: ["IPv6","IPv4"]: may not change once set"#,
                    r#"spec.ipFamilies[0]: Invalid value: ["IPv6","IPv4"]: may not change once set"#,
                ],
            ),
        ];
        for (name, new, old, expected) in cases {
            let mut errors = cluster_ip_changes(new, old);
            errors.extend(family_changes(new, old));
            assert_eq!(shown(errors), expected, "{name}");
        }
    }
}
