//! [sig-api-machinery] Watchers.

use crate::harness::Api;
use crate::resources::{labelled, named};
use crate::watch::{Change, Watch};
use skiff_apimachinery::{Document, doc};
use skiff_client::resources::CONFIG_MAPS;

const LABEL: &str = "watch-this-configmap";
const A: &str = "watch-this-configmap=multiple-watchers-A";
const B: &str = "watch-this-configmap=multiple-watchers-B";
const EITHER: &str = "watch-this-configmap in (multiple-watchers-A,multiple-watchers-B)";

fn config_map(name: &str, label: &str) -> Document {
    labelled(LABEL, label, named(name, doc!({})))
}

fn mutation(count: usize) -> Document {
    doc!({"data": {"mutation": count.to_string()}})
}

#[track_caller]
fn sees_mutation(watch: &mut Watch<'_>, change: Change, name: &str, count: usize) {
    let object = watch.expect(change, name);
    assert_eq!(object.str_at(&["data", "mutation"]), count.to_string());
}

/// `Watchers should observe add, update, and delete watch notifications on configmaps`
#[test]
fn should_observe_add_update_and_delete_watch_notifications_on_configmaps() {
    let api = Api::new();
    let maps = api.of(&CONFIG_MAPS);
    let [mut a, mut b, mut either] = [A, B, EITHER].map(|selector| maps.watch_from_now(selector));

    maps.create(config_map("a", "multiple-watchers-A"));
    a.expect(Change::Added, "a");
    either.expect(Change::Added, "a");
    for count in [1, 2] {
        maps.patch("a", mutation(count));
        sees_mutation(&mut a, Change::Modified, "a", count);
        sees_mutation(&mut either, Change::Modified, "a", count);
    }
    maps.delete("a");
    sees_mutation(&mut a, Change::Deleted, "a", 2);
    sees_mutation(&mut either, Change::Deleted, "a", 2);

    // That the first event of this watch is of `b` shows that it saw nothing of `a`.
    maps.create(config_map("b", "multiple-watchers-B"));
    b.expect(Change::Added, "b");
    either.expect(Change::Added, "b");
    maps.delete("b");
    b.expect(Change::Deleted, "b");
    either.expect(Change::Deleted, "b");
}

/// `Watchers should be able to start watching from a specific resource version`
#[test]
fn should_be_able_to_start_watching_from_a_specific_resource_version() {
    let api = Api::new();
    let maps = api.of(&CONFIG_MAPS);
    maps.create(config_map("c", "from-resource-version"));
    let first = maps.patch("c", mutation(1));
    maps.patch("c", mutation(2));
    maps.delete("c");
    let mut watch = maps.watch("watch-this-configmap=from-resource-version", first.resource_version());
    sees_mutation(&mut watch, Change::Modified, "c", 2);
    sees_mutation(&mut watch, Change::Deleted, "c", 2);
}

/// `Watchers should be able to restart watching from the last resource version observed by the previous watch`
#[test]
fn should_be_able_to_restart_watching_from_the_last_resource_version_observed_by_the_previous_watch() {
    let api = Api::new();
    let maps = api.of(&CONFIG_MAPS);
    let selector = "watch-this-configmap=watch-closed-and-restarted";
    let mut watch = maps.watch_from_now(selector);
    maps.create(config_map("c", "watch-closed-and-restarted"));
    maps.patch("c", mutation(1));
    watch.expect(Change::Added, "c");
    let last = watch.expect(Change::Modified, "c");
    drop(watch);
    maps.patch("c", mutation(2));
    let mut watch = maps.watch(selector, last.resource_version());
    maps.delete("c");
    sees_mutation(&mut watch, Change::Modified, "c", 2);
    sees_mutation(&mut watch, Change::Deleted, "c", 2);
}

/// `Watchers should observe an object deletion if it stops meeting the requirements of the selector`
#[test]
fn should_observe_an_object_deletion_if_it_stops_meeting_the_requirements_of_the_selector() {
    let api = Api::new();
    let maps = api.of(&CONFIG_MAPS);
    let mut watch = maps.watch_from_now("watch-this-configmap=label-changed-and-restored");
    maps.create(config_map("c", "label-changed-and-restored"));
    maps.patch("c", mutation(1));
    watch.expect(Change::Added, "c");
    sees_mutation(&mut watch, Change::Modified, "c", 1);
    maps.mark("c", "labels", LABEL, "wrong-value");
    watch.expect(Change::Deleted, "c");

    maps.patch("c", mutation(2));
    maps.mark("c", "labels", LABEL, "label-changed-and-restored");
    maps.patch("c", mutation(3));
    maps.delete("c");
    sees_mutation(&mut watch, Change::Added, "c", 2);
    sees_mutation(&mut watch, Change::Modified, "c", 3);
    sees_mutation(&mut watch, Change::Deleted, "c", 3);
}

/// `Watchers should receive events on concurrent watches in same order`
#[test]
fn should_receive_events_on_concurrent_watches_in_same_order() {
    const EVENTS: usize = 100;
    let api = Api::new();
    let maps = api.of(&CONFIG_MAPS);
    let selector = "watch-this-configmap=ordered";
    let mut first = maps.watch_from_now(selector);
    // Creations, changes and deletions of a few objects, as upstream's producer mixes them.
    for i in 0..EVENTS {
        let name = format!("c-{}", i % 7);
        match i / 7 % 3 {
            0 => drop(maps.create(config_map(&name, "ordered"))),
            1 => drop(maps.patch(&name, mutation(i))),
            _ => maps.delete(&name),
        }
    }
    let versions: Vec<String> = (0..EVENTS).map(|_| first.next().1.resource_version().to_owned()).collect();
    for (i, version) in versions.iter().enumerate().take(EVENTS - 1) {
        let mut watch = maps.watch(selector, version);
        for expected in &versions[i + 1..] {
            assert_eq!(watch.next().1.resource_version(), expected);
        }
    }
}
