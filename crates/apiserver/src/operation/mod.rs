//! What a request does, once it is known who asks and that they may: routes by the table and runs the registry and caches.
//!
//! Input: a [`Call`], the same from sockets and from within the process; output: an [`Answer`] that the renderer writes or
//! the process takes as it is.

mod component_status;
mod connect;
mod deprecation;
mod read;
mod review;
mod write;

pub use connect::admit_connection;
pub use review::Review;

use crate::authentication::UserInfo;
use crate::cache::{Opened, Page};
use crate::chain::Core;
use crate::registry::{Context, Object, Target, subresources};
use crate::request::decode::Body;
use crate::request::{Query, RequestInfo, Verb};
use skiff_api::{Resource, Verbs};
use skiff_apimachinery::{Document, Status};
use std::sync::Arc;

/// A request for a resource.
#[derive(Debug, Clone)]
pub struct Call {
    /// What is asked for.
    pub info: RequestInfo,
    /// How.
    pub query: Query,
    /// Who asks.
    pub user: UserInfo,
    /// What software asks; names the field manager if nothing else does.
    pub user_agent: String,
    /// What came with it.
    pub body: Body,
}

/// What a request led to.
pub struct Answer {
    /// The HTTP status code of success.
    pub code: u16,
    /// The thing itself.
    pub outcome: Outcome,
    /// Texts for `Warning` headers.
    pub warnings: Vec<String>,
}

/// What a request led to.
pub enum Outcome {
    /// An object of the row that was asked for, in the hub version.
    Object(Object),
    /// A document of another kind: a Status, a Scale, a review.
    Other(Document),
    /// Objects of the row, in the hub version.
    List(Page),
    /// A watch of the row, in the hub version.
    Watch(Opened),
}

impl Answer {
    pub(crate) fn ok(outcome: Outcome) -> Self {
        Self { code: 200, outcome, warnings: Vec::new() }
    }

    fn with(code: u16, outcome: Outcome, context: Context) -> Self {
        Self { code, outcome, warnings: context.warnings }
    }
}

/// The row of a request for a resource.
///
/// # Errors
/// 404 if there is none.
pub fn route(core: &Core, info: &RequestInfo) -> Result<Arc<Resource>, Status> {
    let rows = core.caches.table().rows();
    let row = rows.find(&info.group, &info.version, &info.resource).ok_or_else(Status::no_such_path)?;
    let scoped = row.namespaced() || info.namespace.is_empty() || is_namespaces(row);
    if !scoped
        || (row.namespaced() && info.namespace.is_empty() && !info.name.is_empty() && !is_collection(info))
    {
        return Err(Status::no_such_path());
    }
    Ok(row.clone())
}

/// Does what was asked for.
///
/// # Errors
/// What the client is to be told.
pub async fn run(core: &Core, row: &Arc<Resource>, call: Call) -> Result<Answer, Status> {
    let warning = deprecation::warning(row);
    if warning.is_some() {
        core.metrics.deprecated(row, &call.info.subresource);
    }
    let mut answer = dispatch(core, row, call).await?;
    answer.warnings.extend(warning.map(str::to_owned));
    Ok(answer)
}

async fn dispatch(core: &Core, row: &Arc<Resource>, call: Call) -> Result<Answer, Status> {
    check_verb(row, &call.info)?;
    let target = target(core, row, &call.info);
    if row.storage_prefix.is_empty() {
        return match &*row.plural {
            "componentstatuses" => component_status::run(core, row, &call).await,
            "bindings" => write::bind(core, &target, call).await,
            _ => review::run(core, &target, call),
        };
    }
    match call.info.verb {
        Verb::Get => read::get(core, &target, &call).await,
        Verb::List => read::list(core, &target, &call).await,
        Verb::Watch => read::watch(core, &target, &call).await,
        Verb::Create => write::create(core, &target, call).await,
        Verb::Update => write::update(core, &target, call).await,
        Verb::Patch => write::patch(core, &target, call).await,
        Verb::Delete => write::delete(core, &target, call).await,
        Verb::DeleteCollection => write::delete_collection(core, &target, call).await,
        Verb::Head | Verb::Post | Verb::Put | Verb::Options => Err(Status::no_such_method()),
    }
}

/// The target of a request.
pub fn target(core: &Core, row: &Arc<Resource>, info: &RequestInfo) -> Target {
    let hub = core.caches.table().rows().hub(row);
    let namespace = if row.namespaced() { info.namespace.clone() } else { String::new() };
    // A list of one name carries the name for authorizers only.
    let name = if matches!(info.verb, Verb::List | Verb::DeleteCollection) {
        String::new()
    } else {
        info.name.clone()
    };
    Target { row: row.clone(), hub, namespace, name, subresource: info.subresource.clone() }
}

fn check_verb(row: &Resource, info: &RequestInfo) -> Result<(), Status> {
    let wanted = match info.verb {
        Verb::Get => Verbs::GET,
        Verb::List => Verbs::LIST,
        Verb::Watch => Verbs::WATCH,
        Verb::Create => Verbs::CREATE,
        Verb::Update => Verbs::UPDATE,
        Verb::Patch => Verbs::PATCH,
        Verb::Delete => Verbs::DELETE,
        Verb::DeleteCollection => Verbs::DELETE_COLLECTION,
        Verb::Head | Verb::Post | Verb::Put | Verb::Options => Verbs::NONE,
    };
    let served = if info.subresource.is_empty() {
        row.verbs
    } else {
        row.subresource(&info.subresource).ok_or_else(Status::no_such_path)?.verbs
    };
    let misplaced = info.subresource.is_empty()
        && match info.verb {
            // Objects are created and deleted in a collection, and namespaced ones in a namespace.
            Verb::Create => !info.name.is_empty() || (row.namespaced() && info.namespace.is_empty()),
            Verb::Update | Verb::Patch => info.name.is_empty(),
            Verb::DeleteCollection => row.namespaced() && info.namespace.is_empty(),
            _ => false,
        };
    if wanted == Verbs::NONE || !served.contains(wanted) || misplaced {
        return Err(Status::no_such_method());
    }
    Ok(())
}

fn is_namespaces(row: &Resource) -> bool {
    row.gvk.group.is_empty() && row.plural == "namespaces"
}

fn is_collection(info: &RequestInfo) -> bool {
    matches!(info.verb, Verb::List | Verb::Watch | Verb::DeleteCollection)
}

/// The view that the call is about, if it names a subresource that is one.
fn view(target: &Target) -> Result<Option<&'static dyn subresources::View>, Status> {
    if target.subresource.is_empty() {
        return Ok(None);
    }
    subresources::view(&target.row, &target.subresource).map(Some).ok_or_else(Status::no_such_path)
}
