//! `pods/eviction`: deletes a pod on behalf of someone who drains a node.

use super::super::{Deleted, Registry};
use super::{Action, Context, Target};
use crate::request::Query;
use crate::request::options::DeleteOptions;
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, Status, doc};

/// The action.
pub(super) struct EvictionAction;

impl Action for EvictionAction {
    fn run<'a>(
        &'a self,
        registry: &'a Registry,
        context: &'a mut Context,
        target: &'a Target,
        sent: Document,
    ) -> BoxFuture<'a, Result<Document, Status>> {
        Box::pin(async move {
            if !sent.name().is_empty() && sent.name() != target.name {
                return Err(Status::bad_request("name in URL does not match name in Eviction object"));
            }
            let body = sent.get("deleteOptions").filter(|options| !options.is_null());
            let mut options = match body {
                Some(body) => DeleteOptions::parse(&Query::default(), Some(body))?,
                None => DeleteOptions::default(),
            };
            context.dry_run |= options.dry_run;
            options.dry_run = context.dry_run;
            let pod = Target { subresource: String::new(), ..target.clone() };
            match registry.delete(context, &pod, &options).await? {
                Deleted::Gone(_) | Deleted::Waiting(_) => {}
            }
            Ok(doc!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}))
        })
    }
}
