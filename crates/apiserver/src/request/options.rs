//! Options of list, watch, get, delete and writes, read from the query (and the body of deletions) as upstream reads them.

use super::Query;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, GroupKind, Status};

/// Which revision a read wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadAt {
    /// The latest, linearizable.
    Latest,
    /// Whatever is at hand.
    Any,
    /// At least this fresh.
    NotOlderThan(u64),
    /// Exactly then.
    Exact(u64),
}

/// Options of list, watch and deletecollection.
#[derive(Debug, Clone)]
pub struct ListOptions {
    /// Label selector text.
    pub label_selector: String,
    /// Field selector text.
    pub field_selector: String,
    /// Page size; 0 for all.
    pub limit: usize,
    /// Where the next page starts; empty for the first.
    pub continue_token: String,
    /// The text of resourceVersion.
    pub resource_version: String,
    /// Which revision to read.
    pub read_at: ReadAt,
    /// How long a watch lasts; `None` for the server's choice.
    pub timeout_seconds: Option<u64>,
    /// Whether a watch wants bookmarks.
    pub bookmarks: bool,
    /// Whether a watch starts with the current objects and tells when they are through; `None` for the old behaviour.
    pub send_initial_events: Option<bool>,
}

impl ListOptions {
    /// Reads and checks the query.
    ///
    /// # Errors
    /// 400 or 422 with upstream's text.
    pub fn parse(query: &Query, watch: bool) -> Result<Self, Status> {
        let resource_version = query.get("resourceVersion").to_owned();
        let matching = query.get("resourceVersionMatch");
        let continue_token = query.get("continue").to_owned();
        let send_initial_events = query.optional_flag("sendInitialEvents");
        let limit = query.integer("limit")?.unwrap_or(0);
        let mut errors = FieldErrors::new();
        if watch {
            check_watch_options(matching, send_initial_events, &mut errors);
        } else {
            check_list_options(
                &resource_version,
                matching,
                &continue_token,
                send_initial_events,
                &mut errors,
            );
        }
        if !errors.is_empty() {
            return Err(Status::invalid(&GroupKind::new("meta.k8s.io", "ListOptions"), "", &errors));
        }
        let revision = parse_revision(&resource_version)?;
        let read_at = match (matching, revision) {
            (_, None) => ReadAt::Latest,
            ("Exact", Some(revision)) => ReadAt::Exact(revision),
            (_, Some(0)) => ReadAt::Any,
            ("", Some(revision)) if limit > 0 && !watch => ReadAt::Exact(revision),
            (_, Some(revision)) => ReadAt::NotOlderThan(revision),
        };
        Ok(Self {
            label_selector: query.get("labelSelector").to_owned(),
            field_selector: query.get("fieldSelector").to_owned(),
            limit: usize::try_from(limit).unwrap_or(0),
            continue_token,
            resource_version,
            read_at,
            timeout_seconds: query.integer("timeoutSeconds")?.and_then(|s| u64::try_from(s).ok()),
            bookmarks: query.flag("allowWatchBookmarks"),
            send_initial_events,
        })
    }
}

/// A resourceVersion as a number; `None` if empty.
///
/// # Errors
/// 400 if it is no decimal number.
pub fn parse_revision(text: &str) -> Result<Option<u64>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        let field = FieldPath::new("resourceVersion");
        let why = format!("strconv.ParseUint: parsing {text:?}: invalid syntax");
        Status::bad_request(FieldError::invalid(&field, text, why).to_string())
    })
}

fn check_watch_options(matching: &str, send_initial_events: Option<bool>, errors: &mut FieldErrors) {
    let field = FieldPath::new("resourceVersionMatch");
    match (send_initial_events, matching) {
        (Some(_), "NotOlderThan") | (None, "") => {}
        (Some(_), "") => errors.push(FieldError::forbidden(
            &field,
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        )),
        (Some(_), other) => errors.push(FieldError::not_supported(&field, other, &["NotOlderThan"])),
        (None, _) => errors.push(FieldError::forbidden(
            &field,
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        )),
    }
}

fn check_list_options(
    revision: &str,
    matching: &str,
    token: &str,
    send_initial_events: Option<bool>,
    errors: &mut FieldErrors,
) {
    if send_initial_events.is_some() {
        let field = FieldPath::new("sendInitialEvents");
        errors.push(FieldError::forbidden(&field, "sendInitialEvents is forbidden for list"));
    }
    let field = FieldPath::new("resourceVersionMatch");
    if !matching.is_empty() {
        if revision.is_empty() {
            errors.push(FieldError::forbidden(
                &field,
                "resourceVersionMatch is forbidden unless resourceVersion is provided",
            ));
        }
        if !token.is_empty() {
            errors.push(FieldError::forbidden(
                &field,
                "resourceVersionMatch is forbidden when continue is provided",
            ));
        }
        if !matches!(matching, "Exact" | "NotOlderThan") {
            errors.push(FieldError::not_supported(&field, matching, &["Exact", "NotOlderThan", ""]));
        }
        if matching == "Exact" && revision == "0" {
            errors.push(FieldError::forbidden(
                &field,
                "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
            ));
        }
    }
}

/// Options of create, update and patch.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// Nothing is stored.
    pub dry_run: bool,
    /// Who manages the written fields; empty for the user agent.
    pub field_manager: String,
    /// What happens to unknown and duplicate fields.
    pub field_validation: FieldValidation,
    /// Apply takes fields over from other managers.
    pub force: bool,
}

/// What happens to unknown and duplicate fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FieldValidation {
    /// They are dropped silently.
    Ignore,
    /// They are dropped with a warning.
    #[default]
    Warn,
    /// They fail the request.
    Strict,
}

impl WriteOptions {
    /// Reads and checks the query; `kind` is `CreateOptions`, `UpdateOptions` or `PatchOptions`.
    ///
    /// # Errors
    /// 422 with upstream's text.
    pub fn parse(query: &Query, kind: &'static str) -> Result<Self, Status> {
        let mut errors = FieldErrors::new();
        let dry_run = parse_dry_run(query.all("dryRun"), &mut errors);
        let field_manager = query.get("fieldManager").to_owned();
        check_field_manager(&field_manager, &mut errors);
        let field_validation = match query.get("fieldValidation") {
            "" | "Warn" => FieldValidation::Warn,
            "Ignore" => FieldValidation::Ignore,
            "Strict" => FieldValidation::Strict,
            other => {
                let field = FieldPath::new("fieldValidation");
                errors.push(FieldError::not_supported(&field, other, &["Ignore", "Strict", "Warn"]));
                FieldValidation::Warn
            }
        };
        if !errors.is_empty() {
            return Err(Status::invalid(&GroupKind::new("meta.k8s.io", kind), "", &errors));
        }
        Ok(Self { dry_run, field_manager, field_validation, force: query.flag("force") })
    }
}

fn parse_dry_run<'a>(values: impl Iterator<Item = &'a str>, errors: &mut FieldErrors) -> bool {
    let mut dry_run = false;
    for value in values.filter(|value| !value.is_empty()) {
        dry_run = true;
        if value != "All" {
            let field = FieldPath::new("dryRun");
            errors.push(FieldError::not_supported(&field, Document::from(vec![value]), &["All"]));
        }
    }
    dry_run
}

fn check_field_manager(manager: &str, errors: &mut FieldErrors) {
    const MAX_LENGTH: usize = 128;
    let field = FieldPath::new("fieldManager");
    if manager.len() > MAX_LENGTH {
        errors.push(FieldError::too_long(&field, MAX_LENGTH));
    }
    if let Some(at) = manager.chars().position(|c| c.is_control()) {
        let why = format!("should not contain unprintable characters (found at position {at})");
        errors.push(FieldError::invalid(&field, manager, why));
    }
}

/// What happens to the dependents of a deleted object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagation {
    /// They lose their owner reference first.
    Orphan,
    /// The garbage collector removes them afterwards.
    Background,
    /// They go first.
    Foreground,
}

/// Options of delete and deletecollection.
#[derive(Debug, Clone, Default)]
pub struct DeleteOptions {
    /// Nothing is stored.
    pub dry_run: bool,
    /// Seconds until the object is removed for good.
    pub grace_period_seconds: Option<i64>,
    /// What happens to dependents; `None` for the kind's default.
    pub propagation: Option<Propagation>,
    /// Only the object with this UID.
    pub uid: Option<String>,
    /// Only the object in this version.
    pub resource_version: Option<String>,
}

impl DeleteOptions {
    /// Reads the body if there is one, else the query.
    ///
    /// # Errors
    /// 422 with upstream's text.
    pub fn parse(query: &Query, body: Option<&Document>) -> Result<Self, Status> {
        let mut errors = FieldErrors::new();
        let text = |doc: &Document, path: &[&str]| doc.at(path).and_then(Document::as_str).map(str::to_owned);
        let (mut options, policy, orphan) = match body {
            Some(body) => {
                let listed = body.array_at(&["dryRun"]).iter().filter_map(Document::as_str);
                let from_body = parse_dry_run(listed, &mut errors);
                let options = Self {
                    dry_run: from_body || parse_dry_run(query.all("dryRun"), &mut errors),
                    grace_period_seconds: body.i64_at(&["gracePeriodSeconds"]),
                    propagation: None,
                    uid: text(body, &["preconditions", "uid"]),
                    resource_version: text(body, &["preconditions", "resourceVersion"]),
                };
                (options, text(body, &["propagationPolicy"]), body.bool_at(&["orphanDependents"]))
            }
            None => {
                let options = Self {
                    dry_run: parse_dry_run(query.all("dryRun"), &mut errors),
                    grace_period_seconds: query.integer("gracePeriodSeconds")?,
                    ..Self::default()
                };
                let policy = query.get("propagationPolicy");
                (options, Some(policy.to_owned()), query.optional_flag("orphanDependents"))
            }
        };
        let field = FieldPath::new("propagationPolicy");
        options.propagation = match (policy.as_deref().unwrap_or(""), orphan) {
            ("", None) => None,
            ("", Some(true)) => Some(Propagation::Orphan),
            ("", Some(false)) => Some(Propagation::Background),
            (policy, Some(_)) => {
                let why = "orphanDependents and deletionPropagation cannot be both set";
                errors.push(FieldError::invalid(&field, policy, why));
                None
            }
            ("Orphan", None) => Some(Propagation::Orphan),
            ("Background", None) => Some(Propagation::Background),
            ("Foreground", None) => Some(Propagation::Foreground),
            (other, None) => {
                let supported = ["Background", "Foreground", "Orphan"];
                errors.push(FieldError::not_supported(&field, other, &supported));
                None
            }
        };
        if options.grace_period_seconds.is_some_and(|seconds| seconds < 0) {
            // Upstream reads a negative period as "as soon as possible".
            options.grace_period_seconds = Some(1);
        }
        if errors.is_empty() {
            Ok(options)
        } else {
            Err(Status::invalid(&GroupKind::new("meta.k8s.io", "DeleteOptions"), "", &errors))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn list(query: &str) -> Result<ReadAt, String> {
        ListOptions::parse(&Query::parse(query), false).map(|o| o.read_at).map_err(|s| s.message)
    }

    #[test]
    fn revisions_and_matches_combine_as_documented() {
        assert_eq!(list(""), Ok(ReadAt::Latest));
        assert_eq!(list("resourceVersion=0&limit=5"), Ok(ReadAt::Any));
        assert_eq!(list("resourceVersion=7"), Ok(ReadAt::NotOlderThan(7)));
        assert_eq!(list("resourceVersion=7&limit=5"), Ok(ReadAt::Exact(7)));
        assert_eq!(list("resourceVersion=7&resourceVersionMatch=Exact"), Ok(ReadAt::Exact(7)));
        assert!(list("resourceVersionMatch=Exact").unwrap_err().contains("forbidden unless resourceVersion"));
        assert!(list("resourceVersion=0&resourceVersionMatch=Exact").is_err());
        assert!(list("resourceVersion=x").is_err());
    }

    #[test]
    fn delete_options_come_from_the_body_or_the_query() {
        let body =
            doc!({"propagationPolicy": "Foreground", "preconditions": {"uid": "u"}, "dryRun": ["All"]});
        let options = DeleteOptions::parse(&Query::default(), Some(&body)).unwrap();
        assert_eq!(options.propagation, Some(Propagation::Foreground));
        assert_eq!(options.uid.as_deref(), Some("u"));
        assert!(options.dry_run);
        let options = DeleteOptions::parse(&Query::parse("gracePeriodSeconds=3"), None).unwrap();
        assert_eq!(options.grace_period_seconds, Some(3));
        assert!(DeleteOptions::parse(&Query::parse("propagationPolicy=Never"), None).is_err());
    }
}
