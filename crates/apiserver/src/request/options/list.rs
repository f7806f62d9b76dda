//! Options of list, watch and deletecollection.

use super::super::Query;
use super::super::query::not_a_number;
use skiff_apimachinery::{FieldError, FieldErrors, FieldPath, GroupKind, Status};

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
        let timeout_seconds = query.integer("timeoutSeconds")?;
        let mut errors = FieldErrors::new();
        let check = Matching {
            value: matching,
            revision: &resource_version,
            token: &continue_token,
            send_initial_events,
        };
        if watch {
            check.check_watch(&mut errors);
        } else {
            check.check_list(&mut errors);
        }
        if !errors.is_empty() {
            return Err(Status::invalid(&GroupKind::new("meta.k8s.io", "ListOptions"), "", &errors));
        }
        let revision = parse_revision(&resource_version)
            .map_err(|error| Status::bad_request(format!("invalid resource version: {error}")))?;
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
            timeout_seconds: timeout_seconds.and_then(|s| u64::try_from(s).ok()),
            bookmarks: query.flag("allowWatchBookmarks"),
            send_initial_events,
        })
    }
}

/// A resourceVersion as a number; `None` if empty.
///
/// # Errors
/// If it is no decimal number.
pub fn parse_revision(text: &str) -> Result<Option<u64>, FieldError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        FieldError::invalid(&FieldPath::new("resourceVersion"), text, not_a_number("ParseUint", text))
    })
}

/// What may stand with `resourceVersionMatch`.
struct Matching<'a> {
    value: &'a str,
    revision: &'a str,
    token: &'a str,
    send_initial_events: Option<bool>,
}

impl Matching<'_> {
    fn check_watch(&self, errors: &mut FieldErrors) {
        let field = FieldPath::new("resourceVersionMatch");
        let is_right = self.value == "NotOlderThan";
        if self.send_initial_events.is_some() && !is_right {
            errors.push(FieldError::forbidden(
                &field,
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            ));
        }
        if self.value.is_empty() {
            return;
        }
        if self.send_initial_events.is_none() {
            errors.push(FieldError::forbidden(
                &field,
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            ));
        }
        if !is_right {
            errors.push(FieldError::not_supported(&field, self.value, &["NotOlderThan"]));
        }
        self.check_token(&field, errors);
    }

    fn check_list(&self, errors: &mut FieldErrors) {
        let field = FieldPath::new("resourceVersionMatch");
        if !self.value.is_empty() {
            if self.revision.is_empty() {
                errors.push(FieldError::forbidden(
                    &field,
                    "resourceVersionMatch is forbidden unless resourceVersion is provided",
                ));
            }
            self.check_token(&field, errors);
            if !matches!(self.value, "Exact" | "NotOlderThan") {
                errors.push(FieldError::not_supported(&field, self.value, &["Exact", "NotOlderThan", ""]));
            }
            if self.value == "Exact" && self.revision == "0" {
                errors.push(FieldError::forbidden(
                    &field,
                    "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
                ));
            }
        }
        if self.send_initial_events.is_some() {
            let field = FieldPath::new("sendInitialEvents");
            errors.push(FieldError::forbidden(&field, "sendInitialEvents is forbidden for list"));
        }
    }

    fn check_token(&self, field: &FieldPath, errors: &mut FieldErrors) {
        if !self.token.is_empty() {
            let why = "resourceVersionMatch is forbidden when continue is provided";
            errors.push(FieldError::forbidden(field, why));
        }
    }
}
