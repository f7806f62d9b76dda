//! Parameters of requests. OpenAPI 2.0 names most of them once for all paths; `dryRun` and `fieldValidation` stay inline,
//! because clients look for them in the operation to learn what the server can do.

use super::Dialect;
use skiff_apimachinery::{Document, doc};

const NAMESPACE_TEXT: &str = "The namespace of the object.";

/// A parameter in the query.
struct Query {
    name: &'static str,
    ty: &'static str,
    text: &'static str,
}

const fn query(name: &'static str, ty: &'static str, text: &'static str) -> Query {
    Query { name, ty, text }
}

const QUERIES: &[Query] = &[
    query("allowWatchBookmarks", "boolean", "Whether the watch may send BOOKMARK events."),
    query("command", "string", "The command to run, one parameter for each word."),
    query("container", "string", "The container; the only one or the default one if empty."),
    query("continue", "string", "The token of an earlier page, to get the next one."),
    query("dryRun", "string", "All: run all steps of the request, persist nothing."),
    query("fieldManager", "string", "Who makes the change, as managedFields will name it."),
    query("fieldSelector", "string", "Selects objects by their fields."),
    query("fieldValidation", "string", "What unknown and duplicate fields cause: Ignore, Warn or Strict."),
    query("follow", "boolean", "Whether to go on as the log grows."),
    query("force", "boolean", "Whether apply takes fields over from other managers."),
    query("gracePeriodSeconds", "integer", "Seconds before the object is deleted; 0 deletes at once."),
    query(
        "ignoreStoreReadErrorWithClusterBreakingPotential",
        "boolean",
        "Whether to delete an object that can no longer be read, without its usual steps.",
    ),
    query(
        "insecureSkipTLSVerifyBackend",
        "boolean",
        "Whether to trust any certificate of the node that the log comes from.",
    ),
    query("labelSelector", "string", "Selects objects by their labels."),
    query("limit", "integer", "Most objects of one page."),
    query("limitBytes", "integer", "Most bytes of the log."),
    query("orphanDependents", "boolean", "Replaced by propagationPolicy."),
    query("path", "string", "The path of the proxied request."),
    query("ports", "integer", "The ports to forward."),
    query("pretty", "string", "Whether to indent the answer."),
    query("previous", "boolean", "Whether to read the log of the terminated container."),
    query("propagationPolicy", "string", "What becomes of dependents: Orphan, Background or Foreground."),
    query("resourceVersion", "string", "How fresh the answer must be, or where a watch starts."),
    query("resourceVersionMatch", "string", "How resourceVersion is understood: Exact or NotOlderThan."),
    query("sendInitialEvents", "boolean", "Whether a watch starts with the objects that are there."),
    query("sinceSeconds", "integer", "Only lines of these last seconds."),
    query("sinceTime", "string", "Only lines since this time."),
    query("stderr", "boolean", "Whether to attach to standard error."),
    query("stdin", "boolean", "Whether to attach to standard input."),
    query("stdout", "boolean", "Whether to attach to standard output."),
    query("stream", "string", "Which stream of the container: All, Stdout or Stderr."),
    query("tailLines", "integer", "Only so many lines of the end."),
    query("timeoutSeconds", "integer", "How long a list or watch may take."),
    query("timestamps", "boolean", "Whether lines start with their time."),
    query("tty", "boolean", "Whether to allocate a terminal."),
    query("watch", "boolean", "Whether to watch instead of list."),
];

/// Lists and watches.
pub(super) const LIST: &[&str] = &[
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
    "watch",
];
/// Deletion of one object.
pub(super) const DELETE: &[&str] = &[
    "dryRun",
    "gracePeriodSeconds",
    "ignoreStoreReadErrorWithClusterBreakingPotential",
    "orphanDependents",
    "propagationPolicy",
];
/// Deletion of many objects.
pub(super) const DELETE_COLLECTION: &[&str] = &[
    "continue",
    "dryRun",
    "fieldSelector",
    "gracePeriodSeconds",
    "ignoreStoreReadErrorWithClusterBreakingPotential",
    "labelSelector",
    "limit",
    "orphanDependents",
    "propagationPolicy",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
];
/// Creation and replacement.
pub(super) const WRITE: &[&str] = &["dryRun", "fieldManager", "fieldValidation"];
/// Patches.
pub(super) const PATCH: &[&str] = &["dryRun", "fieldManager", "fieldValidation", "force"];

/// Parameters of a subresource that connects, or of the log.
pub(super) fn of_subresource(name: &str) -> &'static [&'static str] {
    match name {
        "exec" => &["command", "container", "stderr", "stdin", "stdout", "tty"],
        "attach" => &["container", "stderr", "stdin", "stdout", "tty"],
        "portforward" => &["ports"],
        "proxy" => &["path"],
        "log" => &[
            "container",
            "follow",
            "insecureSkipTLSVerifyBackend",
            "limitBytes",
            "previous",
            "sinceSeconds",
            "stream",
            "tailLines",
            "timestamps",
        ],
        _ => &[],
    }
}

/// A parameter where an operation lists it.
pub(super) fn listed(name: &str, dialect: Dialect) -> Document {
    let inline = dialect == Dialect::V3 || matches!(name, "dryRun" | "fieldValidation");
    if inline { defined(name, dialect) } else { doc!({"$ref": format!("#/parameters/{name}")}) }
}

/// Parameters that OpenAPI 2.0 names once.
pub(super) fn shared() -> Vec<(&'static str, Document)> {
    let mut out: Vec<(&str, Document)> =
        QUERIES.iter().map(|query| (query.name, defined(query.name, Dialect::V2))).collect();
    out.push(("namespace", in_path("namespace", NAMESPACE_TEXT, Dialect::V2)));
    out
}

fn defined(name: &str, dialect: Dialect) -> Document {
    let query = QUERIES.iter().find(|query| query.name == name);
    let (ty, text) = query.map_or(("string", ""), |query| (query.ty, query.text));
    place(name, "query", ty, text, dialect)
}

/// A parameter in the path.
pub(super) fn in_path(name: &str, text: &str, dialect: Dialect) -> Document {
    let mut out = place(name, "path", "string", text, dialect);
    out.insert("required", true);
    out
}

/// The namespace in the path.
pub(super) fn namespace(dialect: Dialect) -> Document {
    match dialect {
        Dialect::V2 => doc!({"$ref": "#/parameters/namespace"}),
        Dialect::V3 => in_path("namespace", NAMESPACE_TEXT, dialect),
    }
}

fn place(name: &str, place: &str, ty: &str, text: &str, dialect: Dialect) -> Document {
    match dialect {
        Dialect::V2 => {
            doc!({"description": text, "in": place, "name": name, "type": ty, "uniqueItems": true})
        }
        Dialect::V3 => {
            doc!({"description": text, "in": place, "name": name, "schema": {"type": ty, "uniqueItems": true}})
        }
    }
}
