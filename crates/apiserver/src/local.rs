//! The process's own door: structured requests under an identity, the same way as from a socket.
//!
//! Nothing is encoded: objects are the caches' documents, shared by everyone in the process. Whoever composes the process
//! hands each component the door of its identity; nothing else may construct one.

use crate::authentication::UserInfo;
use crate::cache::{Delivery, EventKind, Opened, Subscription};
use crate::chain::{self, Core, Kind, Record};
use crate::convert;
use crate::operation::{self, Call, Outcome};
use crate::registry::Object;
use crate::request::decode::Body;
use crate::request::{Query, RequestInfo, Verb};
use skiff_api::Resource;
use skiff_apimachinery::{Document, GroupVersionResource, Status};
use std::sync::Arc;

/// A door for one identity. Cheap to clone.
#[derive(Clone)]
pub struct Local {
    core: Arc<Core>,
    user: Arc<UserInfo>,
    user_agent: Arc<str>,
}

/// A structured request.
#[derive(Debug, Clone)]
pub struct LocalCall {
    /// What to do.
    pub verb: Verb,
    /// To which resource.
    pub resource: GroupVersionResource,
    /// In which namespace; empty for cluster scope and for all namespaces.
    pub namespace: String,
    /// To which object; empty for collections.
    pub name: String,
    /// Through which subresource; empty for the object itself.
    pub subresource: String,
    /// Query parameters, names as in the URL.
    pub query: Vec<(String, String)>,
    /// The body, if the verb has one.
    pub body: Option<Document>,
    /// The media type of a patch; empty for other bodies.
    pub content_type: &'static str,
}

/// A page of objects.
#[derive(Debug, Clone)]
pub struct LocalList {
    /// The objects, each with kind and apiVersion.
    pub items: Vec<Arc<Document>>,
    /// The revision of the list.
    pub resource_version: String,
    /// The next page's token; empty at the end.
    pub continue_token: String,
}

/// One event of a watch.
#[derive(Debug, Clone)]
pub enum LocalEvent {
    /// The object came into view.
    Added(Arc<Document>),
    /// The object changed.
    Modified(Arc<Document>),
    /// The object left the view; its last state.
    Deleted(Arc<Document>),
    /// Everything up to this resourceVersion was sent; the flag marks the end of the initial objects.
    Bookmark {
        /// The resourceVersion.
        resource_version: String,
        /// Whether the initial objects end here.
        initial_end: bool,
    },
}

/// A running watch. Dropping it ends it.
pub struct LocalWatch {
    row: Arc<Resource>,
    hub: Arc<Resource>,
    subscription: Subscription,
}

impl Local {
    pub(crate) fn new(core: Arc<Core>, user: UserInfo, user_agent: &str) -> Self {
        Self { core, user: Arc::new(user), user_agent: user_agent.into() }
    }

    /// Under whose identity calls are made.
    pub fn user(&self) -> &UserInfo {
        &self.user
    }

    /// get, create, update, patch, delete, deletecollection: an object (or a Status object) comes back.
    ///
    /// # Errors
    /// What a client over HTTPS would be told.
    pub async fn call(&self, call: LocalCall) -> Result<Arc<Document>, Status> {
        let (row, outcome) = self.run(call).await?;
        let hub = self.core.caches.table().rows().hub(&row);
        match outcome {
            Outcome::Object(object) => Ok(in_version(&row, &hub, object)),
            Outcome::Other(document) => Ok(Arc::new(document)),
            Outcome::List(page) => {
                let mut list = Document::object();
                list.insert("kind", &*row.list_kind);
                list.insert("apiVersion", row.gvk.api_version());
                list.set(&["metadata", "resourceVersion"], page.revision.to_string());
                Ok(Arc::new(list))
            }
            Outcome::Watch(_) => Err(Status::bad_request("a watch is not a call")),
        }
    }

    /// Lists one page (everything unless the query limits it).
    ///
    /// # Errors
    /// What a client over HTTPS would be told.
    pub async fn list(&self, call: LocalCall) -> Result<LocalList, Status> {
        let (row, outcome) = self.run(LocalCall { verb: Verb::List, ..call }).await?;
        let Outcome::List(page) = outcome else {
            return Err(Status::bad_request("the resource has no lists"));
        };
        let hub = self.core.caches.table().rows().hub(&row);
        let items = page.entries.into_iter().map(|entry| in_version(&row, &hub, Object::Cached(entry)));
        Ok(LocalList {
            items: items.collect(),
            resource_version: page.revision.to_string(),
            continue_token: page.continue_token,
        })
    }

    /// Opens a watch.
    ///
    /// # Errors
    /// What a client over HTTPS would be told; 410 if the revision is too old.
    pub async fn watch(&self, call: LocalCall) -> Result<LocalWatch, Status> {
        let (row, outcome) = self.run(LocalCall { verb: Verb::Watch, ..call }).await?;
        let hub = self.core.caches.table().rows().hub(&row);
        match outcome {
            Outcome::Watch(Opened::Running(subscription)) => Ok(LocalWatch { row, hub, subscription }),
            Outcome::Watch(Opened::Failed(status)) => Err(status),
            _ => Err(Status::bad_request("the resource has no watches")),
        }
    }

    async fn run(&self, call: LocalCall) -> Result<(Arc<Resource>, Outcome), Status> {
        let core = &self.core;
        let gvr = &call.resource;
        let rows = core.caches.table().rows();
        let row =
            rows.find(&gvr.group, &gvr.version, &gvr.resource).ok_or_else(Status::no_such_path)?.clone();
        let query = Query::from_pairs(call.query);
        let info = RequestInfo::structured(call.verb, &row, &call.namespace, &call.name, &call.subresource)
            .with_selected_name(&query);
        let received = core.clock.now();
        let dry_run = query.get("dryRun").to_owned();
        let kind = Kind {
            info: &info,
            served: core.serves(&info),
            dry_run: &dry_run,
            apply: call.content_type.starts_with("application/apply-patch+"),
        };
        let running = core.metrics.begin(kind);
        let body = match call.body {
            Some(document) => Body::Document { content_type: call.content_type, document },
            None => Body::Empty,
        };
        let mut reason = String::new();
        let result = async {
            let _permit = core.limits.enter(&info, &self.user).inspect_err(|_| core.metrics.dropped(kind))?;
            reason = chain::authorize(core, &info, &query, &self.user)?;
            let call = Call {
                info: info.clone(),
                query: query.clone(),
                user: (*self.user).clone(),
                user_agent: self.user_agent.to_string(),
                body,
            };
            operation::route(core, &info)?;
            operation::run(core, &row, call).await
        }
        .await;
        let code = result.as_ref().map_or_else(|status| status.code, |answer| answer.code);
        core.metrics.finish(&running, code, None);
        drop(running);
        if let Some(audit) = &core.audit {
            core.metrics.audited();
            audit.record(&Record {
                audit_id: &uuid::Uuid::new_v4().to_string(),
                info: &info,
                uri: &info.path,
                user: &self.user,
                impersonated: None,
                source: "",
                user_agent: &self.user_agent,
                code,
                reason: &reason,
                allowed: code != 403,
                received,
                completed: core.clock.now(),
            });
        }
        result.map(|answer| (row, answer.outcome))
    }

    /// Reads a path that is no resource: discovery, `/version`, `/openapi/v2`.
    ///
    /// # Errors
    /// 403 or 404.
    pub async fn get_path(&self, path: &str) -> Result<Arc<Document>, Status> {
        let query = Query::default();
        let info = RequestInfo::parse(&http::Method::GET, path, &query);
        chain::authorize(&self.core, &info, &query, &self.user)?;
        if path.trim_end_matches('/') == "/version" {
            return Ok(Arc::new(crate::version::document()));
        }
        let which = crate::documents::Which::of_path(path, "").ok_or_else(Status::no_such_path)?;
        let ready = self.core.documents.get(which).await.ok_or_else(Status::no_such_path)?;
        skiff_apimachinery::json::decode(&ready.bytes).map(Arc::new).map_err(Status::internal)
    }
}

impl LocalWatch {
    /// The next event; `None` when the watch is over.
    pub async fn next(&mut self) -> Option<LocalEvent> {
        let delivery = self.subscription.next().await?;
        Some(match delivery {
            Delivery::Initial(entry) => LocalEvent::Added(self.shown(Object::Cached(entry))),
            Delivery::Bookmark { revision, initial_end } => {
                LocalEvent::Bookmark { resource_version: revision.to_string(), initial_end }
            }
            Delivery::Change(kind, change) => {
                let object = self.shown(Object::Cached(change.shown(kind)?.clone()));
                match kind {
                    EventKind::Added => LocalEvent::Added(object),
                    EventKind::Modified => LocalEvent::Modified(object),
                    EventKind::Deleted => LocalEvent::Deleted(object),
                }
            }
        })
    }

    fn shown(&self, object: Object) -> Arc<Document> {
        in_version(&self.row, &self.hub, object)
    }
}

fn in_version(row: &Arc<Resource>, hub: &Arc<Resource>, object: Object) -> Arc<Document> {
    let document = object.document();
    if row.gvk == hub.gvk {
        return document;
    }
    Arc::new(convert::from_hub(row, hub, Arc::unwrap_or_clone(document)))
}
