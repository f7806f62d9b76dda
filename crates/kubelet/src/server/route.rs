//! Paths of the node server.

use percent_encoding::percent_decode_str;

/// What a path asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the paths'")]
pub(super) enum Route {
    Healthz,
    Pods,
    RunningPods,
    Configz,
    Metrics,
    Stats,
    ContainerLogs(Target),
    Exec(Target),
    Attach(Target),
    Run(Target),
    PortForward(Target),
    NotFound,
}

/// A container, or for port-forward a pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Target {
    pub(super) namespace: String,
    pub(super) pod: String,
    /// Empty unless the path names it.
    pub(super) uid: String,
    /// Empty for port-forward.
    pub(super) container: String,
}

/// Reads a path.
pub(super) fn parse(path: &str) -> Route {
    let decode = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    let parts: Vec<String> = path.trim_matches('/').split('/').map(decode).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["healthz" | "healthz/ping" | "healthz/syncloop"] | ["healthz", ..] => Route::Healthz,
        ["pods"] => Route::Pods,
        ["runningpods"] => Route::RunningPods,
        ["configz"] => Route::Configz,
        ["metrics"] => Route::Metrics,
        ["stats"] | ["stats", "summary"] => Route::Stats,
        ["portForward", rest @ ..] => pod(rest).map_or(Route::NotFound, Route::PortForward),
        [kind, rest @ ..] => {
            let Some(target) = container(rest) else { return Route::NotFound };
            match *kind {
                "containerLogs" => Route::ContainerLogs(target),
                "exec" => Route::Exec(target),
                "attach" => Route::Attach(target),
                "run" => Route::Run(target),
                _ => Route::NotFound,
            }
        }
        [] => Route::NotFound,
    }
}

fn container(parts: &[&str]) -> Option<Target> {
    let (namespace, pod, uid, container) = match parts {
        [namespace, pod, container] => (namespace, pod, "", container),
        [namespace, pod, uid, container] => (namespace, pod, *uid, container),
        _ => return None,
    };
    Some(Target {
        namespace: (*namespace).into(),
        pod: (*pod).into(),
        uid: uid.into(),
        container: (*container).into(),
    })
}

fn pod(parts: &[&str]) -> Option<Target> {
    let (namespace, pod, uid) = match parts {
        [namespace, pod] => (namespace, pod, ""),
        [namespace, pod, uid] => (namespace, pod, *uid),
        _ => return None,
    };
    Some(Target {
        namespace: (*namespace).into(),
        pod: (*pod).into(),
        uid: uid.into(),
        container: String::new(),
    })
}

impl Route {
    /// The subresource of `nodes` that stands for it in authorization.
    pub(super) fn subresource(&self) -> &'static str {
        match self {
            Self::Healthz => "healthz",
            Self::Pods | Self::RunningPods => "pods",
            Self::Configz => "configz",
            Self::Metrics => "metrics",
            Self::Stats => "stats",
            _ => "proxy",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_targets() {
        let target = |uid: &str, container: &str| Target {
            namespace: "ns".into(),
            pod: "p".into(),
            uid: uid.into(),
            container: container.into(),
        };
        for (path, want) in [
            ("/containerLogs/ns/p/c", Route::ContainerLogs(target("", "c"))),
            ("/exec/ns/p/u/c", Route::Exec(target("u", "c"))),
            ("/portForward/ns/p", Route::PortForward(target("", ""))),
            ("/stats/summary", Route::Stats),
            ("/exec/ns/p", Route::NotFound),
            ("/", Route::NotFound),
        ] {
            assert_eq!(parse(path), want, "{path}");
        }
    }
}
