//! Conditions in a Job's status.
//!
//! How a Job ends is told twice: first what it has come to (`SuccessCriteriaMet`, `FailureTarget`), then, once none of
//! its pods runs any more, that it has ended (`Complete`, `Failed`).

use jiff::Timestamp;
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Document, doc};

/// What a condition says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Condition<'a> {
    /// `type`.
    pub(super) kind: &'static str,
    /// Whether it holds.
    pub(super) holds: bool,
    /// Machine-readable reason.
    pub(super) reason: &'a str,
    /// The text.
    pub(super) message: &'a str,
}

/// A condition of a Job that holds.
pub(super) fn holding<'a>(job: &'a Document, kind: &str) -> Option<&'a Document> {
    let mut conditions = job.array_at(&["status", "conditions"]).iter();
    conditions.find(|told| told.str_at(&["type"]) == kind && told.str_at(&["status"]) == "True")
}

/// The condition with which a Job has ended.
pub(super) fn finished(job: &Document) -> Option<&Document> {
    holding(job, "Complete").or_else(|| holding(job, "Failed"))
}

impl Condition<'_> {
    /// Puts it among the conditions; tells whether that changes anything. What never held is not told to hold no more.
    pub(super) fn put(self, conditions: &mut Vec<Document>, now: Timestamp) -> bool {
        match conditions.iter_mut().find(|told| told.str_at(&["type"]) == self.kind) {
            Some(told) if self.is_told_by(told) => false,
            Some(told) => {
                *told = self.at(now);
                true
            }
            None if self.holds => {
                conditions.push(self.at(now));
                true
            }
            None => false,
        }
    }

    fn status(self) -> &'static str {
        if self.holds { "True" } else { "False" }
    }

    fn is_told_by(self, told: &Document) -> bool {
        told.str_at(&["status"]) == self.status()
            && told.str_at(&["reason"]) == self.reason
            && told.str_at(&["message"]) == self.message
    }

    fn at(self, now: Timestamp) -> Document {
        let time = format_time(now);
        let mut condition = doc!({
            "type": self.kind,
            "status": self.status(),
            "lastProbeTime": time.as_str(),
            "lastTransitionTime": time.as_str()
        });
        for (field, text) in [("reason", self.reason), ("message", self.message)] {
            if !text.is_empty() {
                condition.insert(field, text);
            }
        }
        condition
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_told_once_and_only_taken_back_if_it_held() {
        let suspended = |holds| Condition { kind: "Suspended", holds, reason: "R", message: "m" };
        let at = |second: i64| Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(second);
        let mut conditions = vec![doc!({"type": "Other", "status": "True"})];
        assert!(!suspended(false).put(&mut conditions, at(1)));
        assert!(suspended(true).put(&mut conditions, at(2)));
        assert!(!suspended(true).put(&mut conditions, at(3)));
        assert_eq!(
            conditions[1],
            doc!({"type": "Suspended", "status": "True", "lastProbeTime": "1970-01-01T00:00:02Z",
                "lastTransitionTime": "1970-01-01T00:00:02Z", "reason": "R", "message": "m"})
        );
        assert!(suspended(false).put(&mut conditions, at(4)));
        let told = &conditions[1];
        assert_eq!(
            (told.str_at(&["status"]), told.str_at(&["lastTransitionTime"])),
            ("False", "1970-01-01T00:00:04Z")
        );
        assert_eq!(conditions.len(), 2);
    }
}
