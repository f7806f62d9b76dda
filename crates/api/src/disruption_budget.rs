//! What the eviction of pods and the disruption controller both say in a PodDisruptionBudget's status: the condition
//! `DisruptionAllowed`.

use jiff::Timestamp;
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Document, doc};

/// The type of the condition.
pub const DISRUPTION_ALLOWED: &str = "DisruptionAllowed";
/// Its reason while the budget could not be worked out.
pub const SYNC_FAILED: &str = "SyncFailed";

/// Says whether disruptions are allowed, as `disruptionsAllowed` of the status has it.
pub fn tell_allowed(status: &mut Document, now: Timestamp) {
    if status.i64_at(&["disruptionsAllowed"]).unwrap_or(0) > 0 {
        set_condition(status, "True", "SufficientPods", "", now);
    } else {
        set_condition(status, "False", "InsufficientPods", "", now);
    }
}

/// Says that the budget could not be worked out, so that nothing may be disrupted.
pub fn tell_failure(status: &mut Document, why: &str, now: Timestamp) {
    set_condition(status, "False", SYNC_FAILED, why, now);
}

/// The condition in a status.
pub fn condition(status: &Document) -> Option<&Document> {
    status.array_at(&["conditions"]).iter().find(|condition| is_it(condition))
}

fn is_it(condition: &Document) -> bool {
    condition.str_at(&["type"]) == DISRUPTION_ALLOWED
}

fn set_condition(status: &mut Document, value: &str, reason: &str, message: &str, now: Timestamp) {
    let generation = status.i64_at(&["observedGeneration"]).unwrap_or(0);
    let before = condition(status).filter(|condition| condition.str_at(&["status"]) == value);
    let since = before.map(|condition| condition.str_at(&["lastTransitionTime"]).to_owned());
    let mut new = doc!({"type": DISRUPTION_ALLOWED, "status": value});
    if generation > 0 {
        new.insert("observedGeneration", generation);
    }
    new.insert("lastTransitionTime", since.unwrap_or_else(|| format_time(now)));
    new.insert("reason", reason);
    new.insert("message", message);
    let conditions = status.ensure(&["conditions"]).make_array();
    match conditions.iter_mut().find(|condition| is_it(condition)) {
        Some(condition) => *condition = new,
        None => conditions.push(new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_condition_follows_the_number_and_keeps_its_time_while_it_stands() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let told = |status: &str, since: &str, reason: &str, message: &str| {
            doc!([{"type": "DisruptionAllowed", "status": status, "observedGeneration": 2, "lastTransitionTime": since,
                "reason": reason, "message": message}])
        };
        let mut status = doc!({"disruptionsAllowed": 1, "observedGeneration": 2});
        tell_allowed(&mut status, at("2026-01-01T00:00:00Z"));
        assert_eq!(status["conditions"], told("True", "2026-01-01T00:00:00Z", "SufficientPods", ""));
        tell_allowed(&mut status, at("2026-01-01T00:01:00Z"));
        assert_eq!(status["conditions"], told("True", "2026-01-01T00:00:00Z", "SufficientPods", ""));
        status.insert("disruptionsAllowed", 0);
        tell_failure(&mut status, "why", at("2026-01-01T00:02:00Z"));
        assert_eq!(status["conditions"], told("False", "2026-01-01T00:02:00Z", "SyncFailed", "why"));
        tell_allowed(&mut status, at("2026-01-01T00:03:00Z"));
        assert_eq!(status["conditions"], told("False", "2026-01-01T00:02:00Z", "InsufficientPods", ""));
    }
}
