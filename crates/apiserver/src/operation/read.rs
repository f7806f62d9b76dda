//! get, list, watch.

use super::{Answer, Call, Outcome, view};
use crate::cache::Filter;
use crate::chain::Core;
use crate::registry::{Object, Target};
use crate::request::options::{ListOptions, parse_revision};
use skiff_apimachinery::{FieldErrors, GroupKind, Status};

pub(super) async fn get(core: &Core, target: &Target, call: &Call) -> Result<Answer, Status> {
    let revision = parse_revision(call.query.get("resourceVersion"));
    let object = match revision.map_err(|error| Status::bad_request(error.to_string()))? {
        None => core.registry.get(target).await?,
        Some(revision) => {
            let cache = core.caches.of(&target.hub);
            cache.at_least(revision).await?;
            let entry = cache.get(&target.namespace, &target.name);
            entry
                .map(Object::Cached)
                .ok_or_else(|| Status::not_found(&target.group_resource(), &target.name))?
        }
    };
    match view(target)? {
        Some(view) if !view.is_whole() => {
            Ok(Answer::ok(Outcome::Other(view.show(&target.row, &object.document())?)))
        }
        _ => Ok(Answer::ok(Outcome::Object(object))),
    }
}

pub(super) async fn list(core: &Core, target: &Target, call: &Call) -> Result<Answer, Status> {
    let options = ListOptions::parse(&call.query, false)?;
    let filter = filter(target, "", &options)?;
    let page = core.caches.of(&target.hub).list(&target.namespace, &filter, &options).await?;
    Ok(Answer::ok(Outcome::List(page)))
}

pub(super) async fn watch(core: &Core, target: &Target, call: &Call) -> Result<Answer, Status> {
    if let Err(error) = parse_revision(call.query.get("resourceVersion")) {
        let resource = target.group_resource();
        let kind = GroupKind::new(resource.group, resource.resource);
        return Err(Status::invalid(&kind, &target.name, &FieldErrors::from([error])));
    }
    let mut options = ListOptions::parse(&call.query, true)?;
    let shortest = core.min_request_timeout.as_secs();
    if options.timeout_seconds.is_none_or(|seconds| seconds == 0) && shortest > 0 {
        // Spread, so that clients do not come back all at once.
        options.timeout_seconds = Some(rand::random_range(shortest..=shortest.saturating_mul(2)));
    }
    let filter = filter(target, &target.name, &options)?;
    let opened = core.caches.of(&target.hub).watch(filter, &options).await?;
    Ok(Answer::ok(Outcome::Watch(opened)))
}

pub(super) fn filter(target: &Target, name: &str, options: &ListOptions) -> Result<Filter, Status> {
    Filter::parse(&target.row, &target.namespace, name, &options.label_selector, &options.field_selector)
}
