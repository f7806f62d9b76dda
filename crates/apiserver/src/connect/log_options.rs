//! Options of `pods/log`, read and checked as upstream does.

use crate::request::Query;
use crate::request::query::encode_component;
use skiff_apimachinery::time::{format_time, parse_time};
use skiff_apimachinery::{FieldError, FieldErrors, FieldPath, GroupKind, Status};

const STREAMS: [&str; 3] = ["All", "Stderr", "Stdout"];

/// What part of a container's log is wanted.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct LogOptions {
    pub(super) container: String,
    pub(super) follow: bool,
    previous: bool,
    timestamps: bool,
    since_seconds: Option<i64>,
    since_time: Option<jiff::Timestamp>,
    tail_lines: Option<i64>,
    limit_bytes: Option<i64>,
    stream: String,
}

impl LogOptions {
    /// Reads the query.
    ///
    /// # Errors
    /// 400 for what cannot be read, 422 for what makes no sense.
    pub(super) fn parse(query: &Query, pod: &str) -> Result<Self, Status> {
        let since_time = match query.get("sinceTime") {
            "" => None,
            text => Some(parse_time(text).ok_or_else(|| {
                Status::bad_request(format!(
                    "parsing time {text:?} as \"2006-01-02T15:04:05Z07:00\": cannot parse {text:?} as \"2006\""
                ))
            })?),
        };
        let options = Self {
            container: query.get("container").to_owned(),
            follow: query.flag("follow"),
            previous: query.flag("previous"),
            timestamps: query.flag("timestamps"),
            since_seconds: query.integer("sinceSeconds")?,
            since_time,
            tail_lines: query.integer("tailLines")?,
            limit_bytes: query.integer("limitBytes")?,
            stream: query.get("stream").to_owned(),
        };
        let errors = options.errors();
        if errors.is_empty() {
            Ok(options)
        } else {
            Err(Status::invalid(&GroupKind::new("", "PodLogOptions"), pod, &errors))
        }
    }

    fn errors(&self) -> FieldErrors {
        let mut errors = FieldErrors::new();
        if let Some(lines) = self.tail_lines.filter(|lines| *lines < 0) {
            let why = "must be greater than or equal to 0";
            errors.push(FieldError::invalid(&FieldPath::new("tailLines"), lines, why));
        }
        let positive = [("limitBytes", self.limit_bytes), ("sinceSeconds", self.since_seconds)];
        for (field, value) in positive {
            if let Some(value) = value.filter(|value| *value < 1) {
                errors.push(FieldError::invalid(&FieldPath::new(field), value, "must be greater than 0"));
            }
        }
        if self.since_seconds.is_some() && self.since_time.is_some() {
            let why = "at most one of `sinceTime` or `sinceSeconds` may be specified";
            errors.push(FieldError::forbidden(&FieldPath::root(), why));
        }
        let stream = self.stream.as_str();
        if !stream.is_empty() && !STREAMS.contains(&stream) {
            errors.push(FieldError::not_supported(&FieldPath::new("stream"), stream, &STREAMS));
        } else if matches!(stream, "Stdout" | "Stderr") && self.tail_lines.is_some() {
            let why = "`tailLines` and specific `stream` are mutually exclusive for now";
            errors.push(FieldError::forbidden(&FieldPath::root(), why));
        }
        errors
    }

    /// The query that the node's server understands.
    pub(super) fn to_query(&self) -> String {
        let flag = |name: &'static str, set: bool| set.then(|| (name, "true".to_owned()));
        let number = |name: &'static str, value: Option<i64>| value.map(|value| (name, value.to_string()));
        let pairs = [
            flag("follow", self.follow),
            number("limitBytes", self.limit_bytes),
            flag("previous", self.previous),
            number("sinceSeconds", self.since_seconds),
            self.since_time.map(|time| ("sinceTime", format_time(time))),
            (!self.stream.is_empty()).then(|| ("stream", self.stream.clone())),
            number("tailLines", self.tail_lines),
            flag("timestamps", self.timestamps),
        ];
        let encoded: Vec<String> = pairs
            .into_iter()
            .flatten()
            .map(|(key, value)| format!("{key}={}", encode_component(&value)))
            .collect();
        encoded.join("&")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<String, String> {
        let options = LogOptions::parse(&Query::parse(query), "x");
        options.map(|options| options.to_query()).map_err(|status| status.message)
    }

    #[test]
    fn options_are_handed_on() {
        assert_eq!(read(""), Ok(String::new()));
        assert_eq!(
            read("follow=true&tailLines=5&container=c&timestamps=1&sinceTime=2026-01-02T03%3A04%3A05Z"),
            Ok("follow=true&sinceTime=2026-01-02T03%3A04%3A05Z&tailLines=5&timestamps=true".into())
        );
        assert_eq!(read("follow=false&previous=true&limitBytes=7"), Ok("limitBytes=7&previous=true".into()));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let refused = |query: &str| read(query).unwrap_err();
        assert_eq!(
            refused("tailLines=-1"),
            "PodLogOptions \"x\" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0"
        );
        assert!(refused("limitBytes=0").ends_with("limitBytes: Invalid value: 0: must be greater than 0"));
        assert!(
            refused("sinceSeconds=5&sinceTime=2026-01-02T03:04:05Z").contains("at most one of `sinceTime`")
        );
        assert_eq!(refused("tailLines=x"), "strconv.ParseInt: parsing \"x\": invalid syntax");
        assert!(refused("stream=Stdout&tailLines=1").contains("mutually exclusive"));
    }
}
