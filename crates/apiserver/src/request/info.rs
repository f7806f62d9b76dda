//! What a path and method ask for, as upstream's RequestInfo tells it: authorizers, audit and routes read this.

use super::query::{Query, decode_segment};
use http::Method;

/// The API verb, or the HTTP method of a path that is no resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the API's verbs")]
pub enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
    DeleteCollection,
    Head,
    Post,
    Put,
    Options,
}

impl Verb {
    /// As RBAC rules write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
            Self::Head => "head",
            Self::Post => "post",
            Self::Put => "put",
            Self::Options => "options",
        }
    }

    /// Whether the request changes something.
    pub fn is_mutating(self) -> bool {
        matches!(
            self,
            Self::Create
                | Self::Update
                | Self::Patch
                | Self::Delete
                | Self::DeleteCollection
                | Self::Post
                | Self::Put
        )
    }

    /// Reads a verb as RBAC rules write it.
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Get,
            Self::List,
            Self::Watch,
            Self::Create,
            Self::Update,
            Self::Patch,
            Self::Delete,
            Self::DeleteCollection,
        ]
        .into_iter()
        .find(|verb| verb.as_str() == text)
    }
}

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestInfo {
    /// The URL's path as it came.
    pub path: String,
    /// What to do.
    pub verb: Verb,
    /// Whether the path names a resource; the fields below are empty otherwise.
    pub is_resource: bool,
    /// API group; empty for core.
    pub group: String,
    /// API version.
    pub version: String,
    /// Namespace; empty for cluster scope and for all namespaces.
    pub namespace: String,
    /// Plural resource name.
    pub resource: String,
    /// Object name; empty for collections.
    pub name: String,
    /// Subresource; empty for the object itself.
    pub subresource: String,
    /// What follows the subresource (`proxy/PATH`), without a leading slash.
    pub rest: String,
}

impl RequestInfo {
    /// Reads a request's head.
    pub fn parse(method: &Method, path: &str, query: &Query) -> Self {
        let parts: Vec<String> =
            path.split('/').filter(|p| !p.is_empty()).map(|p| decode_segment(p).into_owned()).collect();
        let group_parts = match parts.first().map(String::as_str) {
            Some("api") if parts.len() >= 3 => 1,
            Some("apis") if parts.len() >= 4 => 2,
            _ => return Self::path_only(method, path),
        };
        let group = if group_parts == 2 { parts[1].clone() } else { String::new() };
        let version = parts[group_parts].clone();
        let mut rest = &parts[group_parts + 1..];
        let legacy_watch = rest[0] == "watch" && rest.len() > 1;
        if legacy_watch {
            rest = &rest[1..];
        }
        let mut info = Self {
            path: path.to_owned(),
            verb: Verb::Get,
            is_resource: true,
            group,
            version,
            namespace: String::new(),
            resource: String::new(),
            name: String::new(),
            subresource: String::new(),
            rest: String::new(),
        };
        if rest[0] == "namespaces" && rest.len() > 1 {
            info.namespace = rest[1].clone();
            // `namespaces/NAME/status` is a subresource of the namespace itself, not a resource within it.
            if rest.len() > 2 && !matches!(rest[2].as_str(), "status" | "finalize") {
                rest = &rest[2..];
            }
        }
        let part = |at: usize| rest.get(at).cloned().unwrap_or_default();
        (info.resource, info.name, info.subresource) = (part(0), part(1), part(2));
        info.rest = rest.get(3..).map(|more| more.join("/")).unwrap_or_default();
        if !info.rest.is_empty() && path.ends_with('/') {
            info.rest.push('/');
        }
        info.verb = resource_verb(method, &info, query);
        if legacy_watch {
            info.verb = Verb::Watch;
        }
        info = info.with_selected_name(query);
        info
    }

    /// A request of the process itself, which needs no path.
    pub fn structured(
        verb: Verb,
        row: &skiff_api::Resource,
        namespace: &str,
        name: &str,
        subresource: &str,
    ) -> Self {
        let mut path = if row.gvk.group.is_empty() {
            format!("/api/{}", row.gvk.version)
        } else {
            format!("/apis/{}/{}", row.gvk.group, row.gvk.version)
        };
        if row.namespaced() && !namespace.is_empty() {
            path.push_str("/namespaces/");
            path.push_str(namespace);
        }
        for part in [&*row.plural, name, subresource] {
            if !part.is_empty() {
                path.push('/');
                path.push_str(part);
            }
        }
        Self {
            path,
            verb,
            is_resource: true,
            group: row.gvk.group.to_string(),
            version: row.gvk.version.to_string(),
            // A namespace is in itself, as far as authorizers are concerned.
            namespace: if row.namespaced() || row.plural == "namespaces" && row.gvk.group.is_empty() {
                if row.namespaced() { namespace.to_owned() } else { name.to_owned() }
            } else {
                String::new()
            },
            resource: row.plural.to_string(),
            name: name.to_owned(),
            subresource: subresource.to_owned(),
            rest: String::new(),
        }
    }

    /// A list or watch of one name carries the name, so that authorizers can grant it by name.
    #[must_use]
    pub fn with_selected_name(mut self, query: &Query) -> Self {
        if self.name.is_empty() && matches!(self.verb, Verb::List | Verb::Watch | Verb::DeleteCollection) {
            self.name = single_name(query.get("fieldSelector")).unwrap_or_default();
        }
        self
    }

    fn path_only(method: &Method, path: &str) -> Self {
        let verb = match *method {
            Method::HEAD => Verb::Head,
            Method::POST => Verb::Post,
            Method::PUT => Verb::Put,
            Method::PATCH => Verb::Patch,
            Method::DELETE => Verb::Delete,
            Method::OPTIONS => Verb::Options,
            _ => Verb::Get,
        };
        Self {
            path: path.to_owned(),
            verb,
            is_resource: false,
            group: String::new(),
            version: String::new(),
            namespace: String::new(),
            resource: String::new(),
            name: String::new(),
            subresource: String::new(),
            rest: String::new(),
        }
    }

    /// Whether the request may last as long as the client wants.
    pub fn is_long_running(&self) -> bool {
        self.verb == Verb::Watch
            || matches!(self.subresource.as_str(), "exec" | "attach" | "portforward" | "proxy" | "log")
    }
}

fn resource_verb(method: &Method, info: &RequestInfo, query: &Query) -> Verb {
    match *method {
        Method::POST => Verb::Create,
        Method::PUT => Verb::Update,
        Method::PATCH => Verb::Patch,
        Method::DELETE if info.name.is_empty() => Verb::DeleteCollection,
        Method::DELETE => Verb::Delete,
        _ if !info.name.is_empty() => Verb::Get,
        _ if query.flag("watch") => Verb::Watch,
        _ => Verb::List,
    }
}

/// The name that `metadata.name=NAME` asks for, if the field selector does.
fn single_name(field_selector: &str) -> Option<String> {
    let name = field_selector.split(',').find_map(|requirement| {
        let requirement = requirement.trim();
        let value = requirement.strip_prefix("metadata.name=")?;
        Some(value.strip_prefix('=').unwrap_or(value))
    })?;
    let is_segment = !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '%', '\\']);
    is_segment.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(method: Method, uri: &str) -> RequestInfo {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        RequestInfo::parse(&method, path, &Query::parse(query))
    }

    fn summary(method: Method, uri: &str) -> String {
        let info = parse(method, uri);
        format!(
            "{} {}/{} ns={} {} name={} sub={} rest={}",
            info.verb.as_str(),
            info.group,
            info.version,
            info.namespace,
            info.resource,
            info.name,
            info.subresource,
            info.rest
        )
    }

    #[test]
    fn paths_read_as_upstream_reads_them() {
        let cases = [
            (Method::GET, "/api/v1/namespaces", "list /v1 ns= namespaces name= sub= rest="),
            (Method::GET, "/api/v1/namespaces/a", "get /v1 ns=a namespaces name=a sub= rest="),
            (
                Method::PUT,
                "/api/v1/namespaces/a/finalize",
                "update /v1 ns=a namespaces name=a sub=finalize rest=",
            ),
            (Method::GET, "/api/v1/namespaces/a/pods?watch=1", "watch /v1 ns=a pods name= sub= rest="),
            (Method::GET, "/api/v1/watch/namespaces/a/pods/b", "watch /v1 ns=a pods name=b sub= rest="),
            (
                Method::POST,
                "/api/v1/namespaces/a/pods/b/proxy/x/y/",
                "create /v1 ns=a pods name=b sub=proxy rest=x/y/",
            ),
            (
                Method::DELETE,
                "/apis/apps/v1/namespaces/a/deployments",
                "deletecollection apps/v1 ns=a deployments name= sub= rest=",
            ),
            (
                Method::GET,
                "/api/v1/pods?fieldSelector=metadata.name%3Dx",
                "list /v1 ns= pods name=x sub= rest=",
            ),
            (
                Method::GET,
                "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode",
                "get rbac.authorization.k8s.io/v1 ns= clusterroles name=system:node sub= rest=",
            ),
        ];
        for (method, uri, expected) in cases {
            assert_eq!(summary(method, uri), expected, "{uri}");
        }
    }

    #[test]
    fn discovery_paths_are_no_resources() {
        for path in ["/", "/api", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1", "/version", "/healthz"] {
            assert!(!parse(Method::GET, path).is_resource, "{path}");
        }
    }
}
