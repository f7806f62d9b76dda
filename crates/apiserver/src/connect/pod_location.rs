//! Where on the node's server the streams of a pod are. Pure: a pod and a query in, a path out.

use super::log_options::LogOptions;
use super::{Location, container};
use crate::request::Query;
use crate::request::query::encode_component;
use skiff_apimachinery::{Document, Status};

/// The log of a container; `None` while the pod has no node, and so no log.
pub(super) fn log(pod: &Document, options: &LogOptions) -> Result<Option<Location>, Status> {
    let container = container::choose(pod, &options.container)?;
    if node_of(pod).is_empty() {
        return Ok(None);
    }
    Ok(Some(location(pod, "containerLogs", Some(container), options.to_query())))
}

/// A command run in a container.
pub(super) fn exec(pod: &Document, query: &Query) -> Result<Location, Status> {
    let container = container::choose(pod, query.get("container"))?;
    assigned(pod)?;
    let mut pairs: Vec<String> =
        query.all("command").map(|word| format!("command={}", encode_component(word))).collect();
    pairs.extend(streams(query));
    Ok(location(pod, "exec", Some(container), pairs.join("&")))
}

/// The streams of a container's own process.
pub(super) fn attach(pod: &Document, query: &Query) -> Result<Location, Status> {
    let container = container::choose(pod, query.get("container"))?;
    assigned(pod)?;
    let pairs: Vec<String> = streams(query).collect();
    Ok(location(pod, "attach", Some(container), pairs.join("&")))
}

/// Connections to ports of a pod.
pub(super) fn port_forward(pod: &Document, query: &Query) -> Result<Location, Status> {
    assigned(pod)?;
    let ports: Vec<&str> = query.all("ports").flat_map(|list| list.split(',')).collect();
    if let Some(port) = ports.iter().find(|port| port.parse::<u16>().is_err()) {
        return Err(Status::bad_request(format!("strconv.ParseInt: parsing {port:?}: invalid syntax")));
    }
    let query = if ports.is_empty() { String::new() } else { format!("port={}", ports.join("%2C")) };
    Ok(location(pod, "portForward", None, query))
}

/// The streams that are wanted, under the names that the node's server knows.
fn streams(query: &Query) -> impl Iterator<Item = String> {
    [("stderr", "error"), ("stdin", "input"), ("stdout", "output"), ("tty", "tty")]
        .into_iter()
        .filter(|(asked, _)| query.flag(asked))
        .map(|(_, known)| format!("{known}=1"))
}

fn location(pod: &Document, what: &str, container: Option<&str>, query: String) -> Location {
    let mut path = format!("/{what}/{}/{}", encode_component(pod.namespace()), encode_component(pod.name()));
    if let Some(container) = container {
        path.push('/');
        path.push_str(&encode_component(container));
    }
    if !query.is_empty() {
        path.push('?');
        path.push_str(&query);
    }
    Location { node: node_of(pod).to_owned(), path_and_query: path }
}

fn assigned(pod: &Document) -> Result<(), Status> {
    if node_of(pod).is_empty() {
        return Err(Status::bad_request(format!("pod {} does not have a host assigned", pod.name())));
    }
    Ok(())
}

fn node_of(pod: &Document) -> &str {
    pod.str_at(&["spec", "nodeName"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn pod(node: &str) -> Document {
        doc!({
            "metadata": {"name": "x", "namespace": "ns"}, "spec": {"nodeName": node, "containers": [{"name": "c"}]}
        })
    }

    #[test]
    fn paths_are_those_of_the_nodes_server() {
        let query = Query::parse(
            "command=sh&command=-c&command=echo+a%26b&stdin=true&stdout=1&tty=true&stderr=false",
        );
        assert_eq!(
            exec(&pod("n"), &query).unwrap(),
            Location {
                node: "n".into(),
                path_and_query:
                    "/exec/ns/x/c?command=sh&command=-c&command=echo%20a%26b&input=1&output=1&tty=1".into()
            }
        );
        let path = |location: Location| location.path_and_query;
        assert_eq!(path(attach(&pod("n"), &Query::parse("stdout=true")).unwrap()), "/attach/ns/x/c?output=1");
        assert_eq!(path(port_forward(&pod("n"), &Query::default()).unwrap()), "/portForward/ns/x");
        let query = Query::parse("ports=80,81&ports=90");
        assert_eq!(path(port_forward(&pod("n"), &query).unwrap()), "/portForward/ns/x?port=80%2C81%2C90");
        let options = LogOptions::parse(&Query::parse("follow=true"), "x").unwrap();
        assert_eq!(path(log(&pod("n"), &options).unwrap().unwrap()), "/containerLogs/ns/x/c?follow=true");
    }

    #[test]
    fn a_pod_without_a_node_has_no_streams_and_an_empty_log() {
        let refused = exec(&pod(""), &Query::default()).unwrap_err();
        assert_eq!((refused.code, refused.message.as_str()), (400, "pod x does not have a host assigned"));
        assert_eq!(log(&pod(""), &LogOptions::default()), Ok(None));
    }
}
