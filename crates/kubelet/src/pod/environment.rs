//! A container's environment, from all of its sources, in the order that upstream gives it.
//!
//! Service variables come last and only where nothing else set the name; `env` may refer to anything set before it.

use super::field_ref::{self, Addresses, Allocatable};
use super::{PodView, expansion};
use k8s_openapi::api::core::v1::{Container, EnvVar, EnvVarSource};
use skiff_apimachinery::Document;
use std::collections::BTreeMap;
use std::sync::Arc;

/// ConfigMaps and Secrets of the pod's namespace that an environment refers to, fetched before.
pub trait EnvSources {
    /// A ConfigMap; `None` if there is none of this name.
    fn config_map(&self, name: &str) -> Option<Arc<Document>>;
    /// A Secret; `None` if there is none of this name.
    fn secret(&self, name: &str) -> Option<Arc<Document>>;
}

/// What an environment is computed from, beside the container and its sources.
pub struct EnvContext<'a> {
    /// The pod.
    pub pod: &'a PodView,
    /// Addresses of pod and node.
    pub addresses: &'a Addresses,
    /// What the node can give.
    pub allocatable: Allocatable,
    /// Variables of the services that this pod may see.
    pub services: Vec<(String, String)>,
}

/// Names in their order of first appearance, with their last value.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Environment {
    entries: Vec<(String, String)>,
    index: BTreeMap<String, usize>,
}

impl Environment {
    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.index.get(name).map(|at| self.entries[*at].1.as_str())
    }

    /// Sets a name.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let (name, value) = (name.into(), value.into());
        match self.index.get(&name) {
            Some(at) => self.entries[*at].1 = value,
            None => {
                self.index.insert(name.clone(), self.entries.len());
                self.entries.push((name, value));
            }
        }
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Which kind of object an environment refers to, as error messages name it.
#[derive(Debug, Clone, Copy)]
enum Source {
    ConfigMap,
    Secret,
}

impl Source {
    fn find(self, sources: &dyn EnvSources, name: &str) -> Option<Arc<Document>> {
        match self {
            Self::ConfigMap => sources.config_map(name),
            Self::Secret => sources.secret(name),
        }
    }

    fn missing(self, name: &str) -> String {
        match self {
            Self::ConfigMap => format!("configmap {name:?} not found"),
            Self::Secret => format!("secret {name:?} not found"),
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
        }
    }

    fn value(self, object: &Document, key: &str) -> Option<String> {
        match self {
            Self::ConfigMap => Some(object.at(&["data", key])?.as_str()?.to_owned()),
            Self::Secret => decode(object.at(&["data", key])?.as_str()?),
        }
    }

    fn entries(self, object: &Document) -> Vec<(String, String)> {
        let keys = object.object_at(&["data"]).into_iter().flat_map(|map| map.keys());
        let mut entries: Vec<_> =
            keys.filter_map(|key| Some((key.to_owned(), self.value(object, key)?))).collect();
        entries.sort();
        entries
    }
}

fn decode(text: &str) -> Option<String> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The environment of a container.
///
/// # Errors
/// The text of upstream's `CreateContainerConfigError`.
pub fn environment(
    context: &EnvContext<'_>,
    container: &Container,
    sources: &dyn EnvSources,
) -> Result<Environment, String> {
    let mut out = Environment::default();
    for from in container.env_from.iter().flatten() {
        let prefix = from.prefix.as_deref().unwrap_or("");
        let (source, name, optional) = match (&from.config_map_ref, &from.secret_ref) {
            (Some(map), _) => (Source::ConfigMap, &map.name, map.optional),
            (None, Some(secret)) => (Source::Secret, &secret.name, secret.optional),
            (None, None) => continue,
        };
        match source.find(sources, name) {
            Some(object) => {
                for (key, value) in source.entries(&object) {
                    let name = format!("{prefix}{key}");
                    if is_variable_name(&name) {
                        out.set(name, value);
                    }
                }
            }
            None if optional == Some(true) => {}
            None => return Err(source.missing(name)),
        }
    }
    let services: BTreeMap<&str, &str> =
        context.services.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    for variable in container.env.iter().flatten() {
        if let Some(value) = variable_value(context, container, sources, variable, &out, &services)? {
            out.set(&variable.name, value);
        }
    }
    for (name, value) in &context.services {
        if out.get(name).is_none() {
            out.set(name, value);
        }
    }
    Ok(out)
}

/// What upstream takes since 1.34: printable ASCII without `=`.
fn is_variable_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'=')
}

fn variable_value(
    context: &EnvContext<'_>,
    container: &Container,
    sources: &dyn EnvSources,
    variable: &EnvVar,
    earlier: &Environment,
    services: &BTreeMap<&str, &str>,
) -> Result<Option<String>, String> {
    let Some(from) = &variable.value_from else {
        let lookup =
            |name: &str| earlier.get(name).or_else(|| services.get(name).copied()).map(str::to_owned);
        return Ok(Some(expansion::expand(variable.value.as_deref().unwrap_or(""), lookup)));
    };
    let EnvVarSource { field_ref, resource_field_ref, config_map_key_ref, secret_key_ref, .. } = from;
    if let Some(reference) = field_ref {
        return field_ref::field(context.pod, &reference.field_path, context.addresses).map(Some);
    }
    if let Some(reference) = resource_field_ref {
        return field_ref::resource(context.pod, Some(container), reference, context.allocatable).map(Some);
    }
    let (source, name, key, optional) = match (config_map_key_ref, secret_key_ref) {
        (Some(r), _) => (Source::ConfigMap, &r.name, &r.key, r.optional == Some(true)),
        (None, Some(r)) => (Source::Secret, &r.name, &r.key, r.optional == Some(true)),
        (None, None) => return Ok(None),
    };
    let Some(object) = source.find(sources, name) else {
        return if optional { Ok(None) } else { Err(source.missing(name)) };
    };
    match source.value(&object, key) {
        Some(value) => Ok(Some(value)),
        None if optional => Ok(None),
        None => {
            Err(format!("couldn't find key {key} in {} {}/{name}", source.kind(), context.pod.namespace()))
        }
    }
}

/// Names of the ConfigMaps and Secrets that a container's environment refers to.
pub fn references(container: &Container) -> (Vec<&str>, Vec<&str>) {
    let (mut maps, mut secrets) = (Vec::new(), Vec::new());
    for from in container.env_from.iter().flatten() {
        maps.extend(from.config_map_ref.as_ref().map(|r| r.name.as_str()));
        secrets.extend(from.secret_ref.as_ref().map(|r| r.name.as_str()));
    }
    for from in container.env.iter().flatten().filter_map(|variable| variable.value_from.as_ref()) {
        maps.extend(from.config_map_key_ref.as_ref().map(|r| r.name.as_str()));
        secrets.extend(from.secret_key_ref.as_ref().map(|r| r.name.as_str()));
    }
    (maps, secrets)
}

#[cfg(test)]
mod tests {
    use super::super::testing::pod;
    use super::*;
    use skiff_apimachinery::doc;

    struct Objects;
    impl EnvSources for Objects {
        fn config_map(&self, name: &str) -> Option<Arc<Document>> {
            (name == "m").then(|| Arc::new(doc!({"data": {"k": "v", "bad=key": "x"}})))
        }
        fn secret(&self, name: &str) -> Option<Arc<Document>> {
            (name == "s").then(|| Arc::new(doc!({"data": {"p": "aHVzaA=="}})))
        }
    }

    fn compute(container: Document) -> Result<String, String> {
        let pod = pod(doc!({"containers": [container]}), doc!({}));
        let addresses = Addresses { pod: vec!["10.1.0.5".parse().unwrap()], host: vec![] };
        let context = EnvContext {
            pod: &pod,
            addresses: &addresses,
            allocatable: Allocatable::default(),
            services: vec![("WEB_SERVICE_HOST".into(), "10.0.0.1".into()), ("A".into(), "service".into())],
        };
        let env = environment(&context, &pod.spec().containers[0], &Objects)?;
        Ok(env.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn sources_are_merged_in_order() {
        let container = doc!({"name": "a",
        "envFrom": [{"prefix": "P_", "configMapRef": {"name": "m"}}, {"secretRef": {"name": "none", "optional": true}}],
        "env": [
            {"name": "A", "value": "1"}, {"name": "B", "value": "$(A)-$(P_k)-$(WEB_SERVICE_HOST)-$(X)"},
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "p"}}},
            {"name": "O", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "none", "optional": true}}}
        ]});
        assert_eq!(
            compute(container).unwrap(),
            "P_k=v A=1 B=1-v-10.0.0.1-$(X) IP=10.1.0.5 S=hush WEB_SERVICE_HOST=10.0.0.1"
        );
    }

    #[test]
    fn missing_sources_are_told_in_upstream_s_words() {
        for (value_from, want) in [
            (doc!({"configMapKeyRef": {"name": "x", "key": "k"}}), "configmap \"x\" not found"),
            (doc!({"secretKeyRef": {"name": "x", "key": "k"}}), "secret \"x\" not found"),
            (
                doc!({"configMapKeyRef": {"name": "m", "key": "z"}}),
                "couldn't find key z in ConfigMap default/m",
            ),
            (doc!({"secretKeyRef": {"name": "s", "key": "z"}}), "couldn't find key z in Secret default/s"),
        ] {
            let container = doc!({"name": "a", "env": [{"name": "A", "valueFrom": value_from}]});
            assert_eq!(compute(container).unwrap_err(), want);
        }
    }
}
