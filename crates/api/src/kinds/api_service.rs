//! APIServices: which server answers for a group and version.

use super::cells;
use crate::{Cell, Column, NameRule, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `apiregistration.k8s.io/v1 APIService`.
pub(crate) struct ApiService;

impl Strategy for ApiService {
    fn metadata_kept_by_status(&self) -> &'static [&'static str] {
        crate::strategy::ALL_METADATA
    }

    fn default(&self, object: &mut Document) {
        if object.at(&["spec", "service"]).is_some_and(|service| !service.is_null()) {
            object.set_default(&["spec", "service", "port"], 443);
        }
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        false
    }

    // The core group's is `v1.`.
    fn name_rule(&self) -> NameRule {
        NameRule::PathSegment
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let mut out = FieldErrors::new();
        let [group, version] = ["group", "version"].map(|key| object.str_at(&["spec", key]));
        let required = format!("{version}.{group}");
        if object.name() != required && !(group.is_empty() && object.name() == format!("{version}.")) {
            let why = format!("must be `spec.version+\".\"+spec.group`: {required:?}");
            out.push(FieldError::invalid(&FieldPath::new("metadata.name"), object.name(), why));
        }
        for (key, max) in [("groupPriorityMinimum", 20_000), ("versionPriority", 1_000)] {
            let value = object.i64_at(&["spec", key]).unwrap_or(0);
            if !(1..=max).contains(&value) {
                let why = format!("must be positive and less than {max}");
                out.push(FieldError::invalid(&FieldPath::new("spec").child(key), value, why));
            }
        }
        out
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("Service"), Column::text("Available"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let service = object.at(&["spec", "service"]).filter(|service| !service.is_null());
        let service = service.map_or("Local".to_owned(), |service| {
            format!("{}/{}", service.str_at(&["namespace"]), service.str_at(&["name"]))
        });
        let available = match cells::condition(object, "Available") {
            None => "Unknown".to_owned(),
            Some(condition) if condition.str_at(&["status"]) == "True" => "True".to_owned(),
            Some(condition) => {
                format!("{} ({})", condition.str_at(&["status"]), condition.str_at(&["reason"]))
            }
        };
        vec![cells::name(object), service.into(), available.into(), cells::age(object, now)]
    }
}
