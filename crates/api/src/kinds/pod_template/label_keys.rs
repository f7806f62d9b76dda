//! Label keys whose values a selector takes from the pod itself (`matchLabelKeys`, `mismatchLabelKeys`).

use super::given;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors, Map, names};
use std::collections::HashSet;

/// The keys of an affinity term or spread constraint.
///
/// Before this is asked the values have been put into the selector as expressions: a key that comes there once more was in
/// the selector before.
pub(super) fn merged(term: &Document, place: &Place<'_>) -> FieldErrors {
    let matched = term.array_at(&["matchLabelKeys"]);
    let mismatched = term.array_at(&["mismatchLabelKeys"]);
    let mut out = FieldErrors::new();
    if matched.is_empty() && mismatched.is_empty() {
        return out;
    }
    let selector = given(term, "labelSelector");
    for (keys, field) in [(matched, "matchLabelKeys"), (mismatched, "mismatchLabelKeys")] {
        let place = place.child(field);
        if !keys.is_empty() && selector.is_none() {
            out.push(place.forbidden("must not be specified when labelSelector is not set"));
            continue;
        }
        for (i, key) in keys.iter().filter_map(Document::as_str).enumerate() {
            out.extend(place.index(i).complaints(key, names::qualified_name(key)));
        }
    }
    out.extend(in_selector(matched, selector, place));
    let place = place.child("matchLabelKeys");
    for (i, key) in matched.iter().enumerate().filter(|(_, key)| mismatched.contains(key)) {
        out.push(place.index(i).invalid(key, "exists in both matchLabelKeys and mismatchLabelKeys"));
    }
    out
}

/// Upstream leaves the name of the list out of these paths.
fn in_selector(keys: &[Document], selector: Option<&Document>, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let Some(selector) = selector else { return out };
    let mut seen: HashSet<&str> = match_labels(selector).collect();
    for expression in selector.array_at(&["matchExpressions"]) {
        let key = expression.str_at(&["key"]);
        let index = keys.iter().rposition(|label| label.as_str() == Some(key));
        if let Some(i) = index.filter(|_| seen.contains(key)) {
            out.push(place.index(i).invalid(key, "exists in both matchLabelKeys and labelSelector"));
        }
        seen.insert(key);
    }
    out
}

/// The keys of a spread constraint that was made when they were not put into selectors yet.
pub(super) fn apart(term: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let keys = term.array_at(&["matchLabelKeys"]);
    if keys.is_empty() {
        return out;
    }
    let place = &place.child("matchLabelKeys");
    let Some(selector) = given(term, "labelSelector") else {
        out.push(place.forbidden("must not be specified when labelSelector is not set"));
        return out;
    };
    let expressions = selector.array_at(&["matchExpressions"]).iter().map(|e| e.str_at(&["key"]));
    let in_selector: HashSet<&str> = match_labels(selector).chain(expressions).collect();
    for (i, key) in keys.iter().filter_map(Document::as_str).enumerate() {
        let at = place.index(i);
        out.extend(at.complaints(key, names::qualified_name(key)));
        if in_selector.contains(key) {
            out.push(at.invalid(key, "exists in both matchLabelKeys and labelSelector"));
        }
    }
    out
}

fn match_labels(selector: &Document) -> impl Iterator<Item = &str> {
    selector.object_at(&["matchLabels"]).into_iter().flat_map(Map::keys)
}
