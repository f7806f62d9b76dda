//! `ipFamilyPolicy` and `ipFamilies`: what a Service wants of the families that the cluster has (KEP-563).

use super::allocate::{invalid, texts};
use skiff_api::kinds::service::addresses::cluster_ip_errors;
use skiff_api::kinds::service::allocation::{HEADLESS, is_headless, needs_cluster_ip};
use skiff_api::validation::network;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map, Status};

const SINGLE: &str = "SingleStack";
const PREFER: &str = "PreferDualStack";
const REQUIRE: &str = "RequireDualStack";

/// Fills in policy and families; `served` are the cluster's families, the default first.
pub(super) fn settle(
    served: &[&'static str],
    service: &mut Document,
    old: Option<&Document>,
) -> Result<(), Status> {
    if !needs_cluster_ip(service) || old.is_some_and(|old| is_unchanged_dual(service, old)) {
        return Ok(());
    }
    default_policy(service, old);
    refuse(service, cluster_ip_errors(service))?;
    let mut errors = old.map(|old| settle_change(service, old)).unwrap_or_default();
    errors.extend(single_errors(service));
    errors.extend(infer_families(served, service));
    refuse(service, errors)?;
    if is_headless(service) && is_selectorless(service) {
        settle_selectorless(served, service);
        return Ok(());
    }
    refuse(service, unserved_errors(served, service))?;
    let mut families = texts(service, "ipFamilies");
    if families.is_empty() {
        families.extend(served.first().map(|family| (*family).to_owned()));
    }
    if policy(service) != SINGLE && served.len() == 2 {
        add_other(&mut families);
    }
    service.set(&["spec", "ipFamilies"], families);
    Ok(())
}

/// A Service that prefers two families is neither upgraded nor downgraded because the cluster was: only if its writer
/// changes something about it.
pub(super) fn is_unchanged_dual(service: &Document, old: &Document) -> bool {
    let ty = |service: &Document| service.str_at(&["spec", "type"]).to_owned();
    policy(service) == PREFER
        && matches!(policy(old), PREFER | "")
        && ty(service) == ty(old)
        && ["clusterIPs", "ipFamilies"].iter().all(|list| texts(service, list) == texts(old, list))
}

fn default_policy(service: &mut Document, old: Option<&Document>) {
    if !policy(service).is_empty() {
        return;
    }
    let before = old.map(policy).filter(|policy| !policy.is_empty());
    let fresh = if is_headless(service) && is_selectorless(service) { REQUIRE } else { SINGLE };
    service.set(&["spec", "ipFamilyPolicy"], before.unwrap_or(fresh));
}

/// Lets go of the second family where that is what the writer wants, and tells where it is not clear.
fn settle_change(service: &mut Document, old: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let words = [("clusterIPs", "cluster IP"), ("ipFamilies", "IP family")];
    for (list, word) in words {
        let (mut after, before) = (texts(service, list), texts(old, list));
        if policy(service) != SINGLE {
            if !after.is_empty() && after.len() < before.len() {
                let why = format!("must be 'SingleStack' to release the secondary {word}");
                out.push(FieldError::invalid(&field("ipFamilyPolicy"), policy(service), why));
            }
        } else if after == before && after.len() > 1 {
            after.truncate(1);
            service.set(&["spec", list], after);
        }
    }
    out
}

fn single_errors(service: &Document) -> FieldErrors {
    let words = [("clusterIPs", "cluster IPs"), ("ipFamilies", "IP families")];
    let two = words.iter().filter(|(list, _)| texts(service, list).len() == 2);
    two.filter(|_| policy(service) == SINGLE)
        .map(|(_, word)| {
            let why =
                format!("must be 'RequireDualStack' or 'PreferDualStack' when multiple {word} are specified");
            FieldError::invalid(&field("ipFamilyPolicy"), SINGLE, why)
        })
        .collect()
}

/// Families follow from the addresses that were asked for.
fn infer_families(served: &[&'static str], service: &mut Document) -> FieldErrors {
    let addresses = texts(service, "clusterIPs");
    let mut families = texts(service, "ipFamilies");
    let mut out = FieldErrors::new();
    for (i, address) in addresses.iter().enumerate() {
        if address == HEADLESS {
            break;
        }
        let Some(family) = network::ip(address).map(network::family).filter(|_| i >= families.len()) else {
            continue;
        };
        if served.contains(&family) {
            families.push(family.to_owned());
        } else {
            let why = format!("{family} is not configured on this cluster");
            out.push(FieldError::invalid(&field("clusterIPs").index(i), addresses.clone(), why));
        }
    }
    if !families.is_empty() {
        service.set(&["spec", "ipFamilies"], families);
    }
    out
}

/// A headless Service without a selector may have families that the cluster has not: its endpoints are somebody else's.
fn settle_selectorless(served: &[&'static str], service: &mut Document) {
    let mut families = texts(service, "ipFamilies");
    if families.is_empty() {
        families.extend(served.first().map(|family| (*family).to_owned()));
    }
    if policy(service) != SINGLE {
        add_other(&mut families);
    }
    service.set(&["spec", "ipFamilies"], families);
}

fn unserved_errors(served: &[&'static str], service: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    if policy(service) == REQUIRE && served.len() < 2 {
        let why = "this cluster is not configured for dual-stack services";
        out.extend([FieldError::invalid(&field("ipFamilyPolicy"), REQUIRE, why)]);
    }
    for (i, family) in texts(service, "ipFamilies").iter().enumerate() {
        if !served.contains(&family.as_str()) {
            let why = "not configured on this cluster";
            out.push(FieldError::invalid(&field("ipFamilies").index(i), family, why));
        }
    }
    out
}

fn add_other(families: &mut Vec<String>) {
    if let [only] = families.as_slice() {
        let other = if only == "IPv4" { "IPv6" } else { "IPv4" };
        families.push(other.to_owned());
    }
}

fn policy(service: &Document) -> &str {
    service.str_at(&["spec", "ipFamilyPolicy"])
}

fn is_selectorless(service: &Document) -> bool {
    service.object_at(&["spec", "selector"]).is_none_or(Map::is_empty)
}

fn field(name: &str) -> FieldPath {
    FieldPath::new("spec").child(name)
}

fn refuse(service: &Document, errors: FieldErrors) -> Result<(), Status> {
    if errors.is_empty() { Ok(()) } else { Err(invalid(service.name(), errors)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    const FOUR: &[&str] = &["IPv4"];
    const BOTH: &[&str] = &["IPv4", "IPv6"];
    const SIX_FIRST: &[&str] = &["IPv6", "IPv4"];

    fn service(spec: Document) -> Document {
        let mut service = doc!({"metadata": {"name": "a"}, "spec": spec});
        service.set_default(&["spec", "type"], "ClusterIP");
        service
    }

    fn settled(
        served: &[&'static str],
        spec: Document,
        old: Option<Document>,
    ) -> Result<(String, Vec<String>), String> {
        let mut service = service(spec);
        let old = old.map(self::service);
        settle(served, &mut service, old.as_ref()).map_err(|status| status.message)?;
        Ok((policy(&service).to_owned(), texts(&service, "ipFamilies")))
    }

    #[test]
    fn a_new_service_gets_what_the_cluster_has() {
        let six = doc!({"clusterIP": "fd00::1", "clusterIPs": ["fd00::1"]});
        let two = doc!({
            "clusterIP": "fd00::1", "clusterIPs": ["fd00::1", "10.0.0.1"], "ipFamilyPolicy": "PreferDualStack"
        });
        let headless = doc!({"clusterIP": "None", "clusterIPs": ["None"]});
        let mut selecting = headless.clone();
        selecting.insert("selector", doc!({"a": "b"}));
        type Case<'a> = (&'a str, &'a [&'static str], Document, &'a str, &'a [&'a str]);
        let cases: [Case<'_>; 12] = [
            ("nothing said", FOUR, doc!({}), SINGLE, &["IPv4"]),
            ("the default family", SIX_FIRST, doc!({}), SINGLE, &["IPv6"]),
            ("the other family", BOTH, doc!({"ipFamilies": ["IPv6"]}), SINGLE, &["IPv6"]),
            ("two families in vain", FOUR, doc!({"ipFamilyPolicy": PREFER}), PREFER, &["IPv4"]),
            ("two families", BOTH, doc!({"ipFamilyPolicy": REQUIRE}), REQUIRE, &["IPv4", "IPv6"]),
            (
                "two families the other way round",
                BOTH,
                doc!({"ipFamilyPolicy": PREFER, "ipFamilies": ["IPv6"]}),
                PREFER,
                &["IPv6", "IPv4"],
            ),
            ("by its address", BOTH, six, SINGLE, &["IPv6"]),
            ("by its addresses", BOTH, two, PREFER, &["IPv6", "IPv4"]),
            ("headless for others", FOUR, headless, REQUIRE, &["IPv4", "IPv6"]),
            ("headless for pods", FOUR, selecting, SINGLE, &["IPv4"]),
            (
                "headless for others of one family",
                FOUR,
                doc!({"clusterIP": "None", "clusterIPs": ["None"], "ipFamilyPolicy": SINGLE, "ipFamilies": ["IPv6"]}),
                SINGLE,
                &["IPv6"],
            ),
            ("another name", FOUR, doc!({"type": "ExternalName"}), "", &[]),
        ];
        for (name, served, spec, policy, families) in cases {
            let (found, list) = settled(served, spec, None).unwrap();
            assert_eq!(found, policy, "{name}");
            assert_eq!(list, families, "{name}");
        }
    }

    #[test]
    fn what_the_cluster_has_not_is_refused() {
        let cases = [
            (
                doc!({"ipFamilyPolicy": REQUIRE}),
                r#"spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services"#,
            ),
            (
                doc!({"ipFamilies": ["IPv6"]}),
                r#"spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster"#,
            ),
            (
                doc!({"clusterIP": "fd00::1", "clusterIPs": ["fd00::1"]}),
                r#"spec.clusterIPs[0]: Invalid value: ["fd00::1"]: IPv6 is not configured on this cluster"#,
            ),
            (
                doc!({"ipFamilies": ["IPv4", "IPv6"]}),
                r#"spec.ipFamilyPolicy: Invalid value: "SingleStack": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified"#,
            ),
            (
                doc!({"clusterIP": "x", "clusterIPs": ["x"]}),
                r#"spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"#,
            ),
        ];
        for (spec, why) in cases {
            assert_eq!(settled(FOUR, spec, None), Err(format!("Service \"a\" is invalid: {why}")));
        }
    }

    fn dual() -> Document {
        doc!({
            "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1", "fd00::1"], "ipFamilies": ["IPv4", "IPv6"],
            "ipFamilyPolicy": PREFER
        })
    }

    #[test]
    fn an_update_goes_up_and_down_as_it_says() {
        let with = |key: &str, value: Document| {
            let mut spec = dual();
            spec.insert(key, value);
            spec
        };
        let single = doc!({
            "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ipFamilies": ["IPv4"], "ipFamilyPolicy": SINGLE
        });
        let mut upgraded = single.clone();
        upgraded.insert("ipFamilyPolicy", PREFER);
        let mut silent = single.clone();
        silent.remove(&["ipFamilyPolicy"]);
        let refusal = |word: &str| {
            Err(format!(
                r#"Service "a" is invalid: spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be 'SingleStack' to release the secondary {word}"#
            ))
        };
        let ok = |policy: &str, families: &[&str]| {
            Ok((policy.to_owned(), families.iter().map(|family| (*family).to_owned()).collect::<Vec<_>>()))
        };
        let cases = [
            ("down", BOTH, with("ipFamilyPolicy", SINGLE.into()), dual(), ok(SINGLE, &["IPv4"])),
            ("up", BOTH, upgraded.clone(), single.clone(), ok(PREFER, &["IPv4", "IPv6"])),
            ("as before", BOTH, silent, single, ok(SINGLE, &["IPv4"])),
            ("one address less", BOTH, with("clusterIPs", doc!(["10.0.0.1"])), dual(), refusal("cluster IP")),
            ("one family less", BOTH, with("ipFamilies", doc!(["IPv4"])), dual(), refusal("IP family")),
            ("not because of the cluster", BOTH, upgraded.clone(), upgraded, ok(PREFER, &["IPv4"])),
            ("nor down", FOUR, dual(), dual(), ok(PREFER, &["IPv4", "IPv6"])),
        ];
        for (name, served, spec, old, expected) in cases {
            assert_eq!(settled(served, spec, Some(old)), expected, "{name}");
        }
    }
}
