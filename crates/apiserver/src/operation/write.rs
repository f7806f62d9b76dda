//! create, update, patch, delete, deletecollection: decodes what came and hands it to the registry.

use super::read::filter;
use super::{Answer, Call, Outcome, view};
use crate::chain::Core;
use crate::registry::subresources::{self, View, ViewEdit};
use crate::registry::{Context, Patch, PatchKind, Replace, Target, Updated};
use crate::request::decode::{Body, Expected};
use crate::request::options::{DeleteOptions, FieldValidation, ListOptions, WriteOptions};
use skiff_api::schemas;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, GroupKind, GroupVersionKind, Status};
use std::sync::Arc;

/// Longest field manager name.
const MAX_MANAGER: usize = 128;

pub(super) async fn create(core: &Core, target: &Target, call: Call) -> Result<Answer, Status> {
    let options = WriteOptions::parse(&call.query, "CreateOptions")?;
    let mut context = context(core, &call, &options);
    if !target.subresource.is_empty() {
        return act(core, target, call, &options, context).await;
    }
    let object = decode(target, call.body, options.field_validation, &mut context)?;
    let stored = core.registry.create(&mut context, target, object).await?;
    Ok(Answer::with(201, Outcome::Object(stored), context))
}

/// Creates a subresource that is an action.
async fn act(
    core: &Core,
    target: &Target,
    call: Call,
    options: &WriteOptions,
    mut context: Context,
) -> Result<Answer, Status> {
    let action = subresources::action(&target.row, &target.subresource).ok_or_else(Status::no_such_path)?;
    let gvk = subresource_kind(target)?;
    let sent = decode_as(&gvk, call.body, options.field_validation, &mut context)?;
    let answer = action.run(&core.registry, &mut context, target, sent).await?;
    Ok(Answer::with(201, Outcome::Other(answer), context))
}

/// `POST bindings`: the Binding names the pod.
pub(super) async fn bind(core: &Core, target: &Target, call: Call) -> Result<Answer, Status> {
    let options = WriteOptions::parse(&call.query, "CreateOptions")?;
    let mut context = context(core, &call, &options);
    let binding = decode_as(&target.row.gvk, call.body, options.field_validation, &mut context)?;
    let rows = core.caches.table().rows();
    let pods = rows.find("", "v1", "pods").ok_or_else(Status::no_such_path)?;
    let pod = Target {
        row: pods.clone(),
        hub: rows.hub(pods),
        namespace: target.namespace.clone(),
        name: binding.name().to_owned(),
        subresource: "binding".to_owned(),
    };
    let answer = subresources::bind(&core.registry, &mut context, &pod, binding).await?;
    Ok(Answer::with(201, Outcome::Other(answer), context))
}

pub(super) async fn update(core: &Core, target: &Target, call: Call) -> Result<Answer, Status> {
    let options = WriteOptions::parse(&call.query, "UpdateOptions")?;
    let mut context = context(core, &call, &options);
    let Some(view) = view(target)? else {
        let object = decode(target, call.body, options.field_validation, &mut context)?;
        check_url_name(target, &object)?;
        let edit = Replace { object, create: target.hub.strategy.allow_create_on_update() };
        let updated = core.registry.update(&mut context, target, &edit).await?;
        return Ok(whole(updated, context));
    };
    let sent = if view.is_whole() {
        decode(target, call.body, options.field_validation, &mut context)?
    } else {
        decode_as(&subresource_kind(target)?, call.body, options.field_validation, &mut context)?
    };
    check_url_name(target, &sent)?;
    let edit = ViewEdit { view, row: &target.hub, sent };
    let updated = core.registry.update(&mut context, target, &edit).await?;
    viewed(target, view, updated, context)
}

pub(super) async fn patch(core: &Core, target: &Target, call: Call) -> Result<Answer, Status> {
    let options = WriteOptions::parse(&call.query, "PatchOptions")?;
    let mut context = context(core, &call, &options);
    let view = view(target)?;
    let (kind, body) = PatchKind::of(call.body, target.row.custom)?;
    let patch = Patch::new(target, view, kind, body, &options)?;
    let applies = matches!(kind, PatchKind::Apply);
    if applies && options.field_manager.is_empty() {
        return Err(crate::registry::manager_required());
    }
    if !applies && options.force_given {
        let why = "may not be specified for non-apply patch";
        let errors = FieldErrors::from([FieldError::forbidden(&FieldPath::new("force"), why)]);
        return Err(Status::invalid(&GroupKind::new("meta.k8s.io", "PatchOptions"), "", &errors));
    }
    let updated = core.registry.update(&mut context, target, &patch).await?;
    match view {
        Some(view) => viewed(target, view, updated, context),
        None => Ok(whole(updated, context)),
    }
}

pub(super) async fn delete(core: &Core, target: &Target, call: Call) -> Result<Answer, Status> {
    if !target.subresource.is_empty() {
        return Err(Status::method_not_allowed(&target.group_resource(), "delete"));
    }
    let (options, mut context) = delete_options(core, call)?;
    let deleted = core.registry.delete(&mut context, target, &options).await?;
    let object = deleted.answer(target);
    let is_status = object.document().str_at(&["kind"]) == "Status" && target.row.gvk.kind != "Status";
    let outcome = if is_status {
        Outcome::Other(Arc::unwrap_or_clone(object.document()))
    } else {
        Outcome::Object(object)
    };
    Ok(Answer::with(200, outcome, context))
}

pub(super) async fn delete_collection(core: &Core, target: &Target, call: Call) -> Result<Answer, Status> {
    let list_options = ListOptions::parse(&call.query, false)?;
    let (options, mut context) = delete_options(core, call)?;
    let filter = filter(target, "", &list_options)?;
    let page = core.caches.of(&target.hub).list(&target.namespace, &filter, &list_options).await?;
    core.registry.delete_collection(&mut context, target, &page, &options).await?;
    Ok(Answer::with(200, Outcome::List(page), context))
}

fn delete_options(core: &Core, call: Call) -> Result<(DeleteOptions, Context), Status> {
    let mut context = context(core, &call, &WriteOptions::default());
    let body = if call.body.is_empty() { None } else { Some(call.body.delete_options()?) };
    let options = DeleteOptions::parse(&call.query, body.as_ref())?;
    context.dry_run = options.dry_run;
    Ok((options, context))
}

/// An update of the object itself.
fn whole(updated: Updated, context: Context) -> Answer {
    let code = if updated.created { 201 } else { 200 };
    Answer::with(code, Outcome::Object(updated.object), context)
}

/// An update through a view.
fn viewed(
    target: &Target,
    view: &'static dyn View,
    updated: Updated,
    context: Context,
) -> Result<Answer, Status> {
    if view.is_whole() {
        return Ok(whole(updated, context));
    }
    let shown = view.show(&target.hub, &updated.object.document())?;
    Ok(Answer::with(200, Outcome::Other(shown), context))
}

/// The body as an object of the row: fitted, defaulted, in the hub version.
fn decode(
    target: &Target,
    body: Body,
    validation: FieldValidation,
    context: &mut Context,
) -> Result<Document, Status> {
    let (object, warnings) = body.object(&Expected::of(&target.row), validation)?;
    context.warnings.extend(warnings);
    Ok(crate::convert::to_hub(&target.row, &target.hub, object))
}

fn decode_as(
    gvk: &GroupVersionKind,
    body: Body,
    validation: FieldValidation,
    context: &mut Context,
) -> Result<Document, Status> {
    let schema = schemas::lookup_kind(gvk);
    let expected = Expected { gvk, schema: schema.as_ref().map(|schema| schema.get()), custom: false };
    let (object, warnings) = body.object(&expected, validation)?;
    context.warnings.extend(warnings);
    Ok(object)
}

fn subresource_kind(target: &Target) -> Result<GroupVersionKind, Status> {
    let subresource = target.row.subresource(&target.subresource).ok_or_else(Status::no_such_path)?;
    Ok(subresource.gvk.clone())
}

/// The name in the body must be the one in the URL.
fn check_url_name(target: &Target, object: &Document) -> Result<(), Status> {
    let (sent, url) = (object.name(), &target.name);
    if sent.is_empty() {
        return Err(Status::bad_request("name must be provided"));
    }
    if sent == url {
        return Ok(());
    }
    let why = format!("the name of the object ({sent}) does not match the name on the URL ({url})");
    Err(Status::bad_request(why))
}

fn context(core: &Core, call: &Call, options: &WriteOptions) -> Context {
    let agent = call.user_agent.split('/').next().unwrap_or("");
    let manager = if options.field_manager.is_empty() { agent } else { &options.field_manager };
    let end = (0..=manager.len().min(MAX_MANAGER)).rev().find(|end| manager.is_char_boundary(*end));
    Context {
        user: call.user.clone(),
        dry_run: options.dry_run,
        field_manager: manager[..end.unwrap_or(0)].to_owned(),
        now: core.clock.now(),
        warnings: Vec::new(),
    }
}
