//! `metadata.managedFields`: who wrote which field, for every write.

use super::{Context, Registry, Target};
use skiff_apimachinery::fieldset::FieldSet;
use skiff_apimachinery::managed::{OneVersion, Write, apply as apply_to, track_update};
use skiff_apimachinery::{Document, Status};

/// Whether a write still has to be noted in managedFields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Managers {
    /// It has.
    Track,
    /// The object carries them already (apply).
    Given,
}

impl Registry {
    /// Notes an update (or creation, without an old object) in managedFields.
    pub(super) fn track_update(
        &self,
        context: &Context,
        target: &Target,
        old: Option<&Document>,
        new: &mut Document,
    ) {
        let write = Write {
            manager: &context.field_manager,
            api_version: &target.row.gvk.api_version(),
            schema: target.hub.schema.as_ref().map(|schema| schema.get()),
            subresource: &target.subresource,
            reset: &not_owned(target),
            versions: &OneVersion,
            now: context.now,
        };
        track_update(old, new, &write);
    }
}

/// Applies a configuration to the live object, both in the row's version.
///
/// # Errors
/// 409 with the conflicts, unless forced.
pub(super) fn apply(
    context: &Context,
    target: &Target,
    live: Option<&Document>,
    config: &Document,
    force: bool,
) -> Result<Document, Status> {
    let write = Write {
        manager: &context.field_manager,
        api_version: &target.row.gvk.api_version(),
        schema: target.row.schema.as_ref().map(|schema| schema.get()),
        subresource: &target.subresource,
        reset: &not_owned(target),
        versions: &OneVersion,
        now: context.now,
    };
    apply_to(live, config, &write, force).map_err(Status::from)
}

/// What a write through this target cannot change and therefore does not own.
fn not_owned(target: &Target) -> FieldSet {
    match target.subresource.as_str() {
        "" if target.hub.strategy.has_status() => FieldSet::of_names(&[&["status"]]),
        "status" => {
            let kept = target.hub.strategy.metadata_kept_by_status();
            let kept: Vec<[&str; 2]> = kept.iter().map(|field| ["metadata", *field]).collect();
            let names: Vec<&[&str]> = kept.iter().map(|path| &path[..]).chain([&["spec"][..]]).collect();
            FieldSet::of_names(&names)
        }
        _ => FieldSet::new(),
    }
}
