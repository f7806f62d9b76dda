//! Taints of nodes that a pod tolerates.

use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors, names};

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// The `tolerations` of a pod.
pub(crate) fn validate(tolerations: &[Document], place: &Place<'_>) -> FieldErrors {
    tolerations.iter().enumerate().flat_map(|(i, toleration)| one(toleration, &place.index(i))).collect()
}

fn one(toleration: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let [key, operator, value, effect] =
        ["key", "operator", "value", "effect"].map(|field| toleration.str_at(&[field]));
    if !key.is_empty() {
        out.extend(place.child("key").complaints(key, names::qualified_name(key)));
    } else if operator != "Exists" {
        let why =
            "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        out.push(place.child("operator").invalid(operator, why));
    }
    if effect != "NoExecute" && toleration.i64_at(&["tolerationSeconds"]).is_some() {
        let why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
        out.push(place.child("effect").invalid(effect, why));
    }
    let at = place.child("operator");
    match operator {
        "" | "Equal" => {
            let complaints = names::label_value(value);
            if !complaints.is_empty() {
                out.push(at.invalid(value, complaints.join(";")));
            }
        }
        "Exists" => {
            if !value.is_empty() {
                out.push(at.invalid(value, "value must be empty when `operator` is 'Exists'"));
            }
        }
        // Upstream lists these where it turns them down, for a gate that is off (KEP-5471).
        "Lt" | "Gt" => out.push(at.not_supported(operator, &["Equal", "Exists", "Lt", "Gt"])),
        _ => out.push(at.not_supported(operator, &["Equal", "Exists"])),
    }
    if !effect.is_empty() {
        out.extend(place.child("effect").among(effect, &EFFECTS));
    }
    out
}
