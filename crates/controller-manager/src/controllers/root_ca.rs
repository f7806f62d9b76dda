//! `root-ca-certificate-publisher-controller`: puts the cluster's CA into every namespace, for pods to check the API
//! server with.

use super::service_account::is_active;
use crate::config::Config;
use crate::controller::{Context, Controller, observed};
use crate::plan::{Plan, Write};
use crate::sources::Sources;
use futures::future::BoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use skiff_apimachinery::{Document, Status, doc};
use skiff_client::resources::{CONFIG_MAPS, NAMESPACES};
use skiff_client::{Informer, Object, Selection, Untyped};
use std::sync::Arc;

const NAME: &str = "kube-root-ca.crt";
const KEY: &str = "ca.crt";
const DESCRIPTION: &str = "kubernetes.io/description";
const DESCRIPTION_TEXT: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

/// The controller; its keys are names of namespaces.
pub struct RootCaPublisher {
    config: Arc<Config>,
    namespaces: Informer<Namespace>,
    config_maps: Informer<Untyped>,
}

/// One namespace.
pub struct World {
    namespace: String,
    active: bool,
    config_map: Option<Object>,
    config: Arc<Config>,
}

impl Controller for RootCaPublisher {
    const NAME: &'static str = "root-ca-certificate-publisher-controller";
    const IDENTITY: &'static str = "root-ca-cert-publisher";
    const QUEUE: &'static str = "root_ca_cert_publisher";
    const WORKERS: usize = 1;

    type Key = String;
    type World = World;

    fn new(context: &Context) -> Self {
        let published = Selection { fields: format!("metadata.name={NAME}"), ..Selection::default() };
        Self {
            config: context.config.clone(),
            namespaces: context.informers.of(&NAMESPACES, Selection::default()),
            config_maps: context.informers.of(&CONFIG_MAPS, published),
        }
    }

    fn sources(&self, sources: &mut Sources<String>) {
        sources.watch(&self.namespaces, |event| [event.object().name().to_owned()]);
        sources.watch(&self.config_maps, |event| [event.object().namespace().to_owned()]);
    }

    fn observe<'a>(&'a self, key: &'a String) -> BoxFuture<'a, Result<Option<World>, Status>> {
        observed(self.namespaces.get("", key).map(|namespace| World {
            namespace: key.clone(),
            active: is_active(&namespace),
            config_map: self.config_maps.get(key, NAME).map(|cached| cached.object.clone()),
            config: self.config.clone(),
        }))
    }

    fn plan(world: &World, _now: Timestamp) -> Plan {
        let mut plan = Plan::default();
        if !world.active || world.config.root_ca.is_empty() {
            return plan;
        }
        let data = doc!({KEY: world.config.root_ca.as_str()});
        match &world.config_map {
            None => {
                plan.write(Write::create(&CONFIG_MAPS, &world.namespace, config_map(&world.namespace, data)))
            }
            Some(old) if old["data"] == data && old.annotation(DESCRIPTION) == Some(DESCRIPTION_TEXT) => {}
            Some(old) => {
                let mut changed = Document::clone(old);
                changed.insert("data", data);
                changed.set(&["metadata", "annotations", DESCRIPTION], DESCRIPTION_TEXT);
                plan.write(Write::update(&CONFIG_MAPS, changed));
            }
        }
        plan
    }
}

fn config_map(namespace: &str, data: Document) -> Document {
    doc!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NAME, "namespace": namespace, "annotations": {DESCRIPTION: DESCRIPTION_TEXT}},
        "data": data
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_client::Verb;

    fn planned(config_map: Option<Document>) -> Option<Verb> {
        let config = Arc::new(Config { root_ca: "PEM".into(), ..Config::default() });
        let world =
            World { namespace: "n".into(), active: true, config_map: config_map.map(Arc::new), config };
        RootCaPublisher::plan(&world, Timestamp::UNIX_EPOCH).writes().next().map(|write| write.call.verb)
    }

    #[test]
    fn the_certificate_is_published_and_kept() {
        assert_eq!(planned(None), Some(Verb::Create));
        let published = config_map("n", doc!({"ca.crt": "PEM"}));
        assert_eq!(planned(Some(published.clone())), None);
        let mut changed = published;
        changed.set(&["data", "ca.crt"], "other");
        assert_eq!(planned(Some(changed)), Some(Verb::Update));
    }
}
