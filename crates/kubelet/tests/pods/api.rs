//! A writable API: the test kit's API in memory with the few writes that a kubelet makes.

use futures::future::BoxFuture;
use skiff_apimachinery::{Document, Status, doc};
use skiff_client::resources::{CONFIG_MAPS, EVENTS, NODES, PODS};
use skiff_client::{Call, Client, List, Object, Result, Transport, Verb, WatchStream};
use skiff_testkit::memory_api::MemoryApi;
use std::sync::{Arc, Mutex};

#[derive(Clone)]
pub struct Api {
    memory: MemoryApi,
    events: Arc<Mutex<Vec<Document>>>,
}

impl Api {
    /// With a namespace's ConfigMaps; nodes get a pod CIDR when they register.
    pub fn new() -> Self {
        let api = Self { memory: MemoryApi::default(), events: Arc::default() };
        api.put_config_map("page", doc!({"index.html": "hello\n", "color": "blue"}));
        api.put_config_map("kube-root-ca.crt", doc!({"ca.crt": "the-ca\n"}));
        api
    }

    pub fn client(&self) -> Client {
        Client::new(Arc::new(self.clone()))
    }

    pub fn put_pod(&self, pod: Document) {
        self.memory.put(&PODS, pod);
    }

    pub fn put_config_map(&self, name: &str, data: Document) {
        let map = doc!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data});
        self.memory.put(&CONFIG_MAPS, map);
    }

    /// Marks a pod as deleted, as the API server does for one that is bound.
    pub async fn delete_pod(&self, name: &str) {
        let pod = self.find(&PODS, "default", name).await.unwrap();
        let mut pod = pod.as_ref().clone();
        let grace = pod.i64_at(&["spec", "terminationGracePeriodSeconds"]).unwrap_or(30);
        pod.set(&["metadata", "deletionTimestamp"], "2026-01-01T00:00:00Z");
        pod.set(&["metadata", "deletionGracePeriodSeconds"], grace);
        self.memory.put(&PODS, pod);
    }

    pub fn event_reasons(&self) -> Vec<String> {
        self.events.lock().unwrap().iter().map(|event| event.str_at(&["reason"]).to_owned()).collect()
    }

    pub async fn find(
        &self,
        resource: &skiff_client::Resource,
        namespace: &str,
        name: &str,
    ) -> Result<Object> {
        let call = Call::new(Verb::List, resource, namespace, "")
            .query("fieldSelector", format!("metadata.name={name}"));
        let list = self.memory.list(call).await?;
        list.items.into_iter().next().ok_or_else(|| Status::not_found(&resource.group_resource(), name))
    }

    async fn write(&self, call: Call) -> Result<Object> {
        let body = call.body.clone().unwrap_or_default();
        let resource = call.resource.clone();
        match (call.verb, call.subresource.as_str()) {
            (Verb::Get, _) => self.find(&resource, &call.namespace, &call.name).await,
            (Verb::Create, "token") => Ok(Arc::new(doc!({"status": {
                "token": format!("token-of-{}\n", call.name), "expirationTimestamp": "2099-01-01T00:00:00Z"
            }}))),
            (Verb::Create, _) if resource == EVENTS => {
                self.events.lock().unwrap().push(body.clone());
                Ok(Arc::new(body))
            }
            (Verb::Create, _) => {
                let mut object = body;
                if self.find(&resource, object.namespace(), object.name()).await.is_ok() {
                    return Err(Status::already_exists(&resource.group_resource(), object.name()));
                }
                if resource == NODES {
                    object.set(&["spec", "podCIDRs"], doc!(["10.42.0.0/24"]));
                }
                let (namespace, name) = (object.namespace().to_owned(), object.name().to_owned());
                self.memory.put(&resource, object);
                self.find(&resource, &namespace, &name).await
            }
            (Verb::Update, _) => {
                let (namespace, name) = (body.namespace().to_owned(), body.name().to_owned());
                self.memory.put(&resource, body);
                self.find(&resource, &namespace, &name).await
            }
            (Verb::Patch(_), "status") => {
                let current = self.find(&resource, &call.namespace, &call.name).await?;
                let mut object = current.as_ref().clone();
                merge_status(object.ensure(&["status"]), &body["status"]);
                self.memory.put(&resource, object);
                self.find(&resource, &call.namespace, &call.name).await
            }
            (Verb::Delete, _) => {
                assert_eq!(body.i64_at(&["gracePeriodSeconds"]), Some(0), "kubelets delete at once");
                let object = self.find(&resource, &call.namespace, &call.name).await?;
                assert_eq!(body.str_at(&["preconditions", "uid"]), object.uid());
                self.memory.remove(&resource, &call.namespace, &call.name);
                Ok(object)
            }
            _ => Err(Status::bad_request(format!("{:?} {} is not for tests", call.verb, call.subresource))),
        }
    }
}

/// What a strategic merge does to a status.
fn merge_status(status: &mut Document, patch: &Document) {
    for (key, value) in patch.as_object().unwrap().iter() {
        if value.is_null() {
            status.remove(&[key]);
        } else if key == "conditions" {
            for condition in value.as_array().unwrap() {
                let list = status.ensure(&["conditions"]).make_array();
                list.retain(|known| known["type"] != condition["type"]);
                list.push(condition.clone());
            }
        } else if let Some(list) = value.as_array() {
            let kept: Vec<Document> =
                list.iter().filter(|one| one.get("$patch").is_none()).cloned().collect();
            status.insert(key, kept);
        } else {
            status.insert(key, value.clone());
        }
    }
}

impl Transport for Api {
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Object>> {
        Box::pin(self.write(call))
    }
    fn list(&self, call: Call) -> BoxFuture<'_, Result<List>> {
        self.memory.list(call)
    }
    fn watch(&self, call: Call) -> BoxFuture<'_, Result<WatchStream>> {
        self.memory.watch(call)
    }
    fn get_path<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Object>> {
        self.memory.get_path(path)
    }
}
