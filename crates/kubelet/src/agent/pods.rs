//! Follows the node's pods and the runtime's events, and keeps one loop per pod.
//!
//! A pod is known by its UID. Pods that the runtime has and the API has not are orphans: their loop begins with the pod
//! gone, and removes them.

use super::Agent;
use super::drive::{Mailbox, PodState, drive};
use crate::admission;
use crate::names::{GRACE_PERIOD, POD_NAME, POD_NAMESPACE, POD_UID};
use crate::pod::PodView;
use crate::pod::resources::{Qos, pod_amounts, qos};
use skiff_apimachinery::doc;
use skiff_client::informer::{Event, Informer, Untyped};
use skiff_client::resources::PODS;
use skiff_client::{Object, Selection};
use skiff_cri::v1::{ContainerEventResponse, ContainerFilter, PodSandboxFilter};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

/// How often all pods look at the runtime even if it told nothing.
const RELIST: Duration = Duration::from_secs(300);

/// The loops of the node's pods.
pub struct Pods {
    agent: Arc<Agent>,
    informer: Informer<Untyped>,
    mailboxes: Arc<Mutex<BTreeMap<String, Mailbox>>>,
    loops: JoinSet<String>,
}

/// A look at the pods from outside, for the node server.
#[derive(Clone)]
pub struct PodDirectory {
    mailboxes: Arc<Mutex<BTreeMap<String, Mailbox>>>,
}

impl PodDirectory {
    /// All pods that have a loop.
    pub fn list(&self) -> Vec<Arc<PodView>> {
        let mailboxes = self.mailboxes.lock().unwrap_or_else(PoisonError::into_inner);
        mailboxes.values().map(|mailbox| mailbox.state.borrow().pod.clone()).collect()
    }

    /// The pod of this name; of two, the one that is not being deleted.
    pub fn find(&self, namespace: &str, name: &str) -> Option<Arc<PodView>> {
        let mut found: Vec<_> = self
            .list()
            .into_iter()
            .filter(|pod| pod.namespace() == namespace && pod.name() == name)
            .collect();
        found.sort_by_key(|pod| pod.is_deleted());
        found.into_iter().next()
    }
}

impl Pods {
    /// The pods of this node; none has a loop yet.
    pub fn new(agent: Arc<Agent>) -> Self {
        let selection =
            Selection { fields: format!("spec.nodeName={}", agent.config.node_name), ..Selection::default() };
        let informer = agent.informers.of(&PODS, selection);
        Self { agent, informer, mailboxes: Arc::default(), loops: JoinSet::new() }
    }

    /// A look at the pods from outside.
    pub fn directory(&self) -> PodDirectory {
        PodDirectory { mailboxes: self.mailboxes.clone() }
    }

    /// Runs the pods until dropped; what runs then goes on running.
    pub async fn run(mut self) {
        // Before the lists, so that nothing between is missed.
        let mut events = self.agent.runtime.container_events();
        let mut changes = self.informer.subscribe();
        self.informer.synced().await;
        while let Some(event) = changes.try_next() {
            self.changed(event);
        }
        self.adopt_orphans().await;
        let mut relist = tokio::time::interval(RELIST);
        relist.tick().await;
        loop {
            tokio::select! {
                event = changes.next() => self.changed(event),
                event = events.recv() => match event {
                    Ok(event) => self.runtime_event(&event),
                    Err(RecvError::Lagged(_)) => self.wake_all(),
                    // A runtime that is gone tells nothing more; the lists still do.
                    Err(RecvError::Closed) => events = self.reconnected().await,
                },
                Some(ended) = self.loops.join_next() => {
                    if let Ok(uid) = ended {
                        self.lock().remove(&uid);
                        self.weigh();
                    }
                }
                _ = relist.tick() => self.wake_all(),
            }
        }
    }

    async fn reconnected(&self) -> tokio::sync::broadcast::Receiver<ContainerEventResponse> {
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.wake_all();
        self.agent.runtime.container_events()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Mailbox>> {
        self.mailboxes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&mut self, event: Event<Untyped>) {
        let gone = matches!(event, Event::Deleted(_));
        let object = event.object().object.clone();
        match PodView::new(object.clone()) {
            Ok(pod) => self.tell(Arc::new(pod), gone),
            Err(error) => tracing::warn!(pod = %object.key(), %error, "pod cannot be read"),
        }
    }

    fn tell(&mut self, pod: Arc<PodView>, gone: bool) {
        let uid = pod.uid().to_owned();
        {
            let mailboxes = self.lock();
            if let Some(mailbox) = mailboxes.get(&uid) {
                mailbox.state.send_replace(PodState { pod, gone });
                return;
            }
        }
        // A pod without a loop that is gone left nothing here.
        if !gone {
            self.start(PodState { pod, gone });
        }
    }

    fn start(&mut self, state: PodState) {
        let uid = state.pod.uid().to_owned();
        let others: Vec<Arc<PodView>> = self.directory().list();
        let refused = if state.gone { None } else { admission::refuse(&self.agent, &state.pod, &others) };
        if let Some(failure) = &refused {
            let kind = skiff_client::events::EventType::Warning;
            self.agent.tell(&state.pod, "", kind, &failure.reason, failure.message.clone());
        }
        let (sender, receiver) = watch::channel(state);
        let runtime_changed = Arc::new(Notify::new());
        self.lock().insert(uid.clone(), Mailbox { state: sender, runtime_changed: runtime_changed.clone() });
        let agent = self.agent.clone();
        self.loops.spawn(self.agent.tasks.track_future(async move {
            drive(agent, receiver, runtime_changed, refused).await;
            uid
        }));
        self.weigh();
    }

    /// Weighs the class of burstable pods by what they ask for.
    fn weigh(&self) {
        let burstable = |pod: &Arc<PodView>| qos(pod) == Qos::Burstable && !pod.is_terminal();
        let pods = self.directory().list();
        let sum = pods.iter().filter(|pod| burstable(pod)).map(|pod| pod_amounts(pod).cpu_request).sum();
        if let Err(error) = self.agent.cgroups.weigh_burstable(sum) {
            tracing::debug!(%error, "cannot weigh burstable pods");
        }
    }

    fn runtime_event(&self, event: &ContainerEventResponse) {
        let sandbox = event.pod_sandbox_status.as_ref();
        let by_sandbox =
            sandbox.and_then(|status| status.metadata.as_ref()).map(|metadata| metadata.uid.as_str());
        let by_label = || event.containers_statuses.iter().find_map(|status| status.labels.get(POD_UID));
        match by_sandbox.filter(|uid| !uid.is_empty()).or_else(|| by_label().map(String::as_str)) {
            Some(uid) => {
                if let Some(mailbox) = self.lock().get(uid) {
                    mailbox.runtime_changed.notify_one();
                }
            }
            None => self.wake_all(),
        }
    }

    fn wake_all(&self) {
        self.lock().values().for_each(|mailbox| mailbox.runtime_changed.notify_one());
    }

    /// Starts a loop for each pod that the runtime has and the API has not.
    async fn adopt_orphans(&mut self) {
        let mut found: HashMap<String, Object> = HashMap::new();
        let sandboxes = self.agent.runtime.list_pod_sandbox(PodSandboxFilter::default()).await;
        for sandbox in sandboxes.unwrap_or_default() {
            let Some(metadata) = sandbox.metadata else { continue };
            let object = orphan(&metadata.namespace, &metadata.name, &metadata.uid, None);
            found.insert(metadata.uid, object);
        }
        let containers = self.agent.runtime.list_containers(ContainerFilter::default()).await;
        for container in containers.unwrap_or_default() {
            let label = |key: &str| container.labels.get(key).map_or("", String::as_str);
            let grace = container.annotations.get(GRACE_PERIOD).and_then(|text| text.parse().ok());
            let uid = label(POD_UID);
            if !uid.is_empty() {
                let object = orphan(label(POD_NAMESPACE), label(POD_NAME), uid, grace);
                found.insert(uid.to_owned(), object);
            }
        }
        for uid in self.left_directories() {
            found.entry(uid.clone()).or_insert_with(|| orphan("", "", &uid, None));
        }
        for (uid, object) in found {
            if self.lock().contains_key(&uid) {
                continue;
            }
            tracing::info!(uid, pod = %object.key(), "removing a pod that the API no longer has");
            if let Ok(pod) = PodView::new(object) {
                self.start(PodState { pod: Arc::new(pod), gone: true });
            }
        }
    }

    /// UIDs of pods that left a directory.
    fn left_directories(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.agent.config.root_dir.join("pods"));
        entries
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect()
    }
}

/// A pod of which only its name is known. It gets little time to stop: nobody waits for it.
fn orphan(namespace: &str, name: &str, uid: &str, grace: Option<i64>) -> Object {
    Arc::new(doc!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"namespace": namespace, "name": name, "uid": uid, "deletionGracePeriodSeconds": grace.unwrap_or(1)},
        "spec": {"containers": []}
    }))
}
