//! Selectors that take values from the pod's own labels (KEP-3633, KEP-3243).
//!
//! `matchLabelKeys` and `mismatchLabelKeys` name labels; when a pod is made, their values become expressions of the selector.

use skiff_apimachinery::{Document, doc};

const LISTS: [&str; 2] =
    ["preferredDuringSchedulingIgnoredDuringExecution", "requiredDuringSchedulingIgnoredDuringExecution"];

/// Puts the pod's label values into the selectors of its affinity and of its spread constraints.
pub(super) fn fill_in(pod: &mut Document) {
    let Some(labels) = pod.at(&["metadata", "labels"]).filter(|labels| !labels.is_empty()).cloned() else {
        return;
    };
    for kind in ["podAffinity", "podAntiAffinity"] {
        for list in LISTS {
            for element in elements(pod, &["spec", "affinity", kind, list]) {
                // Preferences hold their term.
                match element.get_mut("podAffinityTerm") {
                    Some(term) => fill_in_term(term, &labels),
                    None => fill_in_term(element, &labels),
                }
            }
        }
    }
    for constraint in elements(pod, &["spec", "topologySpreadConstraints"]) {
        fill_in_term(constraint, &labels);
    }
}

fn elements<'a>(doc: &'a mut Document, path: &[&str]) -> impl Iterator<Item = &'a mut Document> {
    doc.at_mut(path).and_then(Document::as_array_mut).into_iter().flatten()
}

fn fill_in_term(term: &mut Document, labels: &Document) {
    if term.get("labelSelector").is_none_or(Document::is_null) {
        // No selector selects nothing, whatever is added to it.
        return;
    }
    for (field, operator) in [("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")] {
        let keys = term.array_at(&[field]).iter().filter_map(Document::as_str);
        let expressions: Vec<Document> = keys
            .filter_map(|key| Some((key, labels.get(key)?.as_str()?)))
            .map(|(key, value)| doc!({"key": key, "operator": operator, "values": [value]}))
            .collect();
        if !expressions.is_empty() {
            term.ensure(&["labelSelector", "matchExpressions"]).make_array().extend(expressions);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_values_become_expressions() {
        let term = doc!({
            "labelSelector": {"matchLabels": {"a": "b"}},
            "matchLabelKeys": ["app", "gone"], "mismatchLabelKeys": ["tenant"]
        });
        let mut pod = doc!({
            "metadata": {"labels": {"app": "web", "tenant": "t"}},
            "spec": {
                "affinity": {
                    "podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"podAffinityTerm": term.clone()}]},
                    "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term.clone()]}
                },
                "topologySpreadConstraints": [
                    {"labelSelector": {}, "matchLabelKeys": ["app"]},
                    {"matchLabelKeys": ["app"]}
                ]
            }
        });
        fill_in(&mut pod);
        let app = doc!({"key": "app", "operator": "In", "values": ["web"]});
        let tenant = doc!({"key": "tenant", "operator": "NotIn", "values": ["t"]});
        let both = doc!({"matchLabels": {"a": "b"}, "matchExpressions": [app.clone(), tenant]});
        let affinity = &pod["spec"]["affinity"];
        let preferred =
            affinity.array_at(&["podAffinity", "preferredDuringSchedulingIgnoredDuringExecution"]);
        assert_eq!(preferred[0]["podAffinityTerm"]["labelSelector"], both);
        let required =
            affinity.array_at(&["podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution"]);
        assert_eq!(required[0]["labelSelector"], both);
        assert_eq!(
            pod["spec"]["topologySpreadConstraints"],
            doc!([
                {"labelSelector": {"matchExpressions": [app]}, "matchLabelKeys": ["app"]},
                {"matchLabelKeys": ["app"]}
            ])
        );
    }
}
