//! Why a pod is refused, and how several reasons read together.

use std::fmt;

/// Why one check refuses a pod (upstream's `CheckResult`), shown as `reason (detail)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The same for all pods that break the rule, such as `host namespaces`.
    pub reason: &'static str,
    /// What of this pod breaks it, such as `hostNetwork=true`; empty if there is nothing to add.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason)?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, " ({})", self.detail) }
    }
}

/// `reason (detail), reason (detail)`, for one pod (upstream's `ForbiddenDetail`).
pub fn forbidden_detail(violations: &[Violation]) -> String {
    let texts: Vec<String> = violations.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

/// `reason, reason`, for many pods (upstream's `ForbiddenReason`).
pub fn forbidden_reason(violations: &[Violation]) -> String {
    let texts: Vec<&str> = violations.iter().map(|violation| violation.reason).collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_stand_in_parentheses_behind_their_reason() {
        let violations = [
            Violation { reason: "hostPort", detail: "8080, 9090".into() },
            Violation { reason: "forbidden sysctls", detail: String::new() },
        ];
        assert_eq!(forbidden_detail(&violations), "hostPort (8080, 9090), forbidden sysctls");
        assert_eq!(forbidden_reason(&violations), "hostPort, forbidden sysctls");
    }
}
