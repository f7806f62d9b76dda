//! Creating: names, system metadata, defaults' last word, admission, validation, storing.

use super::admit::Write;
use super::managed::Managers;
use super::store::Outcome;
use super::{Context, Object, Registry, Target, metadata, signing_requests};
use crate::admission::Operation;
use skiff_apimachinery::generate_name::generate_name;
use skiff_apimachinery::{Document, FieldErrors, Status};

/// How often a generated name is tried.
const NAME_ATTEMPTS: usize = 8;

impl Registry {
    /// Creates an object, given in the hub version and defaulted.
    ///
    /// # Errors
    /// 400, 403, 409 or 422 as upstream answers.
    pub async fn create(
        &self,
        context: &mut Context,
        target: &Target,
        object: Document,
    ) -> Result<Object, Status> {
        self.create_managed(context, target, object, Managers::Track).await
    }

    pub(super) async fn create_managed(
        &self,
        context: &mut Context,
        target: &Target,
        object: Document,
        managers: Managers,
    ) -> Result<Object, Status> {
        let generated = object.name().is_empty() && !object.str_at(&["metadata", "generateName"]).is_empty();
        let attempts = if generated && !context.dry_run { NAME_ATTEMPTS } else { 1 };
        for _ in 1..attempts {
            match self.create_once(context, target, object.clone(), managers).await {
                Err(status) if status.is_already_exists() => {}
                result => return result,
            }
        }
        let result = self.create_once(context, target, object, managers).await;
        result.map_err(|status| if generated { explain_collision(status) } else { status })
    }

    async fn create_once(
        &self,
        context: &mut Context,
        target: &Target,
        mut object: Document,
        managers: Managers,
    ) -> Result<Object, Status> {
        metadata::settle_namespace(target, &mut object)?;
        if !object.resource_version().is_empty() {
            return Err(Status::bad_request("resourceVersion should not be set on objects to be created"));
        }
        // Admission sees the name that was asked for, which may be none yet.
        let asked = target.named(object.name());
        metadata::begin(&mut object, context.now);
        if managers == Managers::Track {
            self.track_update(context, &asked, None, &mut object);
        }
        let write = Write { target: &asked, operation: Operation::Create, old: None };
        self.admit(context, &write, &mut object).await?;

        // Jobs make labels of their name.
        let base = object.str_at(&["metadata", "generateName"]).to_owned();
        if object.name().is_empty() && !base.is_empty() {
            object.set(&["metadata", "name"], generate_name(&base, &mut rand::random::<u32>));
        }
        let strategy = &target.hub.strategy;
        strategy.prepare_for_create(&mut object);
        signing_requests::set_requester(&target.hub, &mut object, context);
        target.hub.complete(&mut object);
        if strategy.has_generation() {
            object.set(&["metadata", "generation"], 1);
        } else {
            object.remove(&["metadata", "generation"]);
        }
        let target = target.named(object.name());
        let reservation = self.allocate(context, &target, &mut object, None).await?;
        let stored = self.store_new(context, &target, object).await;
        match &stored {
            Ok(_) => reservation.keep_unless(context.dry_run),
            Err(status) => self.give_back(reservation, Some(status)).await,
        }
        stored
    }

    /// Validates and stores an object that lacks nothing.
    async fn store_new(
        &self,
        context: &mut Context,
        target: &Target,
        object: Document,
    ) -> Result<Object, Status> {
        let strategy = &target.hub.strategy;
        let mut errors: FieldErrors = metadata::validate(&target.hub, &object);
        errors.extend(strategy.validate_create(&object));
        if target.is_of_another_group() {
            errors.extend(target.row.strategy.validate_create(&object));
        }
        if !errors.is_empty() {
            return Err(Status::invalid(&target.row.group_kind(), &target.name, &errors));
        }
        context.warnings.extend(strategy.warnings(&object, None));
        let write = Write { target, operation: Operation::Create, old: None };
        self.admit_final(context, &write, &object).await?;
        match self.insert(context, target, object).await? {
            Outcome::Done(stored) => Ok(stored),
            Outcome::Stale => Err(self.exists_already(target).await),
        }
    }

    /// 409; while the old object is being deleted, the text says so.
    async fn exists_already(&self, target: &Target) -> Status {
        let mut status = Status::already_exists(&target.group_resource(), &target.name);
        if let Ok(Some(current)) = self.current(target).await
            && current.object.document().deletion_timestamp().is_some()
        {
            status.message = format!("object is being deleted: {}", status.message);
        }
        status
    }
}

/// A collision of generated names is no news that the client could act on.
fn explain_collision(mut status: Status) -> Status {
    if status.is_already_exists() {
        let name = status.details.as_ref().map(|details| details.name.clone()).unwrap_or_default();
        let why = &status.message;
        status.message = format!(
            "the server was not able to generate a unique name for the object: {why} (last tried {name:?})"
        );
    }
    status
}
