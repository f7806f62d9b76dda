//! What is told about a request that is over.

use crate::authentication::UserInfo;
use crate::request::RequestInfo;
use jiff::Timestamp;

/// A request and how it ended.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// Identifies the request in logs and in the `Audit-Id` header.
    pub audit_id: &'a str,
    /// What was asked for.
    pub info: &'a RequestInfo,
    /// Path and query as they came.
    pub uri: &'a str,
    /// Who asked.
    pub user: &'a UserInfo,
    /// As whom, if somebody else was impersonated.
    pub impersonated: Option<&'a UserInfo>,
    /// Address of the client; empty within the process.
    pub source: &'a str,
    /// What software asked.
    pub user_agent: &'a str,
    /// The answer's HTTP status code.
    pub code: u16,
    /// Why it was allowed; empty if it was not.
    pub reason: &'a str,
    /// Whether it was allowed.
    pub allowed: bool,
    /// When it came.
    pub received: Timestamp,
    /// When it was answered.
    pub completed: Timestamp,
}

/// Takes records of finished requests, such as a log file at Metadata level. Must not block.
pub trait Audit: Send + Sync + 'static {
    /// Notes a request.
    fn record(&self, record: &Record<'_>);
}
