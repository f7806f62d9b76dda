//! Paths and their operations, by rule from the rows.

use super::{Dialect, parameters};
use crate::{Resource, Subresource, Verbs};
use skiff_apimachinery::{Document, GroupVersionKind, doc};

const MEDIA_TYPES: [&str; 4] =
    ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "application/cbor"];
const WATCH_TYPES: [&str; 3] = [
    "application/json;stream=watch",
    "application/vnd.kubernetes.protobuf;stream=watch",
    "application/cbor-seq",
];
const PATCH_TYPES: [&str; 5] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
    "application/apply-patch+cbor",
];
const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";

/// Paths of one row, for one dialect.
pub(super) struct Paths<'a> {
    pub(super) row: &'a Resource,
    pub(super) dialect: Dialect,
    /// Definition name of a kind.
    pub(super) definition: &'a dyn Fn(&GroupVersionKind) -> Option<String>,
}

/// What an operation is, before its dialect's words.
struct Operation<'a> {
    /// `list`, `get`, `post` ... as `x-kubernetes-action` says.
    action: &'a str,
    id: String,
    text: String,
    kind: &'a GroupVersionKind,
    query: &'a [&'a str],
    body: Option<(String, bool)>,
    answer: Option<String>,
    codes: &'a [&'a str],
    watches: bool,
}

impl Paths<'_> {
    /// Every path of the row with its item.
    pub(super) fn items(&self) -> Vec<(String, Document)> {
        let row = self.row;
        let base = base_path(&row.gvk);
        let plural = row.plural.as_ref();
        let prefix = if row.namespaced() {
            format!("{base}/namespaces/{{namespace}}/{plural}")
        } else {
            format!("{base}/{plural}")
        };
        let mut out = vec![(prefix.clone(), self.collection())];
        if row.namespaced() && row.verbs.contains(Verbs::LIST) {
            out.push((format!("{base}/{plural}"), self.all_namespaces()));
        }
        let single = format!("{prefix}/{{name}}");
        if row.verbs.contains(Verbs::GET) {
            out.push((single.clone(), self.single()));
        }
        for subresource in &row.subresources {
            let path = format!("{single}/{}", subresource.name);
            if is_connection(subresource) {
                out.push((path.clone(), self.connection(subresource, false)));
                if subresource.name == "proxy" {
                    out.push((format!("{path}/{{path}}"), self.connection(subresource, true)));
                }
            } else {
                out.push((path, self.subresource(subresource)));
            }
        }
        out
    }

    fn collection(&self) -> Document {
        let row = self.row;
        let kind = row.gvk.kind.as_ref();
        let name = self.tagged(&format!("{}{kind}", self.scope()));
        let mut item = Document::object();
        if row.verbs.contains(Verbs::LIST) {
            let operation = self.list(format!("list{name}"));
            self.insert(&mut item, "get", operation);
        }
        if row.verbs.contains(Verbs::CREATE) {
            let operation = self.write("post", "create", &name, &row.gvk, &["200", "201", "202"]);
            self.insert(&mut item, "post", operation);
        }
        if row.verbs.contains(Verbs::DELETE_COLLECTION) {
            let operation = Operation {
                action: "deletecollection",
                id: format!("delete{}", self.tagged(&format!("Collection{}{kind}", self.scope()))),
                text: format!("delete collection of {kind}"),
                kind: &row.gvk,
                query: parameters::DELETE_COLLECTION,
                body: Some((format!("{META}.DeleteOptions"), false)),
                answer: Some(format!("{META}.Status")),
                codes: &["200"],
                watches: false,
            };
            self.insert(&mut item, "delete", operation);
        }
        self.finish(item, false, false)
    }

    fn list(&self, id: String) -> Operation<'_> {
        let row = self.row;
        let list =
            GroupVersionKind::new(row.gvk.group.clone(), row.gvk.version.clone(), row.list_kind.clone());
        Operation {
            action: "list",
            id,
            text: format!("list or watch objects of kind {}", row.gvk.kind),
            kind: &row.gvk,
            query: parameters::LIST,
            body: None,
            answer: (self.definition)(&list),
            codes: &["200"],
            watches: true,
        }
    }

    fn all_namespaces(&self) -> Document {
        let id = format!("list{}", self.tagged(&format!("{}ForAllNamespaces", self.row.gvk.kind)));
        let mut item = Document::object();
        self.insert(&mut item, "get", self.list(id));
        let pretty = parameters::listed("pretty", self.dialect);
        item.insert("parameters", vec![pretty]);
        item
    }

    fn single(&self) -> Document {
        let row = self.row;
        let name = self.tagged(&format!("{}{}", self.scope(), row.gvk.kind));
        let mut item = self.object(&name, &row.gvk, row.verbs, &[]);
        if row.verbs.contains(Verbs::DELETE) {
            let status = if row.returns_deleted() { (self.definition)(&row.gvk) } else { None };
            let operation = Operation {
                action: "delete",
                id: format!("delete{name}"),
                text: format!("delete {} {}", article(&row.gvk.kind), row.gvk.kind),
                kind: &row.gvk,
                query: parameters::DELETE,
                body: Some((format!("{META}.DeleteOptions"), false)),
                answer: Some(status.unwrap_or_else(|| format!("{META}.Status"))),
                codes: &["200", "202"],
                watches: false,
            };
            self.insert(&mut item, "delete", operation);
        }
        self.finish(item, true, false)
    }

    fn subresource(&self, subresource: &Subresource) -> Document {
        let name =
            self.tagged(&format!("{}{}{}", self.scope(), self.row.gvk.kind, capital(&subresource.name)));
        let query = parameters::of_subresource(&subresource.name);
        let mut item = self.object(&name, &subresource.gvk, subresource.verbs, query);
        if subresource.verbs.contains(Verbs::CREATE) {
            let operation = self.write("post", "create", &name, &subresource.gvk, &["200", "201", "202"]);
            self.insert(&mut item, "post", operation);
        }
        self.finish(item, true, false)
    }

    /// GET, PUT and PATCH of one object or subresource.
    fn object(&self, name: &str, kind: &GroupVersionKind, verbs: Verbs, query: &[&str]) -> Document {
        let mut item = Document::object();
        if verbs.contains(Verbs::GET) {
            let log = query.contains(&"tailLines");
            let operation = Operation {
                action: "get",
                id: format!("read{name}"),
                text: format!("read the specified {}", kind.kind),
                kind,
                query,
                body: None,
                answer: if log { None } else { (self.definition)(kind) },
                codes: &["200"],
                watches: false,
            };
            self.insert(&mut item, "get", operation);
        }
        if verbs.contains(Verbs::UPDATE) {
            let operation = self.write("put", "replace", name, kind, &["200", "201"]);
            self.insert(&mut item, "put", operation);
        }
        if verbs.contains(Verbs::PATCH) {
            let mut operation = self.write("patch", "patch", name, kind, &["200", "201"]);
            operation.query = parameters::PATCH;
            operation.body = Some((format!("{META}.Patch"), true));
            self.insert(&mut item, "patch", operation);
        }
        item
    }

    fn write<'a>(
        &self,
        action: &'a str,
        verb: &str,
        name: &str,
        kind: &'a GroupVersionKind,
        codes: &'a [&'a str],
    ) -> Operation<'a> {
        let definition = (self.definition)(kind);
        Operation {
            action,
            id: format!("{verb}{name}"),
            text: format!("{verb} {} {}", article(&kind.kind), kind.kind),
            kind,
            query: parameters::WRITE,
            body: definition.clone().map(|definition| (definition, true)),
            answer: definition,
            codes,
            watches: false,
        }
    }

    fn connection(&self, subresource: &Subresource, with_path: bool) -> Document {
        let mut item = Document::object();
        let suffix = if with_path { "WithPath" } else { "" };
        for (verb, methods) in [
            (Verbs::GET, &["get"][..]),
            (Verbs::CREATE, &["post"]),
            (Verbs::UPDATE, &["put"]),
            (Verbs::DELETE, &["delete"]),
            (Verbs::PATCH, &["patch"]),
        ] {
            if !subresource.verbs.contains(verb) {
                continue;
            }
            for method in methods {
                let name = format!(
                    "{}{}{}{}{suffix}",
                    capital(method),
                    self.scope(),
                    self.row.gvk.kind,
                    capital(&subresource.name)
                );
                let operation = Operation {
                    action: "connect",
                    id: format!("connect{}", self.tagged(&name)),
                    text: format!(
                        "connect {} requests to {} of {}",
                        method.to_uppercase(),
                        subresource.name,
                        self.row.gvk.kind
                    ),
                    kind: &subresource.gvk,
                    query: &[],
                    body: None,
                    answer: None,
                    codes: &["200"],
                    watches: false,
                };
                self.insert(&mut item, method, operation);
            }
        }
        let mut list: Vec<Document> = parameters::of_subresource(&subresource.name)
            .iter()
            .map(|name| parameters::listed(name, self.dialect))
            .collect();
        list.extend(self.path_parameters(true));
        if with_path {
            list.push(parameters::in_path("path", "The rest of the path.", self.dialect));
        }
        item.insert("parameters", list);
        item
    }

    fn path_parameters(&self, named: bool) -> Vec<Document> {
        let mut out = Vec::new();
        if named {
            let text = format!("name of the {}", self.row.gvk.kind);
            out.push(parameters::in_path("name", &text, self.dialect));
        }
        if self.row.namespaced() {
            out.push(parameters::namespace(self.dialect));
        }
        out
    }

    fn finish(&self, mut item: Document, named: bool, bare: bool) -> Document {
        let mut list = self.path_parameters(named);
        if !bare {
            list.push(parameters::listed("pretty", self.dialect));
        }
        item.insert("parameters", list);
        item
    }

    fn scope(&self) -> &'static str {
        if self.row.namespaced() { "Namespaced" } else { "" }
    }

    /// A name under the group and version: `CoreV1NamespacedPod`.
    fn tagged(&self, name: &str) -> String {
        let (group, version) = tag(&self.row.gvk);
        format!("{}{}{name}", capital(&group), capital(&version))
    }

    fn insert(&self, item: &mut Document, method: &str, operation: Operation<'_>) {
        let (group, version) = tag(&self.row.gvk);
        let kind = operation.kind;
        let mut query: Vec<Document> =
            operation.query.iter().map(|name| parameters::listed(name, self.dialect)).collect();
        let mut out =
            doc!({"description": (operation.text.as_str()), "operationId": (operation.id.as_str())});
        match self.dialect {
            Dialect::V2 => {
                let consumes = if method == "patch" && operation.action == "patch" {
                    &PATCH_TYPES[..]
                } else {
                    &["*/*"]
                };
                out.insert("consumes", consumes.to_vec());
                out.insert("produces", produces(&operation));
                if let Some((definition, required)) = &operation.body {
                    let mut body = doc!({
                        "in": "body", "name": "body", "schema": (self.dialect.reference(definition))
                    });
                    if *required {
                        body.insert("required", true);
                    }
                    query.insert(0, body);
                }
                out.insert("schemes", vec!["https"]);
            }
            Dialect::V3 => {
                if let Some((definition, required)) = &operation.body {
                    let types = if operation.action == "patch" { &PATCH_TYPES[..] } else { &["*/*"] };
                    let content: Document = types
                        .iter()
                        .map(|media| (*media, doc!({"schema": (self.dialect.reference(definition))})))
                        .collect();
                    let mut body = doc!({"content": content});
                    if *required {
                        body.insert("required", true);
                    }
                    out.insert("requestBody", body);
                }
            }
        }
        if !query.is_empty() {
            out.insert("parameters", query);
        }
        out.insert("responses", self.responses(&operation));
        out.insert("tags", vec![format!("{group}_{version}")]);
        out.insert("x-kubernetes-action", operation.action);
        out.insert(
            "x-kubernetes-group-version-kind",
            doc!({"group": kind.group.as_ref(), "kind": kind.kind.as_ref(), "version": kind.version.as_ref()}),
        );
        item.insert(method, out);
    }

    fn responses(&self, operation: &Operation<'_>) -> Document {
        let schema = operation
            .answer
            .as_deref()
            .map_or_else(|| doc!({"type": "string"}), |definition| self.dialect.reference(definition));
        let mut out = Document::object();
        for code in operation.codes {
            let text = match *code {
                "200" => "OK",
                "201" => "Created",
                _ => "Accepted",
            };
            let mut answer = doc!({"description": text});
            match self.dialect {
                Dialect::V2 => answer.insert("schema", schema.clone()),
                Dialect::V3 => {
                    let content: Document = produces(operation)
                        .into_iter()
                        .map(|media| (media, doc!({"schema": schema.clone()})))
                        .collect();
                    answer.insert("content", content);
                }
            }
            out.insert(*code, answer);
        }
        out.insert("401", doc!({"description": "Unauthorized"}));
        out
    }
}

fn produces(operation: &Operation<'_>) -> Vec<&'static str> {
    if operation.action == "connect" {
        return vec!["*/*"];
    }
    let mut out = MEDIA_TYPES.to_vec();
    if operation.answer.is_none() {
        out.insert(0, "text/plain");
    }
    if operation.watches {
        out.extend(WATCH_TYPES);
    }
    out
}

/// `/api/v1` or `/apis/GROUP/VERSION`.
pub(super) fn base_path(kind: &GroupVersionKind) -> String {
    if kind.group.is_empty() {
        format!("/api/{}", kind.version)
    } else {
        format!("/apis/{}/{}", kind.group, kind.version)
    }
}

/// Group and version in the tag of an operation: `core`, `rbacAuthorization`.
fn tag(kind: &GroupVersionKind) -> (String, String) {
    let group = if kind.group.is_empty() { "core" } else { kind.group.as_ref() };
    let group = group.strip_suffix(".k8s.io").unwrap_or(group);
    let mut parts = group.split(['.', '-']);
    let mut out = parts.next().unwrap_or("").to_owned();
    parts.for_each(|part| out.push_str(&capital(part)));
    (out, kind.version.to_string())
}

fn is_connection(subresource: &Subresource) -> bool {
    subresource.gvk.kind.ends_with("Options")
}

fn article(kind: &str) -> &'static str {
    if kind.starts_with(['A', 'E', 'I', 'O']) { "an" } else { "a" }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + chars.as_str())
}
