//! Options of delete and deletecollection, from the body or the query.

use super::super::Query;
use super::write::parse_dry_run;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, GroupKind, Status};

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
        let mut dry_run: Vec<&str> = query.all("dryRun").collect();
        let (mut options, policy, orphan) = match body {
            Some(body) => {
                dry_run.extend(body.array_at(&["dryRun"]).iter().filter_map(Document::as_str));
                let options = Self {
                    grace_period_seconds: body.i64_at(&["gracePeriodSeconds"]),
                    uid: text(body, &["preconditions", "uid"]),
                    resource_version: text(body, &["preconditions", "resourceVersion"]),
                    ..Self::default()
                };
                (options, text(body, &["propagationPolicy"]), body.bool_at(&["orphanDependents"]))
            }
            None => {
                let grace_period_seconds = query.integer("gracePeriodSeconds")?;
                let policy = query.contains("propagationPolicy").then(|| query.get("propagationPolicy"));
                let options = Self { grace_period_seconds, ..Self::default() };
                (options, policy.map(str::to_owned), query.optional_flag("orphanDependents"))
            }
        };
        options.dry_run = parse_dry_run(&dry_run, &mut errors);
        options.propagation = propagation(policy.as_deref(), orphan, &mut errors);
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

fn propagation(policy: Option<&str>, orphan: Option<bool>, errors: &mut FieldErrors) -> Option<Propagation> {
    let field = FieldPath::new("propagationPolicy");
    if let (Some(policy), Some(_)) = (policy, orphan) {
        let why = "orphanDependents and deletionPropagation cannot be both set";
        errors.push(FieldError::invalid(&field, policy, why));
    }
    match (policy, orphan) {
        (Some("Orphan"), _) | (None, Some(true)) => Some(Propagation::Orphan),
        (Some("Background"), _) | (None, Some(false)) => Some(Propagation::Background),
        (Some("Foreground"), _) => Some(Propagation::Foreground),
        (Some(other), _) => {
            let supported = ["Foreground", "Background", "Orphan", "nil"];
            errors.push(FieldError::not_supported(&field, other, &supported));
            None
        }
        (None, None) => None,
    }
}
