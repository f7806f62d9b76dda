//! get, list, watch.

use super::{Answer, Call, Outcome, view};
use crate::cache::Filter;
use crate::chain::Core;
use crate::registry::{Object, Target};
use crate::request::options::{ListOptions, parse_revision};
use skiff_apimachinery::Status;

pub(super) async fn get(core: &Core, target: &Target, call: &Call) -> Result<Answer, Status> {
    let object = match parse_revision(call.query.get("resourceVersion"))? {
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
    let options = ListOptions::parse(&call.query, true)?;
    let filter = filter(target, &target.name, &options)?;
    let opened = core.caches.of(&target.hub).watch(filter, &options).await?;
    Ok(Answer::ok(Outcome::Watch(opened)))
}

pub(super) fn filter(target: &Target, name: &str, options: &ListOptions) -> Result<Filter, Status> {
    Filter::parse(&target.row, &target.namespace, name, &options.label_selector, &options.field_selector)
}
