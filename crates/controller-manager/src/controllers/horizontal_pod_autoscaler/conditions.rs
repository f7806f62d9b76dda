//! The conditions AbleToScale, ScalingActive and ScalingLimited.

use jiff::Timestamp;
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Document, doc};

/// What the conditions are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whether the target's scale can be read and written.
    AbleToScale,
    /// Whether metrics tell how many replicas there are to be.
    ScalingActive,
    /// Whether that number is held back.
    ScalingLimited,
}

/// An autoscaler's conditions while they are worked out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Conditions(Vec<Document>);

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::AbleToScale => "AbleToScale",
            Self::ScalingActive => "ScalingActive",
            Self::ScalingLimited => "ScalingLimited",
        }
    }
}

impl Conditions {
    pub(super) fn of(autoscaler: &Document) -> Self {
        Self(autoscaler.array_at(&["status", "conditions"]).to_vec())
    }

    pub(super) fn into_documents(self) -> Vec<Document> {
        self.0
    }

    /// Sets a condition; since when it holds only changes with its status.
    pub(super) fn set(&mut self, kind: Kind, holds: bool, reason: &str, message: &str, now: Timestamp) {
        let status = if holds { "True" } else { "False" };
        let place = self.0.iter().position(|condition| condition.str_at(&["type"]) == kind.name());
        let standing = place.and_then(|place| self.0.get(place));
        let standing = standing.filter(|condition| condition.str_at(&["status"]) == status);
        let since = standing.map(|condition| condition.str_at(&["lastTransitionTime"]).to_owned());
        let condition = doc!({
            "type": kind.name(),
            "status": status,
            "lastTransitionTime": since.unwrap_or_else(|| format_time(now)),
            "reason": reason,
            "message": message
        });
        match place.and_then(|place| self.0.get_mut(place)) {
            Some(slot) => *slot = condition,
            None => self.0.push(condition),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_keeps_its_place_and_its_time_while_it_holds() {
        let at = |second: i64| Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(second);
        let mut conditions = Conditions::of(&doc!({}));
        conditions.set(Kind::AbleToScale, true, "A", "a", at(0));
        conditions.set(Kind::ScalingActive, false, "B", "b", at(0));
        conditions.set(Kind::AbleToScale, true, "C", "c", at(5));
        conditions.set(Kind::ScalingActive, true, "D", "d", at(5));
        let told = |kind: &str, second: &str, reason: &str, message: &str| {
            let time = format!("1970-01-01T00:00:0{second}Z");
            doc!({"type": kind, "status": "True", "lastTransitionTime": time, "reason": reason, "message": message})
        };
        assert_eq!(
            conditions.into_documents(),
            [told("AbleToScale", "0", "C", "c"), told("ScalingActive", "5", "D", "d")]
        );
    }
}
