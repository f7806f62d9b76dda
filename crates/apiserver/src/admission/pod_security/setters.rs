//! Who sets a field of a security context to what is forbidden: the pod for all its containers, single
//! containers, or both.

use super::pod::Pod;
use super::words::named_containers;
use skiff_apimachinery::Document;
use std::fmt;

/// At least one of the pod and its containers, shown as `pod and containers "a", "b"`.
#[derive(Debug)]
pub struct Setters<'a> {
    pod: bool,
    containers: Vec<&'a str>,
}

impl<'a> Setters<'a> {
    /// Asks about the security context of the pod and of each container; null stands for an absent one.
    /// `None` if all are good.
    pub fn find(pod: Pod<'a>, mut is_bad: impl FnMut(&'a Document) -> bool) -> Option<Self> {
        let of_pod = is_bad(pod.security_context());
        let containers = pod.container_names_where(|container| is_bad(&container["securityContext"]));
        (of_pod || !containers.is_empty()).then_some(Self { pod: of_pod, containers })
    }
}

impl fmt::Display for Setters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.pod, self.containers.as_slice()) {
            (true, []) => f.write_str("pod"),
            (true, names) => write!(f, "pod and {}", named_containers(names)),
            (false, names) => f.write_str(&named_containers(names)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn the_pod_is_told_before_its_containers() {
        let context = |bad: bool| doc!({"privileged": bad});
        let text = |pod: bool, first: bool, second: bool| {
            let pod = doc!({"spec": {"securityContext": context(pod), "containers": [
                {"name": "a", "securityContext": context(first)},
                {"name": "b", "securityContext": context(second)}
            ]}});
            let setters =
                Setters::find(Pod::new(&pod), |context| context.bool_at(&["privileged"]) == Some(true));
            setters.map(|setters| setters.to_string()).unwrap_or_default()
        };
        assert_eq!(text(false, false, false), "");
        assert_eq!(text(true, false, false), "pod");
        assert_eq!(text(false, false, true), r#"container "b""#);
        assert_eq!(text(true, true, true), r#"pod and containers "a", "b""#);
    }
}
