//! `bootstrap-signer-controller`: signs the ConfigMap `cluster-info` in kube-public with each bootstrap token, so that a
//! machine that has a token can tell the cluster's certificate from a forged one.
//!
//! Reads bootstrap tokens and the ConfigMap; writes a JWS without its content (RFC 7515, appendix F) beside the kubeconfig
//! that it is of.

use crate::bootstrap_token::{self, Lifetime};
use crate::controller::{Context, Controller, observed};
use crate::plan::{Plan, Write};
use crate::sources::Sources;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::future::BoxFuture;
use jiff::Timestamp;
use ring::hmac;
use skiff_apimachinery::{Document, Map, Status, doc, json};
use skiff_client::resources::CONFIG_MAPS;
use skiff_client::{Cached, Event, Informer, Object, Selection, Untyped};
use std::collections::BTreeMap;
use std::sync::Arc;

const NAMESPACE: &str = "kube-public";
const NAME: &str = "cluster-info";
/// What is signed.
const CONTENT: &str = "kubeconfig";
/// What the keys of signatures start with; the token's id follows.
const SIGNATURE: &str = "jws-kubeconfig-";

/// The controller; its only key is the ConfigMap's name.
pub struct BootstrapSigner {
    tokens: Informer<Untyped>,
    config_maps: Informer<Untyped>,
}

/// The ConfigMap and the tokens.
pub struct World {
    config_map: Object,
    tokens: Vec<Arc<Cached<Untyped>>>,
}

impl Controller for BootstrapSigner {
    const NAME: &'static str = "bootstrap-signer-controller";
    const IDENTITY: &'static str = "bootstrap-signer";
    const QUEUE: &'static str = "bootstrap_signer_queue";
    const WORKERS: usize = 1;
    const ON_BY_DEFAULT: bool = false;

    type Key = String;
    type World = World;

    fn new(context: &Context) -> Self {
        let named = Selection { fields: format!("metadata.name={NAME}"), ..Selection::default() };
        Self {
            tokens: bootstrap_token::informer(&context.informers),
            config_maps: context.informers.namespaced(&CONFIG_MAPS, NAMESPACE, named),
        }
    }

    fn sources(&self, sources: &mut Sources<String>) {
        sources.watch(&self.tokens, |_| [NAME.to_owned()]);
        sources
            .watch(&self.config_maps, |event| (!matches!(event, Event::Deleted(_))).then(|| NAME.to_owned()));
    }

    fn observe<'a>(&'a self, _key: &'a String) -> BoxFuture<'a, Result<Option<World>, Status>> {
        let config_map = self.config_maps.get(NAMESPACE, NAME);
        observed(
            config_map.map(|config_map| World {
                config_map: config_map.object.clone(),
                tokens: self.tokens.list(),
            }),
        )
    }

    fn plan(world: &World, now: Timestamp) -> Plan {
        plan(world, now)
    }
}

fn plan(world: &World, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let Some(content) = world.config_map.at(&["data", CONTENT]).and_then(Document::as_str) else {
        return plan;
    };
    for token in &world.tokens {
        if let Lifetime::Left(left) = bootstrap_token::lifetime(token, now) {
            plan.requeue(left);
        }
    }
    let tokens: BTreeMap<String, String> =
        world.tokens.iter().filter_map(|token| bootstrap_token::signing(token, now)).collect();
    let signed = |data: &Map| -> Map {
        let others = data.iter().filter(|(key, _)| !key.starts_with(SIGNATURE));
        let mut signed: Map = others.map(|(key, value)| (key, value.clone())).collect();
        for (id, key) in &tokens {
            signed.insert(format!("{SIGNATURE}{id}"), signature(content, id, key));
        }
        signed
    };
    let data = world.config_map.object_at(&["data"]);
    if let Some(signed) = data.map(signed).filter(|signed| Some(signed) != data) {
        let mut changed = Document::clone(&world.config_map);
        changed.insert("data", signed);
        plan.write(Write::update(&CONFIG_MAPS, changed));
    }
    plan
}

/// Header and signature; the content between them is left out.
fn signature(content: &str, id: &str, key: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(json::encode(&doc!({"alg": "HS256", "kid": id})));
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(content));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), signed.as_bytes());
    format!("{header}..{}", URL_SAFE_NO_PAD.encode(tag))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bootstrap_token::tests::{token, with};
    use std::time::Duration;

    fn now() -> Timestamp {
        "2026-01-01T12:00:00Z".parse().unwrap()
    }

    fn planned(data: Document, tokens: Vec<Document>) -> Plan {
        let config_map = doc!({"metadata": {"name": NAME, "namespace": NAMESPACE}, "data": data});
        let cached = |token: Document| Arc::new(Cached::decode(Arc::new(token)).unwrap());
        let tokens = tokens.into_iter().map(cached).collect();
        plan(&World { config_map: Arc::new(config_map), tokens }, now())
    }

    fn written(plan: &Plan) -> Option<Document> {
        Some(plan.writes().next()?.call.body.as_ref()?["data"].clone())
    }

    #[test]
    fn a_signature_is_a_jws_without_content() {
        let content = "Hello from the other side. I must have called a thousand times.";
        assert_eq!(
            signature(content, "joshua", "my voice is my passcode"),
            "eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9..VShe2taLd-YTrmWuRkcL_8QTNDHYxQIEBsAYYiIj1_8"
        );
    }

    #[test]
    fn each_token_signs_and_signatures_of_others_go() {
        let signed = |ids: &[&str]| {
            let mut data = doc!({"kubeconfig": "x", "other": "y"});
            for id in ids {
                data.insert(format!("jws-kubeconfig-{id}"), signature("x", id, "key"));
            }
            data
        };
        let tokens = || vec![token("aaaaaa"), token("bbbbbb")];
        assert_eq!(written(&planned(signed(&[]), tokens())), Some(signed(&["aaaaaa", "bbbbbb"])));
        assert_eq!(written(&planned(signed(&["aaaaaa", "bbbbbb"]), tokens())), None);
        assert_eq!(
            written(&planned(signed(&["aaaaaa", "gone00"]), vec![token("aaaaaa")])),
            Some(signed(&["aaaaaa"]))
        );
        let mut wrong = signed(&["aaaaaa"]);
        wrong.insert("jws-kubeconfig-aaaaaa", "forged");
        assert_eq!(written(&planned(wrong, vec![token("aaaaaa")])), Some(signed(&["aaaaaa"])));
        assert_eq!(planned(doc!({"other": "y"}), tokens()), Plan::nothing());
    }

    #[test]
    fn a_signature_goes_with_its_token() {
        let ending = with(token("aaaaaa"), "expiration", "2026-01-01T12:00:05Z");
        let plan = planned(doc!({"kubeconfig": "x"}), vec![ending]);
        assert_eq!(plan.requeue_after, Some(Duration::from_secs(5)));
        assert!(written(&plan).is_some());
        let ended = with(token("aaaaaa"), "expiration", "2026-01-01T11:00:00Z");
        assert_eq!(planned(doc!({"kubeconfig": "x"}), vec![ended]), Plan::nothing());
    }
}
