//! Restart policies of single containers, and rules by exit code (KEP-5307).

use super::super::given;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors};

/// Most rules of a container.
const MAX_RULES: usize = 20;
/// Most exit codes of a rule.
const MAX_EXIT_CODES: usize = 255;

/// The policy of a container that is no sidecar.
pub(super) fn policy(container: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let rules = container.array_at(&["restartPolicyRules"]);
    match container.get("restartPolicy").and_then(Document::as_str) {
        Some(policy) => {
            let allowed = ["Always", "Never", "OnFailure"];
            out.extend(place.child("restartPolicy").among(policy, &allowed));
        }
        None if rules.is_empty() => return out,
        None => {
            let why = "must specify restartPolicy when restart rules are used";
            out.push(place.child("restartPolicy").required(why));
        }
    }
    let place = &place.child("restartPolicyRules");
    // Upstream counts bytes where it means elements, and says so.
    if rules.len() > MAX_RULES {
        out.push(place.too_long(MAX_RULES));
    }
    for (i, rule) in rules.iter().enumerate() {
        out.extend(one_rule(rule, &place.index(i)));
    }
    out
}

fn one_rule(rule: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    out.extend(place.child("action").among(rule.str_at(&["action"]), &["Restart"]));
    let place = place.child("exitCodes");
    let Some(codes) = given(rule, "exitCodes") else {
        out.push(place.required("must be specified"));
        return out;
    };
    out.extend(place.child("operator").among(codes.str_at(&["operator"]), &["In", "NotIn"]));
    if codes.array_at(&["values"]).len() > MAX_EXIT_CODES {
        out.push(place.child("values").too_long(MAX_EXIT_CODES));
    }
    out
}

/// The policy of an init container: sidecars are always restarted, whatever they exit with.
pub(super) fn init_policy(container: &Document, place: &Place<'_>) -> FieldErrors {
    if !super::is_sidecar(container) {
        return policy(container, place);
    }
    if container.array_at(&["restartPolicyRules"]).is_empty() {
        return FieldErrors::new();
    }
    let why = "restartPolicyRules are not allowed for init containers with restart policy Always";
    vec![place.child("restartPolicyRules").forbidden(why)]
}
