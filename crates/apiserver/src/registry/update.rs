//! Changing an object: the one loop that PUT, PATCH, apply and subresources share.

use super::admit::Write;
use super::managed::Managers;
use super::services::Reservation;
use super::store::{Current, Outcome};
use super::{Context, Object, Registry, Target, metadata, signing_requests};
use crate::admission::Operation;
use skiff_api::strategy::UpdateScope;
use skiff_apimachinery::{Document, FieldErrors, Status};

/// How often a change is tried again when the object changed meanwhile.
const ATTEMPTS: usize = 6;

/// Makes the new state of an object from the present one. Asked again when the object changed meanwhile.
pub trait Edit: Send + Sync {
    /// The new object in the hub version; the old one has a resourceVersion.
    ///
    /// # Errors
    /// Whatever the client is to be told.
    fn apply(&self, context: &mut Context, old: &Document) -> Result<Document, Status>;

    /// The object to create if there is none; `None` answers 404.
    ///
    /// # Errors
    /// Whatever the client is to be told.
    fn create(&self, _context: &mut Context) -> Result<Option<Document>, Status> {
        Ok(None)
    }

    /// Which part of the object the strategy lets the write change; `None` if the edit itself sees to that.
    fn scope(&self) -> Option<UpdateScope> {
        Some(UpdateScope::Main)
    }

    /// Whether the write still has to be noted in managedFields.
    fn managers(&self) -> Managers {
        Managers::Track
    }

    /// Whether the new state still has to pass admission; not where an action that was admitted itself makes the edit.
    fn is_admitted_as_update(&self) -> bool {
        true
    }
}

/// What became of an update.
pub struct Updated {
    /// The object as it is stored now.
    pub object: Object,
    /// Whether it was created.
    pub created: bool,
}

/// A new state, complete and valid.
struct Changed {
    object: Document,
    /// What the new state needs of the allocators, given back unless it is stored.
    reservation: Reservation,
}

impl Registry {
    /// Changes an object.
    ///
    /// # Errors
    /// 400, 403, 404, 409 or 422 as upstream answers.
    pub async fn update(
        &self,
        context: &mut Context,
        target: &Target,
        edit: &dyn Edit,
    ) -> Result<Updated, Status> {
        let warned = context.warnings.len();
        for attempt in 1.. {
            let Some(current) = self.current(target).await? else {
                let Some(object) = edit.create(context)? else {
                    return Err(Status::not_found(&target.group_resource(), &target.name));
                };
                match self.create_managed(context, target, object, edit.managers()).await {
                    Err(status) if status.is_already_exists() && attempt < ATTEMPTS => continue,
                    result => return result.map(|object| Updated { object, created: true }),
                }
            };
            context.warnings.truncate(warned);
            let changed = self.changed(context, target, edit, &current).await?;
            match self.settle(context, target, &current, changed).await? {
                Outcome::Done(object) => return Ok(Updated { object, created: false }),
                // A client that insisted on a version learns of the change in the next round.
                Outcome::Stale if attempt == ATTEMPTS => break,
                Outcome::Stale => {}
            }
        }
        Err(Status::modified(&target.group_resource(), &target.name))
    }

    /// The new state, complete and valid.
    async fn changed(
        &self,
        context: &mut Context,
        target: &Target,
        edit: &dyn Edit,
        current: &Current,
    ) -> Result<Changed, Status> {
        let old = &*current.object.document();
        let strategy = &target.hub.strategy;
        let mut new = edit.apply(context, old)?;
        metadata::settle_namespace(target, &mut new)?;
        metadata::check_identity(target, &new, old)?;
        let wanted = new.resource_version().to_owned();
        if wanted.is_empty()
            && !strategy.allow_unconditional_update()
            && edit.scope() == Some(UpdateScope::Main)
        {
            return Err(metadata::version_required(target));
        }
        if !wanted.is_empty() && wanted != old.resource_version() {
            return Err(Status::modified(&target.group_resource(), &target.name));
        }
        metadata::carry_over(&mut new, old);
        if let Some(scope) = edit.scope() {
            strategy.prepare_for_update(scope, &mut new, old);
        }
        signing_requests::stamp_conditions(&target.hub, &mut new, old, context.now);
        target.hub.complete(&mut new);
        if edit.managers() == Managers::Track {
            self.track_update(context, target, Some(old), &mut new);
        }
        let write = Write { target, operation: Operation::Update, old: Some(old) };
        if edit.is_admitted_as_update() {
            self.admit(context, &write, &mut new).await?;
        }
        metadata::count_generation(&target.hub, &mut new, old);
        metadata::set_last_word(&mut new, old);
        let reservation = self.allocate(context, target, &mut new, Some(old)).await?;
        match self.check(context, edit, &write, old, &new).await {
            Ok(()) => Ok(Changed { object: new, reservation }),
            Err(status) => {
                self.give_back(reservation, None).await;
                Err(status)
            }
        }
    }

    /// Whether the new state may be stored.
    async fn check(
        &self,
        context: &mut Context,
        edit: &dyn Edit,
        write: &Write<'_>,
        old: &Document,
        new: &Document,
    ) -> Result<(), Status> {
        let target = write.target;
        let strategy = &target.hub.strategy;
        let mut errors: FieldErrors = metadata::validate_update(&target.hub, new, old);
        errors.extend(match (strategy.validate_view(&target.subresource, new, old), edit.scope()) {
            (Some(errors), _) => errors,
            (None, Some(scope)) => {
                let mut errors = strategy.validate_update(scope, new, old);
                if target.is_of_another_group() {
                    errors.extend(target.row.strategy.validate_update(scope, new, old));
                }
                errors
            }
            (None, None) => strategy.validate_create(new),
        });
        if !errors.is_empty() {
            return Err(Status::invalid(&target.row.group_kind(), &target.name, &errors));
        }
        context.warnings.extend(strategy.warnings(new, Some(old)));
        if edit.is_admitted_as_update() {
            self.admit_final(context, write, new).await?;
        }
        Ok(())
    }

    /// Stores the new state, or removes the object if it was only waiting for its last finalizer.
    async fn settle(
        &self,
        context: &Context,
        target: &Target,
        current: &Current,
        changed: Changed,
    ) -> Result<Outcome, Status> {
        let old = &*current.object.document();
        let Changed { object: mut new, reservation } = changed;
        if metadata::is_finished(&target.hub, &new) {
            let mut gone = current.clone();
            gone.object = Object::new(new);
            self.give_back(reservation, None).await;
            let release = self.releasing(context, target, old, None).await;
            let outcome = self.remove(context, target, &gone).await?;
            if matches!(outcome, Outcome::Done(_)) {
                self.release(release).await;
            }
            return Ok(outcome);
        }
        new.set(&["metadata", "resourceVersion"], old.resource_version());
        if new == *old {
            return Ok(Outcome::Done(current.object.clone()));
        }
        let release = self.releasing(context, target, old, Some(&new)).await;
        let outcome = self.replace(context, target, new, current.revision).await;
        match &outcome {
            Ok(Outcome::Done(_)) => {
                reservation.keep_unless(context.dry_run);
                self.release(release).await;
            }
            Ok(Outcome::Stale) => self.give_back(reservation, None).await,
            Err(status) => self.give_back(reservation, Some(status)).await,
        }
        outcome
    }
}

/// Replaces the object with one that the client sent.
pub struct Replace {
    /// The object in the hub version, defaulted.
    pub object: Document,
    /// Whether it is created if there is none.
    pub create: bool,
}

impl Edit for Replace {
    fn apply(&self, _: &mut Context, _: &Document) -> Result<Document, Status> {
        Ok(self.object.clone())
    }

    fn create(&self, _: &mut Context) -> Result<Option<Document>, Status> {
        Ok(self.create.then(|| self.object.clone()))
    }
}
