//! How long a request may take: the server's limit, or less if the client asks for less.

use crate::request::{Query, RequestInfo};
use skiff_apimachinery::Status;
use skiff_apimachinery::go_duration::parse_duration;
use std::time::Duration;

/// Longest time that a change of a resource may take, whatever the server's limit: upstream's, which is shorter than what
/// its clients wait.
const LONGEST_CHANGE: Duration = Duration::from_secs(34);

/// When a request has to be over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// How long it may take.
    pub limit: Duration,
    /// Whether it changes a resource: what a client is told then differs.
    pub changes: bool,
}

impl Deadline {
    /// The deadline of a request; `None` for one that may last as long as its client wants.
    ///
    /// # Errors
    /// 400 if the `timeout` parameter is no duration.
    pub fn of(info: &RequestInfo, query: &Query, most: Duration) -> Result<Option<Self>, Status> {
        if info.is_long_running() {
            return Ok(None);
        }
        let asked = match query.get("timeout") {
            "" => None,
            text => parse(text).map_err(|why| {
                Status::bad_request(format!("invalid timeout specified in the request URL - {why}"))
            })?,
        };
        let mut limit = asked.filter(|asked| *asked > Duration::ZERO && *asked < most).unwrap_or(most);
        let changes = info.is_resource && info.verb.is_mutating();
        if changes {
            limit = limit.min(LONGEST_CHANGE);
        }
        Ok(Some(Self { limit, changes }))
    }

    /// What the client is told when a change took too long.
    pub fn exceeded() -> Status {
        Status::timeout(
            "Timeout: request did not complete within requested timeout - context deadline exceeded",
            0,
        )
    }
}

/// A duration with a sign; negative ones are none.
fn parse(text: &str) -> Result<Option<Duration>, String> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let duration = parse_duration(unsigned)
        .map_err(|why| why.replace(&format!("{unsigned:?}"), &format!("{text:?}")))?;
    Ok((!text.starts_with('-')).then_some(duration))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;

    fn limit(method: Method, uri: &str) -> Result<Option<u64>, String> {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let query = Query::parse(query);
        let info = RequestInfo::parse(&method, path, &query);
        let deadline = Deadline::of(&info, &query, Duration::from_secs(60));
        deadline.map(|d| d.map(|d| d.limit.as_secs())).map_err(|status| status.message)
    }

    #[test]
    fn clients_may_ask_for_less_time_but_not_for_more() {
        let cases = [
            (Method::GET, "/api/v1/pods", Ok(Some(60))),
            (Method::GET, "/api/v1/pods?timeout=5s", Ok(Some(5))),
            (Method::GET, "/api/v1/pods?timeout=5m", Ok(Some(60))),
            (Method::GET, "/api/v1/pods?timeout=0s", Ok(Some(60))),
            (Method::GET, "/api/v1/pods?timeout=-5s", Ok(Some(60))),
            (Method::POST, "/api/v1/namespaces", Ok(Some(34))),
            (Method::POST, "/api/v1/namespaces?timeout=40s", Ok(Some(34))),
            (Method::POST, "/api/v1/namespaces?timeout=5s", Ok(Some(5))),
            (Method::POST, "/version", Ok(Some(60))),
            (Method::GET, "/api/v1/pods?watch=1&timeout=5s", Ok(None)),
            (
                Method::GET,
                "/api/v1/pods?timeout=5",
                Err("invalid timeout specified in the request URL - time: missing unit in duration \"5\""
                    .to_owned()),
            ),
            (
                Method::GET,
                "/version?timeout=-x",
                Err("invalid timeout specified in the request URL - time: invalid duration \"-x\"".to_owned()),
            ),
        ];
        for (method, uri, expected) in cases {
            assert_eq!(limit(method, uri), expected, "{uri}");
        }
    }
}
