//! What may change in a pod that waits for its scheduling gates: the nodes that it may run on become fewer (KEP-3838).

use super::super::pod_template::given;
use super::sameness::is_same;
use super::update::restore;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors, Map, doc};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";

/// Takes the changes back, and tells what is wrong with them.
pub(super) fn undo(rest: &mut Document, old: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    if rest.get("nodeSelector") != old.get("nodeSelector") {
        let kept = rest.object_at(&["nodeSelector"]);
        let mut before = old.object_at(&["nodeSelector"]).into_iter().flat_map(Map::iter);
        if before.any(|(key, value)| kept.and_then(|kept| kept.get(key)) != Some(value)) {
            let why = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
            out.push(place.child("nodeSelector").invalid(rest.get("nodeSelector").cloned(), why));
        }
        restore(rest, old, "nodeSelector");
    }
    let affinity = |spec: &Document| spec.at(&["affinity", "nodeAffinity"]).cloned().unwrap_or_default();
    let (new_affinity, old_affinity) = (affinity(rest), affinity(old));
    if !is_same(&new_affinity, &old_affinity) {
        let place = place.child("affinity");
        let place = place.child("nodeAffinity");
        let place = place.child(REQUIRED);
        out.extend(narrowed(&new_affinity, &old_affinity, &place.child("nodeSelectorTerms")));
        restore_affinity(rest, old, old_affinity);
    }
    out
}

/// Terms may be added where there were none, and requirements to the terms that there are.
fn narrowed(new: &Document, old: &Document, place: &Place<'_>) -> FieldErrors {
    let old_terms = old.array_at(&[REQUIRED, "nodeSelectorTerms"]);
    let new_terms = new.array_at(&[REQUIRED, "nodeSelectorTerms"]);
    if old_terms.is_empty() {
        return FieldErrors::new();
    }
    if old_terms.len() != new_terms.len() {
        let shown: Option<Document> =
            (!new_terms.is_empty()).then(|| new_terms.iter().map(shown_term).collect());
        let why = "no additions/deletions to non-empty NodeSelectorTerms list are allowed";
        return vec![place.invalid(shown, why)];
    }
    let changed = new_terms.iter().zip(old_terms).enumerate().filter(|(_, (new, old))| !only_adds(new, old));
    changed
        .map(|(i, (new, _))| {
            let why = "only additions are allowed (no mutations or deletions)";
            place.index(i).invalid(shown_term(new), why)
        })
        .collect()
}

fn only_adds(new: &Document, old: &Document) -> bool {
    const LISTS: [&str; 2] = ["matchExpressions", "matchFields"];
    let is_empty = |term: &Document| LISTS.iter().all(|list| term.array_at(&[list]).is_empty());
    // A term without requirements matches nothing, so any would widen it.
    if is_empty(old) && !is_empty(new) {
        return false;
    }
    LISTS.iter().all(|list| {
        let (new, old) = (new.array_at(&[list]), old.array_at(&[list]));
        new.len() >= old.len() && new.iter().zip(old).all(|(new, old)| is_same(new, old))
    })
}

/// A term as upstream shows it: as its internal struct, whose fields have no names of the API.
fn shown_term(term: &Document) -> Document {
    let requirements = |list: &str| {
        let list = given(term, list)?.as_array()?;
        let shown = list.iter().map(|requirement| {
            doc!({
                "Key": requirement.str_at(&["key"]),
                "Operator": requirement.str_at(&["operator"]),
                "Values": requirement.get("values").cloned()
            })
        });
        Some(shown.collect::<Document>())
    };
    doc!({"MatchExpressions": requirements("matchExpressions"), "MatchFields": requirements("matchFields")})
}

/// Gives the affinity to nodes back, and leaves that to pods as it is.
fn restore_affinity(rest: &mut Document, old: &Document, of_nodes: Document) {
    let of_pods = rest.get("affinity").is_some_and(|affinity| {
        ["podAffinity", "podAntiAffinity"].iter().any(|kind| given(affinity, kind).is_some())
    });
    if given(old, "affinity").is_none() && !of_pods {
        rest.remove(&["affinity"]);
    } else if of_nodes.is_null() {
        rest.remove(&["affinity", "nodeAffinity"]);
    } else {
        rest.set(&["affinity", "nodeAffinity"], of_nodes);
    }
}
