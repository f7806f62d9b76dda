//! [sig-instrumentation] Events, in the core group and in `events.k8s.io`.

use crate::api_operations::{assert_contains, overlay};
use crate::harness::Api;
use crate::resources::{API_EVENTS, labelled, named};
use skiff_apimachinery::{Document, doc};
use skiff_client::Resource;
use skiff_client::resources::EVENTS;

const LABEL: &str = "testevent-set";

fn core_event(api: &Api, name: &str) -> Document {
    let event = doc!({
        "message": "This is a test event", "reason": "Test", "type": "Normal", "count": 1,
        "involvedObject": {"namespace": api.namespace.as_str()}
    });
    labelled(LABEL, "true", named(name, event))
}

fn api_event(api: &Api, name: &str) -> Document {
    let event = doc!({
        "eventTime": "2026-01-02T03:04:05.000006Z", "note": "This is a test event", "reason": "Test",
        "type": "Normal", "action": "Do", "reportingController": "test-controller",
        "reportingInstance": "test-node",
        "regarding": {"namespace": api.namespace.as_str()}
    });
    labelled(LABEL, "true", named(name, event))
}

/// `Events should manage the lifecycle of an event`
#[test]
fn should_manage_the_lifecycle_of_an_event() {
    let api = Api::new();
    let events = api.of(&EVENTS);
    events.create(core_event(&api, "event-test"));
    let listed = events.everywhere().list(&format!("{LABEL}=true"));
    assert!(listed.iter().any(|e| e.namespace() == api.namespace), "the event is listed");

    let patched = events.strategic_patch("event-test", doc!({"message": "This is a test event - patched"}));
    assert_eq!(patched.str_at(&["message"]), "This is a test event - patched");
    assert_eq!(events.get("event-test").str_at(&["message"]), "This is a test event - patched");
    let series = doc!({"series": {"count": 100, "lastObservedTime": "2026-01-02T03:04:05.000000Z"}});
    let updated = events.edit("event-test", |event| overlay(event, &series));
    assert_contains(&updated, &series);
    assert_contains(&events.get("event-test"), &series);

    events.delete("event-test");
    events.gone("event-test");
    events.none(&format!("{LABEL}=true"));
}

/// `Events API should ensure that an event can be fetched, patched, deleted, and listed`
#[test]
fn should_ensure_that_an_event_can_be_fetched_patched_deleted_and_listed() {
    let api = Api::new();
    let events = api.of(&API_EVENTS);
    events.create(api_event(&api, "event-test"));
    for listed in [events.list(""), events.everywhere().list("")] {
        let mine: Vec<_> = listed.iter().filter(|e| e.namespace() == api.namespace).collect();
        assert_eq!(mine.len(), 1, "{mine:?}");
        assert_eq!(mine[0].str_at(&["note"]), "This is a test event");
    }
    let read = events.get("event-test");
    assert_eq!(read.str_at(&["regarding", "namespace"]), api.namespace);
    let selected = [
        api.of(&EVENTS).list_where("source=test-controller"),
        events.list_where("reportingController=test-controller"),
    ];
    for selected in selected {
        assert_eq!(selected.iter().map(|e| e.name()).collect::<Vec<_>>(), ["event-test"]);
    }

    let series = doc!({"series": {"count": 2, "lastObservedTime": "2017-09-19T13:49:11.000000Z"}});
    events.strategic_patch("event-test", series.clone());
    let patched = events.get("event-test");
    let mut expected = read;
    overlay(&mut expected, &series);
    assert_eq!(stable(&patched), stable(&expected));

    overlay(
        &mut expected,
        &doc!({"series": {"count": 100, "lastObservedTime": "2026-01-02T03:05:05.000006Z"}}),
    );
    // Without a resourceVersion, as upstream's test sends it.
    events.update(stable(&expected));
    assert_eq!(stable(&events.get("event-test")), stable(&expected));
    events.delete("event-test");
    for listed in [events.list(""), events.everywhere().list("")] {
        assert!(!listed.iter().any(|e| e.namespace() == api.namespace));
    }
}

/// The event without what the server changes with each write.
fn stable(event: &Document) -> Document {
    let mut event = event.clone();
    event.remove(&["metadata", "resourceVersion"]);
    event.remove(&["metadata", "managedFields"]);
    event
}

fn check_collection(resource: &Resource, event: fn(&Api, &str) -> Document) {
    let api = Api::new();
    let events = api.of(resource);
    let selector = format!("{LABEL}=true");
    for i in 1..=3 {
        events.create(event(&api, &format!("test-event-{i}")));
    }
    assert_eq!(events.list(&selector).len(), 3);
    events.delete_collection(&selector);
    events.none(&selector);
}

/// `Events should delete a collection of events`
#[test]
fn should_delete_a_collection_of_events() {
    check_collection(&EVENTS, core_event);
}

/// `Events API should delete a collection of events`
#[test]
fn events_api_should_delete_a_collection_of_events() {
    check_collection(&API_EVENTS, api_event);
}
