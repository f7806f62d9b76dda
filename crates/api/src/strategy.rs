//! What a kind adds to the generic rules.

use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors};
use std::borrow::Cow;

/// What names the objects of a kind may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameRule {
    /// RFC 1123 subdomain: most kinds.
    Subdomain,
    /// RFC 1123 label: namespaces.
    Label,
    /// RFC 1035 label: services, as long as `RelaxedServiceNameValidation` is off.
    Label1035,
    /// An IP address in canonical form: IPAddresses.
    Address,
    /// Any path segment: RBAC objects.
    PathSegment,
}

/// A column of `kubectl get`.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Heading.
    pub name: Cow<'static, str>,
    /// `string`, `integer`, `number`, `boolean` or `date`.
    pub ty: Cow<'static, str>,
    /// `name` for the name column, else empty.
    pub format: Cow<'static, str>,
    /// Text for `--help`-like views.
    pub description: Cow<'static, str>,
    /// 0 always, 1 only with `-o wide`.
    pub priority: i32,
}

/// A cell of a Table row.
pub type Cell = Document;

/// Where a custom resource keeps what its `scale` subresource shows; dotted paths without a leading dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScalePaths {
    /// The wanted number.
    pub spec_replicas: String,
    /// The number there is.
    pub status_replicas: String,
    /// The selector in its text form.
    pub label_selector: Option<String>,
}

/// Which write an update is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateScope {
    /// The object itself.
    Main,
    /// Its `status` subresource.
    Status,
}

/// What clients may say in metadata; for [`Strategy::metadata_kept_by_status`].
pub const ALL_METADATA: &[&str] = &["labels", "annotations", "finalizers", "ownerReferences"];

/// What a kind adds to the generic rules of metadata, storage and deletion. Each method has the default that suits a kind
/// without anything special; a kind's file implements what differs.
///
/// To add a kind: a file under `kinds/` with a unit struct that implements this trait, and a row in `kinds/mod.rs`.
pub trait Strategy: Send + Sync + 'static {
    /// Fills in defaults, on decoding from requests and from storage. Must be idempotent.
    fn default(&self, _object: &mut Document) {}

    /// Drops what clients may not set on create (status) and fills what the server owns. Generation is set by the caller.
    fn prepare_for_create(&self, object: &mut Document) {
        if self.has_status() {
            object.remove(&["status"]);
        }
    }

    /// Fields of metadata that writes of the status may not change. Most kinds let them change all of it; those that restore
    /// all of it, as upstream's `ResetObjectMetaForStatus` does, name [`ALL_METADATA`].
    fn metadata_kept_by_status(&self) -> &'static [&'static str] {
        &[]
    }

    /// Restores what this write may not change: status for `Main`, everything but status (and some metadata) for `Status`.
    fn prepare_for_update(&self, scope: UpdateScope, new: &mut Document, old: &Document) {
        if self.has_status() {
            keep_apart(self.metadata_kept_by_status(), scope, new, old);
        }
    }

    /// The name that the stored version has for a field of this version that can be selected by.
    fn stored_field(&self, field: &str) -> String {
        field.to_owned()
    }

    /// What is wrong with a new object, metadata aside.
    fn validate_create(&self, _object: &Document) -> FieldErrors {
        FieldErrors::new()
    }

    /// What is wrong with a changed object, metadata aside.
    fn validate_update(&self, _scope: UpdateScope, new: &Document, _old: &Document) -> FieldErrors {
        self.validate_create(new)
    }

    /// What is wrong with an object changed through a subresource that has rules of its own, such as `approval`; `None`
    /// if it is judged as its scope is.
    fn validate_view(&self, _subresource: &str, _new: &Document, _old: &Document) -> Option<FieldErrors> {
        None
    }

    /// Texts for `Warning` headers.
    fn warnings(&self, _new: &Document, _old: Option<&Document>) -> Vec<String> {
        Vec::new()
    }

    /// What names objects may have.
    fn name_rule(&self) -> NameRule {
        NameRule::Subdomain
    }

    /// Whether the kind has a status that only its subresource writes.
    fn has_status(&self) -> bool {
        false
    }

    /// Whether generation counts spec changes (all kinds with a spec that controllers observe).
    fn has_generation(&self) -> bool {
        self.has_status()
    }

    /// Whether changes of the spec raise the generation; else it stays what it was in the beginning.
    fn raises_generation(&self) -> bool {
        self.has_generation()
    }

    /// Whether PUT of an absent object creates it.
    fn allow_create_on_update(&self) -> bool {
        false
    }

    /// Whether PUT without a resourceVersion replaces whatever is there.
    fn allow_unconditional_update(&self) -> bool {
        true
    }

    /// Seconds that a deletion waits for the owner of the object to finish; `None` deletes at once. Pods and services'
    /// kin override it; `requested` is what the client asked for.
    fn grace_period(&self, _object: &Document, _requested: Option<i64>) -> Option<i64> {
        None
    }

    /// Field selector labels beyond metadata.name and metadata.namespace.
    fn selectable_fields(&self) -> Vec<Cow<'static, str>> {
        Vec::new()
    }

    /// The value that a field selector compares with.
    fn select_field(&self, object: &Document, field: &str) -> String {
        let path: Vec<&str> = field.split('.').collect();
        match object.at(&path).map(Document::node) {
            Some(skiff_apimachinery::Node::String(text)) => text.to_owned(),
            None | Some(skiff_apimachinery::Node::Null) => String::new(),
            Some(_) => object.at(&path).map(ToString::to_string).unwrap_or_default(),
        }
    }

    /// Where the `scale` subresource finds its numbers, if not in `spec.replicas` and `status.replicas`.
    fn scale_paths(&self) -> Option<&ScalePaths> {
        None
    }

    /// Columns of `kubectl get`.
    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::age()]
    }

    /// Conditions of an object's Table row.
    fn row_conditions(&self, _object: &Document) -> Vec<Document> {
        Vec::new()
    }

    /// One row's cells, as many as there are columns.
    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        vec![object.name().into(), crate::strategy::age(object.creation_timestamp(), now).into()]
    }
}

/// What each write of a kind with a status keeps of the other one; for kinds that do more on updates than that.
pub(crate) fn keep_apart(kept_metadata: &[&str], scope: UpdateScope, new: &mut Document, old: &Document) {
    match scope {
        UpdateScope::Main => keep(new, old, "status"),
        UpdateScope::Status => {
            let status = new.get("status").cloned();
            let metadata = new.get("metadata").cloned();
            *new = old.clone();
            if let Some(metadata) = metadata {
                new.insert("metadata", metadata);
                for field in kept_metadata {
                    match old.at(&["metadata", field]) {
                        Some(value) => new.set(&["metadata", field], value),
                        None => drop(new.remove(&["metadata", field])),
                    }
                }
            }
            match status {
                Some(status) => new.insert("status", status),
                None => drop(new.remove(&["status"])),
            }
        }
    }
}

fn keep(new: &mut Document, old: &Document, field: &str) {
    match old.get(field) {
        Some(value) => new.insert(field.to_owned(), value),
        None => drop(new.remove(&[field])),
    }
}

impl Column {
    /// A column that is always shown.
    pub const fn new(name: &'static str, ty: &'static str, description: &'static str) -> Self {
        Self {
            name: Cow::Borrowed(name),
            ty: Cow::Borrowed(ty),
            format: Cow::Borrowed(""),
            description: Cow::Borrowed(description),
            priority: 0,
        }
    }

    /// A column of texts.
    pub const fn text(name: &'static str) -> Self {
        Self::new(name, "string", "")
    }

    /// A column of integers.
    pub const fn integer(name: &'static str) -> Self {
        Self::new(name, "integer", "")
    }

    /// A column of booleans.
    pub const fn boolean(name: &'static str) -> Self {
        Self::new(name, "boolean", "")
    }

    /// The CREATED AT column of kinds without a printer of their own.
    pub const fn created_at() -> Self {
        Self::new("Created At", "date", "When the server created the object.")
    }

    /// The same, shown with `-o wide` only.
    #[must_use]
    pub const fn wide(mut self) -> Self {
        self.priority = 1;
        self
    }

    /// The NAME column.
    pub fn name() -> Self {
        let mut column = Self::new("Name", "string", "The object's name.");
        column.format = Cow::Borrowed("name");
        column
    }

    /// The AGE column.
    pub fn age() -> Self {
        Self::new("Age", "string", "How long ago the server created the object.")
    }
}

/// How long ago, in upstream's short form (`HumanDuration`): `5s`, `3m20s`, `7d2h`; `<unknown>` without a time.
pub fn age(creation: &str, now: Timestamp) -> String {
    match skiff_apimachinery::time::parse_time(creation) {
        Some(then) => human_duration(now.duration_since(then).as_secs()),
        None => "<unknown>".to_owned(),
    }
}

/// Seconds in upstream's short form.
pub fn human_duration(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    let pair = |big: i64, big_unit: &str, small: i64, small_unit: &str| {
        if small == 0 { format!("{big}{big_unit}") } else { format!("{big}{big_unit}{small}{small_unit}") }
    };
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1..0 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => pair(minutes, "m", seconds % 60, "s"),
        600..10800 => format!("{minutes}m"),
        10800..28800 => pair(hours, "h", minutes % 60, "m"),
        28800..172_800 => format!("{hours}h"),
        172_800..691_200 => pair(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => pair(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_as_kubectl_prints_them() {
        let cases = [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (200, "3m20s"),
            (600, "10m"),
            (10_800, "3h"),
            (11_000, "3h3m"),
            (28_800, "8h"),
            (172_800, "2d"),
            (180_000, "2d2h"),
            (691_200, "8d"),
            (63_072_000, "2y"),
        ];
        for (seconds, text) in cases {
            assert_eq!(human_duration(seconds), text);
        }
    }
}
