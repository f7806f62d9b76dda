//! Informers against a scripted API: each list and watch answers what the test says next.

use super::*;
use crate::resources::PODS;
use crate::transport::{Call, List, Transport, Verb, WatchEvent, WatchStream};
use futures::future::BoxFuture;
use futures::stream::StreamExt;
use skiff_apimachinery::{Status, doc};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;

type Events = mpsc::UnboundedSender<Result<WatchEvent, Status>>;

#[derive(Clone, Default)]
struct Script(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    lists: VecDeque<Result<List, Status>>,
    watches: VecDeque<Result<mpsc::UnboundedReceiver<Result<WatchEvent, Status>>, Status>>,
    /// Verb and resourceVersion of each call.
    calls: Vec<(Verb, String)>,
}

impl Script {
    fn list(&self, version: &str, pods: Vec<Document>) {
        let items = pods.into_iter().map(Arc::new).collect();
        let list = List { items, resource_version: version.to_owned(), continue_token: String::new() };
        self.0.lock().unwrap().lists.push_back(Ok(list));
    }

    fn watch(&self) -> Events {
        let (events, receiver) = mpsc::unbounded_channel();
        self.0.lock().unwrap().watches.push_back(Ok(receiver));
        events
    }

    fn calls(&self) -> Vec<(Verb, String)> {
        self.0.lock().unwrap().calls.clone()
    }

    fn informers(&self) -> SharedInformers {
        SharedInformers::new(Client::new(Arc::new(self.clone())))
    }

    fn record(&self, call: &Call) {
        let version = call.query.iter().find(|(key, _)| *key == "resourceVersion").map(|(_, v)| v.clone());
        self.0.lock().unwrap().calls.push((call.verb, version.unwrap_or_default()));
    }
}

impl Transport for Script {
    fn call(&self, _: Call) -> BoxFuture<'_, crate::Result<Object>> {
        Box::pin(async { Err(Status::bad_request("not scripted")) })
    }

    fn list(&self, call: Call) -> BoxFuture<'_, crate::Result<List>> {
        self.record(&call);
        let next = self.0.lock().unwrap().lists.pop_front();
        Box::pin(async move {
            match next {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        })
    }

    fn watch(&self, call: Call) -> BoxFuture<'_, crate::Result<WatchStream>> {
        self.record(&call);
        let next = self.0.lock().unwrap().watches.pop_front();
        Box::pin(async move {
            match next {
                Some(answer) => answer.map(|receiver| UnboundedReceiverStream::new(receiver).boxed()),
                None => std::future::pending().await,
            }
        })
    }

    fn get_path<'a>(&'a self, _: &'a str) -> BoxFuture<'a, crate::Result<Object>> {
        Box::pin(async { Err(Status::bad_request("not scripted")) })
    }
}

fn pod(name: &str, version: u64) -> Document {
    doc!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "n", "uid": name, "resourceVersion": version.to_string()}})
}

fn of_uid(mut pod: Document, uid: &str) -> Document {
    pod.set(&["metadata", "uid"], uid);
    pod
}

fn added(pod: Document) -> Result<WatchEvent, Status> {
    Ok(WatchEvent::Added(Arc::new(pod)))
}

fn modified(pod: Document) -> Result<WatchEvent, Status> {
    Ok(WatchEvent::Modified(Arc::new(pod)))
}

fn deleted(pod: Document) -> Result<WatchEvent, Status> {
    Ok(WatchEvent::Deleted(Arc::new(pod)))
}

fn text<T>(event: &Event<T>) -> String {
    let of = |object: &Cached<T>| format!("{}@{}", object.uid(), object.resource_version());
    match event {
        Event::Added(new) => format!("added {}", of(new)),
        Event::Updated { old, new } => format!("updated {} to {}", of(old), of(new)),
        Event::Deleted(last) => format!("deleted {}", of(last)),
    }
}

async fn next(subscription: &mut Subscription<Untyped>) -> String {
    text(&tokio::time::timeout(Duration::from_secs(60), subscription.next()).await.expect("an event comes"))
}

#[tokio::test(start_paused = true)]
async fn lists_then_follows() {
    let script = Script::default();
    script.list("10", vec![pod("a", 5)]);
    let events = script.watch();
    let informer = script.informers().of::<Untyped>(&PODS, Selection::default());
    let mut changes = informer.subscribe();
    assert_eq!(next(&mut changes).await, "added a@5");
    events.send(added(pod("b", 11))).unwrap();
    events.send(modified(pod("a", 12))).unwrap();
    informer.caught_up(12).await;
    assert_eq!(next(&mut changes).await, "added b@11");
    assert_eq!(next(&mut changes).await, "updated a@5 to a@12");
    events.send(deleted(pod("b", 13))).unwrap();
    assert_eq!(next(&mut changes).await, "deleted b@13");
    assert!(informer.get("n", "b").is_none());
    assert_eq!(script.calls(), [(Verb::List, "0".into()), (Verb::Watch, "10".into())]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_subscriber_hears_the_last_state_once() {
    let script = Script::default();
    script.list("1", vec![pod("a", 1), pod("c", 1)]);
    let events = script.watch();
    let informer = script.informers().of::<Untyped>(&PODS, Selection::default());
    let mut changes = informer.subscribe();
    informer.synced().await;
    next(&mut changes).await;
    next(&mut changes).await;
    for version in 2..1000 {
        events.send(modified(pod("a", version))).unwrap();
    }
    events.send(added(pod("short", 1000))).unwrap();
    events.send(deleted(pod("short", 1001))).unwrap();
    events.send(deleted(pod("c", 1002))).unwrap();
    events.send(added(of_uid(pod("c", 1003), "c-again"))).unwrap();
    informer.caught_up(1003).await;
    assert_eq!(next(&mut changes).await, "updated a@1 to a@999");
    assert_eq!(next(&mut changes).await, "deleted short@1001");
    assert_eq!(next(&mut changes).await, "deleted c@1");
    assert_eq!(next(&mut changes).await, "added c-again@1003");
    assert!(changes.try_next().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_too_old_is_replaced_by_a_list_that_yields_what_was_missed() {
    let script = Script::default();
    script.list("10", vec![pod("gone", 5), pod("same", 6), pod("changed", 7)]);
    let events = script.watch();
    let informer = script.informers().of::<Untyped>(&PODS, Selection::default());
    informer.synced().await;
    let mut changes = informer.subscribe();
    while changes.try_next().is_some() {}
    script.list("20", vec![pod("same", 6), pod("changed", 15), pod("new", 16)]);
    events.send(Err(Status::expired("too old"))).unwrap();
    informer.caught_up(20).await;
    let mut heard = Vec::new();
    while let Some(event) = changes.try_next() {
        heard.push(text(&event));
    }
    assert_eq!(heard, ["deleted gone@5", "updated changed@7 to changed@15", "added new@16"]);
    assert_eq!(script.calls()[2], (Verb::List, String::new()));
}

#[tokio::test(start_paused = true)]
async fn a_broken_watch_is_resumed_where_it_was() {
    let script = Script::default();
    script.list("10", vec![]);
    let events = script.watch();
    let informer = script.informers().of::<Untyped>(&PODS, Selection::default());
    informer.synced().await;
    events.send(Ok(WatchEvent::Bookmark("17".into()))).unwrap();
    informer.caught_up(17).await;
    let again = script.watch();
    events.send(Err(Status::service_unavailable("cable"))).unwrap();
    again.send(added(pod("a", 18))).unwrap();
    informer.caught_up(18).await;
    assert!(informer.get("n", "a").is_some());
    assert_eq!(script.calls().iter().filter(|(verb, _)| *verb == Verb::List).count(), 1);
    assert_eq!(script.calls()[2], (Verb::Watch, "17".into()));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_fails_is_tried_again() {
    let script = Script::default();
    script.0.lock().unwrap().lists.push_back(Err(Status::service_unavailable("starting")));
    script.list("1", vec![pod("a", 1)]);
    let informer = script.informers().of::<Untyped>(&PODS, Selection::default());
    informer.synced().await;
    assert_eq!(informer.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_does_not_decode_is_skipped() {
    #[derive(serde::Deserialize)]
    struct Strict {
        spec: Option<HashMap<String, i64>>,
    }
    let script = Script::default();
    let mut odd = pod("odd", 2);
    odd.insert("spec", "text");
    script.list("3", vec![odd, pod("a", 1)]);
    let informer = script.informers().of::<Strict>(&PODS, Selection::default());
    informer.synced().await;
    assert_eq!(informer.list().iter().map(|pod| pod.name()).collect::<Vec<_>>(), ["a"]);
    assert!(informer.list()[0].typed.spec.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_index_follows_its_objects() {
    let script = Script::default();
    let on = |mut pod: Document, node: &str| {
        pod.set(&["spec", "nodeName"], node);
        pod
    };
    script.list("1", vec![on(pod("a", 1), "x"), on(pod("b", 1), "x")]);
    let events = script.watch();
    let informer = script.informers().of::<Untyped>(&PODS, Selection::default());
    informer.synced().await;
    let index = informer.index("node", |pod| vec![pod.str_at(&["spec", "nodeName"]).to_owned()]);
    let names = |node: &str| index.get(node).iter().map(|pod| pod.name().to_owned()).collect::<Vec<_>>();
    assert_eq!(names("x"), ["a", "b"]);
    events.send(modified(on(pod("a", 2), "y"))).unwrap();
    events.send(deleted(on(pod("b", 3), "x"))).unwrap();
    informer.caught_up(3).await;
    assert_eq!((names("x"), names("y")), (vec![], vec!["a".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn informers_are_shared_and_end_with_their_last_user() {
    let script = Script::default();
    script.list("1", vec![]);
    let events = script.watch();
    let informers = script.informers();
    let first = informers.of::<Untyped>(&PODS, Selection::default());
    let second = informers.of::<Untyped>(&PODS, Selection::default());
    first.synced().await;
    second.synced().await;
    tokio::time::timeout(Duration::from_secs(1), async {
        while script.calls().len() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the watch is opened");
    assert_eq!(script.calls().len(), 2);
    let changes = second.subscribe();
    drop((first, second));
    assert!(!events.is_closed());
    drop(changes);
    tokio::time::timeout(Duration::from_secs(1), events.closed()).await.expect("the watch ends");
}
