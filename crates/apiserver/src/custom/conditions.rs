//! Conditions in the status of a definition.

use jiff::Timestamp;
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Document, doc};

pub(super) const NAMES_ACCEPTED: &str = "NamesAccepted";
pub(super) const ESTABLISHED: &str = "Established";
pub(super) const TERMINATING: &str = "Terminating";
pub(super) const NON_STRUCTURAL_SCHEMA: &str = "NonStructuralSchema";
pub(super) const APPROVAL_POLICY_CONFORMANT: &str = "KubernetesAPIApprovalPolicyConformant";

/// One condition, without its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) ty: &'static str,
    pub(super) holds: bool,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

impl Condition {
    pub(super) fn new(
        ty: &'static str,
        holds: bool,
        reason: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self { ty, holds, reason, message: message.into() }
    }
}

/// Sets a condition; its time changes only with its status.
pub(super) fn set(definition: &mut Document, condition: &Condition, now: Timestamp) {
    let status = if condition.holds { "True" } else { "False" };
    let conditions = definition.ensure(&["status", "conditions"]).make_array();
    let known = conditions.iter_mut().find(|known| known.str_at(&["type"]) == condition.ty);
    let since = match &known {
        Some(known) if known.str_at(&["status"]) == status => {
            known.str_at(&["lastTransitionTime"]).to_owned()
        }
        _ => format_time(now),
    };
    let written = doc!({
        "type": condition.ty, "status": status, "lastTransitionTime": since, "reason": condition.reason,
        "message": condition.message.as_str()
    });
    match known {
        Some(known) => *known = written,
        None => conditions.push(written),
    }
}

/// Removes a condition.
pub(super) fn remove(definition: &mut Document, ty: &str) {
    if let Some(conditions) = definition.at_mut(&["status", "conditions"]).and_then(Document::as_array_mut) {
        conditions.retain(|known| known.str_at(&["type"]) != ty);
    }
}

/// Whether a condition is true.
pub(super) fn holds(definition: &Document, ty: &str) -> bool {
    let conditions = definition.array_at(&["status", "conditions"]);
    conditions.iter().any(|known| known.str_at(&["type"]) == ty && known.str_at(&["status"]) == "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conditions_time_tells_when_its_status_changed() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut definition = Document::object();
        let installing = Condition::new(ESTABLISHED, false, "Installing", "a");
        set(&mut definition, &installing, at("2026-01-01T00:00:00Z"));
        let again = Condition::new(ESTABLISHED, false, "Installing", "b");
        set(&mut definition, &again, at("2026-01-01T00:00:01Z"));
        let condition = &definition.array_at(&["status", "conditions"])[0];
        assert_eq!(condition.str_at(&["lastTransitionTime"]), "2026-01-01T00:00:00Z");
        assert_eq!(condition.str_at(&["message"]), "b");
        let done = Condition::new(ESTABLISHED, true, "InitialNamesAccepted", "c");
        set(&mut definition, &done, at("2026-01-01T00:00:02Z"));
        let condition = &definition.array_at(&["status", "conditions"])[0];
        assert_eq!(condition.str_at(&["lastTransitionTime"]), "2026-01-01T00:00:02Z");
        assert!(holds(&definition, ESTABLISHED) && !holds(&definition, TERMINATING));
        remove(&mut definition, ESTABLISHED);
        assert!(definition.array_at(&["status", "conditions"]).is_empty());
    }
}
