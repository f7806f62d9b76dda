//! Events, told in two groups: `v1` and `events.k8s.io/v1` are two spellings of one object, stored as `v1`.
//!
//! Validation is in its own file. It looks at the stored spelling: the rules of [`Event::Core`] hold for all events,
//! those of [`Event::Events`] come on top for requests in that group.

mod validate;

use super::cells;
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Conversion, NameRule, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors};
use std::borrow::Cow;

/// An Event in one of its spellings.
pub(crate) enum Event {
    /// `v1 Event`.
    Core,
    /// `events.k8s.io/v1 Event`.
    Events,
}

/// `events.k8s.io/v1` to `v1` and back.
pub(crate) const CONVERSION: Conversion = Conversion { to_hub, from_hub };

/// Fields that differ: the name in `events.k8s.io/v1`, then in `v1`.
const RENAMED: [(&str, &str); 7] = [
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("reportingController", "reportingComponent"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

fn to_hub(object: &mut Document) {
    rename(object, |(from, to)| (from, to));
}

fn from_hub(object: &mut Document) {
    rename(object, |(to, from)| (from, to));
}

fn rename(
    object: &mut Document,
    direction: fn((&'static str, &'static str)) -> (&'static str, &'static str),
) {
    for (from, to) in RENAMED.map(direction) {
        if let Some(value) = object.remove(&[from]) {
            object.insert(to, value);
        }
    }
}

impl Event {
    /// The name that this spelling gives a field of `v1`.
    fn field(&self, core: &'static str) -> &'static str {
        match self {
            Self::Core => core,
            Self::Events => RENAMED.iter().find(|(_, hub)| *hub == core).map_or(core, |(name, _)| name),
        }
    }

    fn involved<'a>(&self, object: &'a Document, key: &str) -> &'a str {
        object.str_at(&[self.field("involvedObject"), key])
    }

    /// When it was last seen: by its series, its last time, its first time, its event time.
    fn last_seen<'a>(&self, object: &'a Document) -> &'a str {
        let times = [
            object.str_at(&["series", "lastObservedTime"]),
            object.str_at(&[self.field("lastTimestamp")]),
            self.first_seen(object),
        ];
        times.into_iter().find(|time| !time.is_empty()).unwrap_or("")
    }

    fn first_seen<'a>(&self, object: &'a Document) -> &'a str {
        let first = object.str_at(&[self.field("firstTimestamp")]);
        if first.is_empty() { object.str_at(&["eventTime"]) } else { first }
    }

    fn source(&self, object: &Document) -> String {
        let source = &object[self.field("source")];
        let (mut component, mut host) = (source.str_at(&["component"]), source.str_at(&["host"]));
        if component.is_empty() {
            component = object.str_at(&[self.field("reportingComponent")]);
            host = object.str_at(&["reportingInstance"]);
        }
        if host.is_empty() { component.to_owned() } else { format!("{component}, {host}") }
    }

    fn times(&self, object: &Document) -> i64 {
        let series = object.i64_at(&["series", "count"]);
        series.or_else(|| object.i64_at(&[self.field("count")])).filter(|count| *count > 0).unwrap_or(1)
    }
}

impl Strategy for Event {
    fn validate_create(&self, object: &Document) -> FieldErrors {
        match self {
            Self::Core => validate::event(object),
            Self::Events => validate::strict(object),
        }
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        match self {
            Self::Core => validate::event(new),
            Self::Events => validate::strict_update(new, old),
        }
    }

    fn name_rule(&self) -> NameRule {
        // Recorders of the first days made names that are no domains.
        NameRule::PathSegment
    }

    fn allow_create_on_update(&self) -> bool {
        true
    }

    fn selectable_fields(&self) -> Vec<Cow<'static, str>> {
        let involved = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"];
        let prefix = self.field("involvedObject");
        let mut out: Vec<Cow<'static, str>> =
            involved.into_iter().map(|key| format!("{prefix}.{key}").into()).collect();
        out.extend(["reason".into(), self.field("reportingComponent").into(), "type".into()]);
        if matches!(self, Self::Core) {
            out.push("source".into());
        }
        out
    }

    fn select_field(&self, object: &Document, field: &str) -> String {
        if field == "source" {
            let component = object.str_at(&["source", "component"]);
            return if component.is_empty() { object.str_at(&["reportingComponent"]) } else { component }
                .to_owned();
        }
        let path: Vec<&str> = field.split('.').collect();
        object.str_at(&path).to_owned()
    }

    fn stored_field(&self, field: &str) -> String {
        let (first, rest) = field.split_once('.').map_or((field, None), |(first, rest)| (first, Some(rest)));
        let renamed = RENAMED.iter().find(|(name, _)| matches!(self, Self::Events) && *name == first);
        let first = renamed.map_or(first, |(_, stored)| stored);
        rest.map_or_else(|| first.to_owned(), |rest| format!("{first}.{rest}"))
    }

    fn columns(&self) -> Vec<Column> {
        let mut name = Column::name().wide();
        name.description = Cow::Borrowed("");
        vec![
            Column::text("Last Seen"),
            Column::text("Type"),
            Column::text("Reason"),
            Column::text("Object"),
            Column::text("Subobject").wide(),
            Column::text("Source").wide(),
            Column::text("Message"),
            Column::text("First Seen").wide(),
            Column::integer("Count").wide(),
            name,
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let mut target = self.involved(object, "kind").to_ascii_lowercase();
        let name = self.involved(object, "name");
        if !name.is_empty() {
            target = format!("{target}/{name}");
        }
        vec![
            cells::since(self.last_seen(object), now).into(),
            cells::text(object, &["type"]),
            cells::text(object, &["reason"]),
            target.into(),
            self.involved(object, "fieldPath").into(),
            self.source(object).into(),
            object.str_at(&[self.field("message")]).trim().into(),
            cells::since(self.first_seen(object), now).into(),
            self.times(object).into(),
            cells::name(object),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn the_two_spellings_convert_without_loss() {
        let core = doc!({
            "involvedObject": {"kind": "Pod"}, "message": "m", "reportingComponent": "c", "source": {"component": "s"},
            "firstTimestamp": "a", "lastTimestamp": "b", "count": 2, "reason": "r"
        });
        let mut event = core.clone();
        (CONVERSION.from_hub)(&mut event);
        assert_eq!(event.str_at(&["note"]), "m");
        assert_eq!(event.str_at(&["regarding", "kind"]), "Pod");
        (CONVERSION.to_hub)(&mut event);
        assert_eq!(event, core);
    }
}
