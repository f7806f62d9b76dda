//! Resource requests and limits.

use super::leniency::Leniency;
use super::spec::Around;
use super::{container, given};
use crate::validation::place::Place;
use crate::validation::resources as rules;
use skiff_apimachinery::quantity::Quantity;
use skiff_apimachinery::{Document, FieldError, FieldErrors, Map, names};
use std::collections::HashSet;

const HUGE_PAGES: &str = "hugepages-";
/// What nearly every container asks for.
const STANDARD: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
/// What a pod as a whole may ask for, as upstream lists it.
const OF_PODS: [&str; 3] = ["cpu", HUGE_PAGES, "memory"];

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Container,
    Pod,
}

/// What is asked for, and what is allowed at most.
#[derive(Debug, Clone, Copy)]
struct Lists<'a> {
    limits: Option<&'a Map>,
    requests: Option<&'a Map>,
}

/// The `resources` of a container.
pub(super) fn of_container(container: &Document, place: &Place<'_>, around: &Around<'_>) -> FieldErrors {
    match given(container, "resources") {
        Some(resources) => requirements(resources, Level::Container, place, around),
        None => FieldErrors::new(),
    }
}

/// The requests, limits and claims of a container or pod.
pub(super) fn requirements(
    resources: &Document,
    level: Level,
    place: &Place<'_>,
    around: &Around<'_>,
) -> FieldErrors {
    let (limits, requests) = (resources.object_at(&["limits"]), resources.object_at(&["requests"]));
    let mut out = lists(Lists { limits, requests }, level, place, around.leniency);
    out.extend(claims(resources.array_at(&["claims"]), &place.child("claims"), &around.claims));
    out
}

/// What a pod takes above what its containers do; the rules are those of limits.
pub(super) fn overhead(spec: &Document, place: &Place<'_>, leniency: Leniency) -> FieldErrors {
    let lists_of_overhead = Lists { limits: spec.object_at(&["overhead"]), requests: None };
    lists(lists_of_overhead, Level::Container, place, leniency)
}

/// Whether a container holds an amount of huge pages that is no multiple of the page.
pub(super) fn has_indivisible_huge_pages(spec: &Document) -> bool {
    container::any(spec, |container| {
        ["limits", "requests"].iter().any(|list| {
            let amounts = container.object_at(&["resources", list]).into_iter().flat_map(Map::iter);
            amounts.filter(|(name, _)| is_huge_pages(name)).any(|(name, amount)| {
                matches!(Quantity::from_document(amount), Some(Ok(amount)) if !is_divisible(name, amount))
            })
        })
    })
}

fn lists(lists: Lists<'_>, level: Level, place: &Place<'_>, leniency: Leniency) -> FieldErrors {
    let mut out = FieldErrors::new();
    for (which, list) in [("limits", lists.limits), ("requests", lists.requests)] {
        let at = &place.child(which);
        for (name, amount) in list.into_iter().flat_map(Map::iter) {
            let at = &at.key(name);
            let amount = match Quantity::from_document(amount) {
                Some(Ok(amount)) => amount,
                Some(Err(_)) => {
                    let pattern = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
                    out.push(at.invalid(amount, pattern));
                    continue;
                }
                // Upstream reads null as nothing.
                None => Quantity::ZERO,
            };
            out.extend(name_and_amount(name, amount, level, at));
            if which == "requests" {
                out.extend(against_limit(name, amount, lists.limits, place));
            }
            if is_huge_pages(name) && !leniency.huge_page_amounts && !is_divisible(name, amount) {
                let why = format!("{amount} is not positive integer multiple of {name}");
                out.push(at.invalid(amount, why));
            }
        }
    }
    let asks = |such: fn(&str) -> bool| {
        [lists.limits, lists.requests].into_iter().flatten().flat_map(Map::keys).any(such)
    };
    if !asks(|name| matches!(name, "cpu" | "memory")) && asks(is_huge_pages) {
        out.push(place.forbidden("HugePages require cpu or memory"));
    }
    out
}

fn name_and_amount(name: &str, amount: Quantity, level: Level, place: &Place<'_>) -> FieldErrors {
    let known = STANDARD.contains(&name) && (level == Level::Container || name != "ephemeral-storage");
    if known && !amount.is_negative() {
        return FieldErrors::new();
    }
    let path = place.path();
    let mut out = match level {
        Level::Container => rules::container_name(&path, name),
        Level::Pod => rules::name(&path, name),
    };
    if level == Level::Pod && out.is_empty() && !is_of_pods(name) {
        out.push(place.not_supported(name, &OF_PODS));
    }
    out.extend(rules::amount(&path, name, amount));
    out
}

/// Whether a pod as a whole may ask for it (KEP-2837).
pub(super) fn is_of_pods(name: &str) -> bool {
    matches!(name, "cpu" | "memory") || is_huge_pages(name)
}

/// Whether it is memory in larger pages.
pub(super) fn is_huge_pages(name: &str) -> bool {
    name.starts_with(HUGE_PAGES)
}

fn against_limit(
    name: &str,
    request: Quantity,
    limits: Option<&Map>,
    place: &Place<'_>,
) -> Option<FieldError> {
    let elastic = rules::may_be_overcommitted(name);
    let Some(limit) = limits.and_then(|limits| limits.get(name)).and_then(Quantity::from_document) else {
        let why = "Limit must be set for non overcommitable resources";
        return (!elastic).then(|| place.child("limits").required(why));
    };
    let limit = limit.ok()?;
    let relation = if !elastic && request != limit {
        "equal to"
    } else if request > limit {
        "less than or equal to"
    } else {
        return None;
    };
    let why = format!("must be {relation} {name} limit of {limit}");
    Some(place.child("requests").invalid(request, why))
}

/// Whether an amount of huge pages is a number of whole pages, which the name tells the size of.
fn is_divisible(name: &str, amount: Quantity) -> bool {
    let page = name.strip_prefix(HUGE_PAGES).and_then(|size| Quantity::parse(size).ok());
    page.is_some_and(|page| {
        let whole = page.is_whole() && page.value() > 0;
        whole && amount.value().checked_rem(page.value()) == Some(0)
    })
}

/// Claims of the pod that the container uses (KEP-4381).
fn claims(claims: &[Document], place: &Place<'_>, of_pod: &HashSet<&str>) -> FieldErrors {
    let mut out = FieldErrors::new();
    // Whole claims have no request.
    let mut seen: HashSet<(&str, &str)> = HashSet::new();
    for (i, claim) in claims.iter().enumerate() {
        let place = &place.index(i);
        let (name, request) = (claim.str_at(&["name"]), claim.str_at(&["request"]));
        if name.is_empty() {
            out.push(place.required(""));
            continue;
        }
        if seen.contains(&(name, "")) {
            out.push(place.duplicate(name));
        } else {
            if !request.is_empty() {
                out.extend(place.child("request").complaints(request, names::dns1123_label(request)));
            }
            if request.is_empty() {
                let parts = seen.iter().filter(|(other, _)| *other == name);
                out.extend(parts.map(|_| place.duplicate(name)));
            } else if seen.contains(&(name, request)) {
                out.push(place.duplicate(format!("{name}/{request}")));
            }
            seen.insert((name, request));
        }
        if !of_pod.contains(name) {
            out.push(unknown_claim(name, place, of_pod));
        }
    }
    out
}

fn unknown_claim(name: &str, place: &Place<'_>, of_pod: &HashSet<&str>) -> FieldError {
    let mut known: Vec<&str> = of_pod.iter().copied().collect();
    known.sort_unstable();
    let mut error = place.not_found(name);
    error.detail = if known.is_empty() {
        "must be one of the names in pod.spec.resourceClaims which is empty".to_owned()
    } else {
        format!("must be one of the names in pod.spec.resourceClaims: {}", known.join(", "))
    };
    error
}
