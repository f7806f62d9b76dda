//! How a command ended, and how the client is told on the error channel.

use super::protocol::Version;
use serde::Serialize;

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It ran and exited with this code.
    Exited(i32),
    /// It could not be run, or its end is not known.
    Failed(String),
}

/// The parts of a Status that clients read here.
#[derive(Serialize)]
struct Status<'a> {
    metadata: Metadata,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
}

#[derive(Serialize)]
struct Metadata {}

#[derive(Serialize)]
struct Details<'a> {
    causes: [Cause<'a>; 1],
}

#[derive(Serialize)]
struct Cause<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    message: String,
}

impl Outcome {
    /// What is written on the error channel.
    pub(super) fn message(&self, version: Version) -> Vec<u8> {
        if version < Version::V4 {
            return self.failure().unwrap_or_default().into_bytes();
        }
        // A struct of texts and numbers always has a JSON form.
        serde_json::to_vec(&self.status()).unwrap_or_default()
    }

    fn failure(&self) -> Option<String> {
        match self {
            Self::Exited(0) => None,
            Self::Exited(code) => {
                Some(format!("command terminated with non-zero exit code: exit status {code}"))
            }
            Self::Failed(reason) => Some(format!("Internal error occurred: {reason}")),
        }
    }

    fn status(&self) -> Status<'static> {
        let (reason, cause, code) = match self {
            Self::Exited(0) => (None, None, None),
            Self::Exited(code) => {
                let cause = Cause { reason: Some("ExitCode"), message: code.to_string() };
                (Some("NonZeroExitCode"), Some(cause), None)
            }
            Self::Failed(text) => {
                let cause = Cause { reason: None, message: text.clone() };
                (Some("InternalError"), Some(cause), Some(500))
            }
        };
        let message = self.failure();
        Status {
            metadata: Metadata {},
            status: if message.is_none() { "Success" } else { "Failure" },
            message,
            reason,
            details: cause.map(|cause| Details { causes: [cause] }),
            code,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(outcome: Outcome, version: Version) -> String {
        String::from_utf8(outcome.message(version)).unwrap()
    }

    #[test]
    fn success_is_a_bare_status() {
        assert_eq!(told(Outcome::Exited(0), Version::V4), r#"{"metadata":{},"status":"Success"}"#);
        assert_eq!(told(Outcome::Exited(0), Version::V1), "");
    }

    #[test]
    fn an_exit_code_is_a_cause() {
        assert_eq!(
            told(Outcome::Exited(7), Version::V5),
            r#"{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: exit status 7","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}"#
        );
    }

    #[test]
    fn a_failure_is_an_internal_error() {
        assert_eq!(
            told(
                Outcome::Failed("error executing command in container: no such file".to_owned()),
                Version::V4
            ),
            r#"{"metadata":{},"status":"Failure","message":"Internal error occurred: error executing command in container: no such file","reason":"InternalError","details":{"causes":[{"message":"error executing command in container: no such file"}]},"code":500}"#
        );
        assert_eq!(told(Outcome::Failed("x".to_owned()), Version::V2), "Internal error occurred: x");
    }
}
