//! Deleting: at once, or gracefully, or when finalizers and dependents let go.

use super::admit::Write;
use super::store::{Current, Outcome};
use super::{Context, Object, Registry, Target};
use crate::admission::Operation;
use crate::request::options::{DeleteOptions, Propagation};
use jiff::{SignedDuration, Timestamp};
use skiff_apimachinery::time::{format_time, parse_time};
use skiff_apimachinery::{Document, Status, doc};

/// How often a deletion is tried again when the object changed meanwhile.
const ATTEMPTS: usize = 8;
/// Holds the object until its dependents have lost their owner reference.
const ORPHAN: &str = "orphan";
/// Holds the object until its dependents are gone.
const FOREGROUND: &str = "foregroundDeletion";
/// Resources whose deletion answers with the object, as upstream's registries say.
const RETURN_OBJECT: [(&str, &str); 11] = [
    ("", "persistentvolumeclaims"),
    ("", "persistentvolumes"),
    ("", "pods"),
    ("", "podtemplates"),
    ("", "resourcequotas"),
    ("", "serviceaccounts"),
    ("", "services"),
    ("storage.k8s.io", "csidrivers"),
    ("storage.k8s.io", "csinodes"),
    ("storage.k8s.io", "storageclasses"),
    ("storage.k8s.io", "volumeattachments"),
];

/// What a deletion led to.
pub enum Deleted {
    /// The object is gone.
    Gone(Object),
    /// The object waits: for its grace period, its finalizers or its content.
    Waiting(Object),
}

/// What a deletion does to the present state.
enum Plan {
    /// Removes it.
    Remove,
    /// Marks it and leaves the rest to whoever holds it.
    Mark(Document),
    /// It is on its way already.
    Nothing,
}

impl Registry {
    /// Deletes an object.
    ///
    /// # Errors
    /// 403, 404 or 409 as upstream answers.
    pub async fn delete(
        &self,
        context: &mut Context,
        target: &Target,
        options: &DeleteOptions,
    ) -> Result<Deleted, Status> {
        for _ in 0..ATTEMPTS {
            let current = self.deletable(target, options).await?;
            self.admit_deletion(context, target, &current.object.document()).await?;
            if let Some(deleted) = self.delete_once(context, target, &current, options).await? {
                return Ok(deleted);
            }
        }
        Err(Status::modified(&target.group_resource(), &target.name))
    }

    /// Deletes an object for an action that was admitted itself.
    ///
    /// # Errors
    /// 404 or 409 as upstream answers.
    pub(super) async fn delete_for_action(
        &self,
        context: &Context,
        target: &Target,
        options: &DeleteOptions,
    ) -> Result<Deleted, Status> {
        for _ in 0..ATTEMPTS {
            let current = self.deletable(target, options).await?;
            if let Some(deleted) = self.delete_once(context, target, &current, options).await? {
                return Ok(deleted);
            }
        }
        Err(Status::modified(&target.group_resource(), &target.name))
    }

    /// The object as it is stored, if it is the one that is meant.
    async fn deletable(&self, target: &Target, options: &DeleteOptions) -> Result<Current, Status> {
        let current = self.current(target).await?;
        let current = current.ok_or_else(|| Status::not_found(&target.group_resource(), &target.name))?;
        check_preconditions(target, &current.object.document(), options)?;
        Ok(current)
    }

    async fn admit_deletion(
        &self,
        context: &mut Context,
        target: &Target,
        old: &Document,
    ) -> Result<(), Status> {
        let write = Write { target, operation: Operation::Delete, old: Some(old) };
        let mut nothing = Document::NULL;
        self.admit(context, &write, &mut nothing).await?;
        self.admit_final(context, &write, &nothing).await
    }

    /// `None` if the object changed meanwhile.
    async fn delete_once(
        &self,
        context: &Context,
        target: &Target,
        current: &Current,
        options: &DeleteOptions,
    ) -> Result<Option<Deleted>, Status> {
        let old = &*current.object.document();
        let plan = if is_namespace(target) {
            plan_namespace(target, old, options, context.now)?
        } else {
            plan(target, old, options, context.now)
        };
        match plan {
            Plan::Nothing => return Ok(Some(Deleted::Waiting(current.object.clone()))),
            Plan::Mark(marked) => {
                let outcome = self.replace(context, target, marked, current.revision).await?;
                return Ok(match outcome {
                    Outcome::Done(object) => Some(Deleted::Waiting(object)),
                    Outcome::Stale => None,
                });
            }
            Plan::Remove => {}
        }
        let release = self.releasing(context, target, old, None).await;
        Ok(match self.remove(context, target, current).await? {
            Outcome::Done(object) => {
                self.release(release).await;
                Some(Deleted::Gone(object))
            }
            Outcome::Stale => None,
        })
    }
}

impl Deleted {
    /// What the client gets: the object while it waits (or if its kind says so), else a Status.
    pub fn answer(self, target: &Target) -> Object {
        let row = &target.row;
        match self {
            Self::Waiting(object) => object,
            Self::Gone(object) if RETURN_OBJECT.contains(&(&*row.gvk.group, &*row.plural)) => object,
            Self::Gone(object) => {
                let mut details = doc!({"name": target.name.as_str()});
                if !row.gvk.group.is_empty() {
                    details.insert("group", &*row.gvk.group);
                }
                details.insert("kind", &*row.plural);
                details.insert("uid", object.document().uid());
                Object::new(doc!({
                    "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details
                }))
            }
        }
    }
}

fn is_namespace(target: &Target) -> bool {
    target.hub.gvk.group.is_empty() && target.hub.plural == "namespaces"
}

fn check_preconditions(target: &Target, object: &Document, options: &DeleteOptions) -> Result<(), Status> {
    let refuse = |what: &str, place: &str, wanted: &str, found: &str| {
        let why =
            format!("Precondition failed: {what} in precondition: {wanted}, {what} in {place}: {found}");
        Err(Status::conflict(&target.group_resource(), &target.name, &why))
    };
    if let Some(wanted) = options.uid.as_deref().filter(|wanted| *wanted != object.uid()) {
        return refuse("UID", "object meta", wanted, object.uid());
    }
    match options.resource_version.as_deref() {
        Some(wanted) if wanted != object.resource_version() => {
            refuse("ResourceVersion", "object meta", wanted, object.resource_version())
        }
        _ => Ok(()),
    }
}

fn plan(target: &Target, old: &Document, options: &DeleteOptions, now: Timestamp) -> Plan {
    let mut marked = old.clone();
    let finalizers_changed = settle_finalizers(&mut marked, options);
    crate::custom::begin_deletion(&target.hub, &mut marked, now);
    let held = marked.finalizers().next().is_some();
    let grace = target.hub.strategy.grace_period(old, options.grace_period_seconds).unwrap_or(0).max(0);
    let Some(deadline) = old.deletion_timestamp() else {
        if grace == 0 && !held {
            return Plan::Remove;
        }
        mark(target, &mut marked, now, grace);
        return Plan::Mark(marked);
    };
    let granted = old.i64_at(&["metadata", "deletionGracePeriodSeconds"]).unwrap_or(0);
    // Only a shorter period than the one that runs changes anything.
    let shorter = options.grace_period_seconds.is_some() && grace < granted;
    if grace == 0 && (shorter || granted == 0) && !held {
        return Plan::Remove;
    }
    if shorter {
        let began = later(parse_time(deadline).unwrap_or(now), -granted);
        marked.set(&["metadata", "deletionTimestamp"], format_time(later(began, grace)));
        marked.set(&["metadata", "deletionGracePeriodSeconds"], grace);
        return Plan::Mark(marked);
    }
    if finalizers_changed { Plan::Mark(marked) } else { Plan::Nothing }
}

/// A namespace ends when the namespace controller has emptied it and released it through `finalize`.
fn plan_namespace(
    target: &Target,
    old: &Document,
    options: &DeleteOptions,
    now: Timestamp,
) -> Result<Plan, Status> {
    if old.deletion_timestamp().is_none() {
        let mut marked = old.clone();
        settle_finalizers(&mut marked, options);
        mark(target, &mut marked, now, 0);
        marked.remove(&["metadata", "deletionGracePeriodSeconds"]);
        marked.set(&["status", "phase"], "Terminating");
        return Ok(Plan::Mark(marked));
    }
    if !old.array_at(&["spec", "finalizers"]).is_empty() {
        let why = "The system is ensuring all content is removed from this namespace.  Upon completion, this namespace will automatically be purged by the system.";
        return Err(Status::conflict(&target.group_resource(), &target.name, why));
    }
    Ok(if old.finalizers().next().is_some() { Plan::Nothing } else { Plan::Remove })
}

/// So many seconds later; clients choose the number, so it may lead beyond what a time can be.
fn later(time: Timestamp, seconds: i64) -> Timestamp {
    let end = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    time.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(end)
}

fn mark(target: &Target, object: &mut Document, now: Timestamp, grace: i64) {
    object.set(&["metadata", "deletionTimestamp"], format_time(later(now, grace)));
    object.set(&["metadata", "deletionGracePeriodSeconds"], grace);
    if target.hub.strategy.has_generation() {
        object.set(&["metadata", "generation"], object.generation() + 1);
    }
}

/// Sets the finalizers of the wanted propagation; tells whether that changed anything.
fn settle_finalizers(object: &mut Document, options: &DeleteOptions) -> bool {
    let wanted = match options.propagation {
        Some(Propagation::Orphan) => Some(ORPHAN),
        Some(Propagation::Foreground) => Some(FOREGROUND),
        Some(Propagation::Background) => None,
        // Without a word the finalizers that are there decide.
        None => return false,
    };
    let before: Vec<String> = object.finalizers().map(str::to_owned).collect();
    let mut after: Vec<String> = before
        .iter()
        .filter(|f| (*f != ORPHAN && *f != FOREGROUND) || Some(f.as_str()) == wanted)
        .cloned()
        .collect();
    if let Some(wanted) = wanted.filter(|wanted| !after.iter().any(|f| f == wanted)) {
        after.push(wanted.to_owned());
    }
    if before == after {
        return false;
    }
    if after.is_empty() {
        object.remove(&["metadata", "finalizers"]);
    } else {
        object.set(&["metadata", "finalizers"], after);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(propagation: Option<Propagation>) -> DeleteOptions {
        DeleteOptions { propagation, ..DeleteOptions::default() }
    }

    #[test]
    fn a_grace_period_beyond_all_time_ends_with_it() {
        assert_eq!(later(Timestamp::UNIX_EPOCH, i64::MAX), Timestamp::MAX);
        assert_eq!(later(Timestamp::UNIX_EPOCH, -i64::MAX), Timestamp::MIN);
        assert_eq!(later(Timestamp::UNIX_EPOCH, 30).as_second(), 30);
    }

    #[test]
    fn propagation_decides_the_finalizers() {
        let cases = [
            (None, vec!["a"], vec!["a"]),
            (Some(Propagation::Foreground), vec!["a"], vec!["a", FOREGROUND]),
            (Some(Propagation::Orphan), vec![FOREGROUND], vec![ORPHAN]),
            (Some(Propagation::Background), vec![ORPHAN, "a"], vec!["a"]),
        ];
        for (propagation, before, after) in cases {
            let mut object = doc!({"metadata": {"finalizers": before.clone()}});
            let changed = settle_finalizers(&mut object, &options(propagation));
            assert_eq!(object.finalizers().collect::<Vec<_>>(), after);
            assert_eq!(changed, before != after);
        }
    }
}
