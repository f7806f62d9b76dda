//! `pods/proxy`, `services/proxy`, `nodes/proxy`: any HTTP request passed on to a server in the cluster.

use super::proxy_target::{self, ProxyName};
use super::relay::parse_uri;
use super::{ConnectRequest, Destination, Found, Kubelets, headers};
use crate::request::query::encode_component;
use crate::serve::body::ResponseBody;
use http::header::LOCATION;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use skiff_apimachinery::{Document, Status};

impl Kubelets {
    pub(super) async fn proxy(
        &self,
        found: Found<'_>,
        call: ConnectRequest,
    ) -> Result<Response<ResponseBody>, Status> {
        let destination = proxied(found, &call)?;
        let uri = call.request.uri().clone();
        if let Some(redirect) = to_directory(&call, &uri) {
            return Ok(redirect);
        }
        let path = onward_path(&call.rest, uri.query());
        if headers::is_upgrade(call.request.headers()) {
            return self.relay.upgrade(&destination, &path, call.request, call.stop).await;
        }
        let prefix = prefix_of(uri.path(), &call.rest).to_owned();
        let (head, body) = call.request.into_parts();
        let mut onward = Request::new(body);
        *onward.method_mut() = head.method;
        *onward.uri_mut() = parse_uri(&path)?;
        *onward.headers_mut() = headers::for_request(&head.headers, &destination.authority());
        let answer = self
            .relay
            .send(&destination, onward, "error trying to reach service: ")
            .await
            .map_err(unreachable)?;
        let mut response = answer.passed_back(call.stop);
        rewrite_location(&mut response, &destination, &prefix);
        Ok(response)
    }
}

fn proxied(found: Found<'_>, call: &ConnectRequest) -> Result<Destination, Status> {
    match call.resource.as_str() {
        "pods" => {
            let asked = ProxyName::parse(&call.name, "pod")?;
            proxy_target::pod(&*found.object("pods", &call.namespace, asked.name)?, &asked)
        }
        "services" => {
            let asked = ProxyName::parse(&call.name, "service")?;
            let service = found.object("services", &call.namespace, asked.name)?;
            let slices = found.slices_of(&call.namespace, asked.name);
            let slices: Vec<&Document> = slices.iter().map(AsRef::as_ref).collect();
            let mut servers = proxy_target::service_endpoints(&service, &slices, &asked)?;
            Ok(servers.swap_remove(rand::random_range(0..servers.len())))
        }
        _ => {
            let asked = ProxyName::parse(&call.name, "node")?;
            let kubelet = found.kubelet(asked.name)?;
            proxy_target::node(kubelet, &asked)
        }
    }
}

/// Sends browsers that ask for the root without a slash to the address with one, so that relative links work.
fn to_directory(call: &ConnectRequest, uri: &Uri) -> Option<Response<ResponseBody>> {
    let readable = matches!(*call.request.method(), Method::GET | Method::HEAD);
    if !call.rest.is_empty() || uri.path().ends_with('/') || !readable {
        return None;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut redirect = Response::new(ResponseBody::empty());
    *redirect.status_mut() = StatusCode::MOVED_PERMANENTLY;
    redirect.headers_mut().insert(LOCATION, HeaderValue::from_str(&format!("{}/{query}", uri.path())).ok()?);
    Some(redirect)
}

fn onward_path(rest: &str, query: Option<&str>) -> String {
    let segments: Vec<String> = rest.split('/').map(encode_component).collect();
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("/{}{query}", segments.join("/"))
}

/// The part of the URL's path up to and with `proxy`.
fn prefix_of<'a>(path: &'a str, rest: &str) -> &'a str {
    // What follows may be written with escapes: count its segments instead of comparing texts.
    let segments = rest.trim_end_matches('/').split('/').filter(|segment| !segment.is_empty()).count();
    let mut prefix = path.trim_end_matches('/');
    for _ in 0..segments {
        prefix = prefix.rsplit_once('/').map_or(prefix, |(before, _)| before);
    }
    prefix
}

/// Redirects within the proxied server stay within the proxy.
fn rewrite_location(response: &mut Response<ResponseBody>, destination: &Destination, prefix: &str) {
    let Some(to) = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()) else { return };
    let own = format!("{}://{}", destination.scheme(), destination.authority());
    let within = match to.strip_prefix(&own) {
        Some(rest) => rest,
        None if to.starts_with('/') && !to.starts_with("//") => to,
        None => return,
    };
    if let Ok(rewritten) = HeaderValue::from_str(&format!("{prefix}{within}")) {
        response.headers_mut().insert(LOCATION, rewritten);
    }
}

/// A proxied server that is not there is a bad gateway to the client: 503 as upstream answers.
fn unreachable(mut status: Status) -> Status {
    if status.code == 500 {
        status = Status::service_unavailable(status.message);
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::Security;

    #[test]
    fn the_rest_of_the_path_goes_on() {
        assert_eq!(onward_path("", None), "/");
        assert_eq!(onward_path("a b/c/", Some("x=1")), "/a%20b/c/?x=1");
    }

    #[test]
    fn redirects_stay_within_the_proxy() {
        let destination =
            Destination { node: String::new(), host: "10.1.0.7".into(), port: 80, security: Security::Plain };
        let path = "/api/v1/namespaces/ns/pods/x/proxy/a%2Fb/c";
        let prefix = prefix_of(path, "a%2Fb/c");
        assert_eq!(prefix, "/api/v1/namespaces/ns/pods/x/proxy");
        for (from, to) in [
            ("/login", "/api/v1/namespaces/ns/pods/x/proxy/login"),
            ("http://10.1.0.7:80/login", "/api/v1/namespaces/ns/pods/x/proxy/login"),
            ("http://elsewhere/login", "http://elsewhere/login"),
            ("login", "login"),
        ] {
            let mut response = Response::new(ResponseBody::empty());
            response.headers_mut().insert(LOCATION, HeaderValue::from_static(from));
            rewrite_location(&mut response, &destination, prefix);
            assert_eq!(response.headers()[LOCATION], to);
        }
    }
}
