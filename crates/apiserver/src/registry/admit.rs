//! Runs the admission chain around a write.

use super::{Context, Registry, Target};
use crate::admission::{Operation, Request};
use crate::chain::Half;
use skiff_apimachinery::{Document, Status};

/// A write as admission sees it.
pub(super) struct Write<'a> {
    pub(super) target: &'a Target,
    pub(super) operation: Operation,
    pub(super) old: Option<&'a Document>,
}

impl Registry {
    /// Lets the plugins change the object, in order.
    pub(super) async fn admit(
        &self,
        context: &mut Context,
        write: &Write<'_>,
        object: &mut Document,
    ) -> Result<(), Status> {
        let mut measured = self.admission_metrics.begin(write.operation, Half::Admit);
        for (at, plugin) in self.admission.iter().enumerate() {
            let mut request = write.request(context, object);
            let outcome = plugin.admit(&mut request, object).await;
            let warnings = request.warnings;
            context.warnings.extend(warnings);
            measured.plugin(at, outcome.is_err());
            if outcome.is_err() {
                measured.end(true);
                return outcome;
            }
        }
        measured.end(false);
        Ok(())
    }

    /// Lets the plugins refuse the object as it will be stored.
    pub(super) async fn admit_final(
        &self,
        context: &mut Context,
        write: &Write<'_>,
        object: &Document,
    ) -> Result<(), Status> {
        let mut measured = self.admission_metrics.begin(write.operation, Half::Validate);
        for (at, plugin) in self.admission.iter().enumerate() {
            let mut request = write.request(context, object);
            let outcome = plugin.validate(&mut request, object).await;
            let warnings = request.warnings;
            context.warnings.extend(warnings);
            measured.plugin(at, outcome.is_err());
            if outcome.is_err() {
                measured.end(true);
                return outcome;
            }
        }
        measured.end(false);
        Ok(())
    }

    /// Asks the plugins about a connection (exec, attach, port-forward, proxy); the object holds its options.
    ///
    /// # Errors
    /// What a plugin answers.
    pub async fn admit_connect(
        &self,
        context: &mut Context,
        target: &Target,
        mut options: Document,
    ) -> Result<(), Status> {
        let write = Write { target, operation: Operation::Connect, old: None };
        self.admit(context, &write, &mut options).await?;
        self.admit_final(context, &write, &options).await
    }
}

impl<'a> Write<'a> {
    fn request(&self, context: &'a Context, object: &Document) -> Request<'a> {
        Request {
            resource: &self.target.hub,
            subresource: &self.target.subresource,
            operation: self.operation,
            namespace: &self.target.namespace,
            name: &self.target.name,
            generate_name: if self.target.name.is_empty() {
                object.str_at(&["metadata", "generateName"]).to_owned()
            } else {
                String::new()
            },
            user: &context.user,
            old: self.old,
            dry_run: context.dry_run,
            warnings: Vec::new(),
        }
    }
}
