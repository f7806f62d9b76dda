//! Requests that become connections: admission is asked about their options.

use crate::authentication::UserInfo;
use crate::chain::Core;
use crate::registry::{Context, Target};
use crate::request::Query;
use skiff_apimachinery::{Document, Status, doc};

/// Leave to connect (exec, attach, port-forward, proxy); logs need none.
///
/// # Errors
/// What an admission plugin answers.
pub async fn admit_connection(
    core: &Core,
    target: &Target,
    query: &Query,
    user: &UserInfo,
) -> Result<(), Status> {
    if target.subresource == "log" {
        return Ok(());
    }
    let mut context = Context {
        user: user.clone(),
        dry_run: false,
        field_manager: String::new(),
        now: core.clock.now(),
        warnings: Vec::new(),
    };
    core.registry.admit_connect(&mut context, target, options(target, query)).await
}

/// The options as an object, such as `PodExecOptions`.
fn options(target: &Target, query: &Query) -> Document {
    let kind = match (&*target.row.plural, target.subresource.as_str()) {
        (_, "exec") => "PodExecOptions",
        (_, "attach") => "PodAttachOptions",
        (_, "portforward") => "PodPortForwardOptions",
        ("services", _) => "ServiceProxyOptions",
        ("nodes", _) => "NodeProxyOptions",
        _ => "PodProxyOptions",
    };
    let mut options = doc!({"kind": kind, "apiVersion": "v1"});
    for flag in ["stdin", "stdout", "stderr", "tty"] {
        if query.flag(flag) {
            options.insert(flag, true);
        }
    }
    if query.contains("container") {
        options.insert("container", query.get("container"));
    }
    let command: Vec<&str> = query.all("command").collect();
    if !command.is_empty() {
        options.insert("command", command);
    }
    options
}
