//! Laws of field ownership, on random histories of writers of a small kind.

use super::collect::fields_of;
use super::entries::Managers;
use super::remove::with_named_parents;
use super::tests::{applied, created, forced, object, owned, schema, updated};
use super::*;
use crate::doc;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;

const WRITERS: [&str; 3] = ["alice", "bob", "carol"];

/// What the writers may say: some of replicas, containers with images, arguments and ports, finalizers, a selector. Lists that
/// merge are not empty, because nobody owns those.
fn specs() -> impl Strategy<Value = Document> {
    let container = (option::of("[xyz]"), option::of(vec("[pq]", 0..3)), btree_set(80..83_i64, 0..3));
    let parts = (
        option::of(0..3_i64),
        option::of(btree_map("[a-c]", container, 1..4)),
        option::of(btree_set("[a-c]", 1..4)),
        option::of(btree_map("[kl]", "[vw]", 1..3)),
    );
    parts.prop_map(|(replicas, containers, finalizers, selector)| {
        let mut spec = Document::object();
        if let Some(replicas) = replicas {
            spec.insert("replicas", replicas);
        }
        if let Some(containers) = containers {
            let list = containers.into_iter().map(|(name, (image, args, ports))| {
                let mut container = doc!({"name": name});
                if let Some(image) = image {
                    container.insert("image", image);
                }
                if let Some(args) = args {
                    container.insert("args", args.into_iter().map(Document::from).collect::<Document>());
                }
                if !ports.is_empty() {
                    let ports =
                        ports.into_iter().map(|port| doc!({"containerPort": port, "protocol": "TCP"}));
                    container.insert("ports", ports.collect::<Document>());
                }
                container
            });
            spec.insert("containers", list.collect::<Document>());
        }
        if let Some(finalizers) = finalizers {
            spec.insert("finalizers", finalizers.into_iter().map(Document::from).collect::<Document>());
        }
        if let Some(selector) = selector {
            let pairs = selector.into_iter().map(|(key, value)| (key, Document::from(value)));
            spec.insert("selector", pairs.collect::<Document>());
        }
        spec
    })
}

/// One write: who, whether it applies (or replaces), and what.
type Step = (usize, bool, Document);

fn histories() -> impl Strategy<Value = Vec<Step>> {
    vec((0..WRITERS.len(), any::<bool>(), specs()), 0..6)
}

/// An object whose managers are tracked.
fn begin() -> Document {
    let mut object = created(doc!({}), "creator");
    object.set(&["metadata", "labels"], doc!({"origin": "here"}));
    let entry = doc!({
        "manager": "creator", "operation": "Update", "apiVersion": "apps/v1", "time": "2027-01-15T08:00:00Z",
        "fieldsType": "FieldsV1", "fieldsV1": {"f:metadata": {"f:labels": {".": {}, "f:origin": {}}}}
    });
    object.set(&["metadata", "managedFields"], doc!([entry]));
    object
}

fn after(history: Vec<Step>) -> Document {
    let begin = begin();
    history.into_iter().fold(begin, |live, (writer, applies, spec)| {
        let writer = WRITERS[writer];
        if applies { forced(&live, spec, writer) } else { updated(&live, spec, &format!("{writer}-edit")) }
    })
}

/// The spec without the order of its lists, which the writers do not decide together.
fn sorted(mut spec: Document) -> Document {
    if let Some(list) = spec.get_mut("containers").and_then(Document::as_array_mut) {
        for container in list.iter_mut() {
            if let Some(ports) = container.get_mut("ports").and_then(Document::as_array_mut) {
                ports.sort_by_key(|port| port.i64_at(&["containerPort"]));
            }
        }
        list.sort_by(|a, b| a.str_at(&["name"]).cmp(b.str_at(&["name"])));
    }
    if let Some(list) = spec.get_mut("finalizers").and_then(Document::as_array_mut) {
        list.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    }
    spec
}

proptest! {
    #[test]
    fn applying_again_changes_nothing_and_conflicts_with_nobody(history in histories(), spec in specs()) {
        let once = forced(&after(history), spec.clone(), "alice");
        let again = applied(Some(&once), spec, "alice");
        prop_assert_eq!(again.ok(), Some(once));
    }

    #[test]
    fn an_applier_owns_what_it_says_and_nothing_else(history in histories(), spec in specs()) {
        let result = forced(&after(history), spec.clone(), "alice");
        let alone = forced(&begin(), spec, "alice");
        prop_assert_eq!(owned(&result, "alice"), owned(&alone, "alice"));
    }

    #[test]
    fn what_is_applied_is_there(history in histories(), spec in specs()) {
        let result = forced(&after(history), spec.clone(), "alice");
        prop_assert_eq!(merge::merge(&result, &object(spec), Some(&schema())), result);
    }

    #[test]
    fn nobody_owns_what_is_not_there(history in histories()) {
        let live = after(history);
        let mut bare = live.clone();
        bare.remove(&["metadata", "managedFields"]);
        let there = with_named_parents(&fields_of(&bare, Some(&schema())), Some(&schema()));
        for (manager, owned) in &Managers::of(&live).0 {
            let lost = owned.fields.difference(&there);
            prop_assert!(lost.is_empty(), "{:?} owns {:?} of {}", manager, lost.paths(), bare);
        }
    }

    #[test]
    fn without_conflict_force_makes_no_difference(history in histories(), spec in specs()) {
        let live = after(history);
        if let Ok(peaceful) = applied(Some(&live), spec.clone(), "alice") {
            prop_assert_eq!(peaceful, forced(&live, spec, "alice"));
        }
    }

    #[test]
    fn a_conflict_names_who_loses_by_force(history in histories(), spec in specs()) {
        let live = after(history);
        if let Err(ApplyError::Conflicts(conflicts)) = applied(Some(&live), spec.clone(), "alice") {
            prop_assert!(!conflicts.is_empty());
            let (before, result) = (Managers::of(&live), Managers::of(&forced(&live, spec, "alice")));
            for Conflict { manager, path, .. } in conflicts {
                prop_assert!(manager.name != "alice" || !update::applies(&manager));
                let of = |managers: &Managers| {
                    managers.0.get(&manager).is_some_and(|owned| owned.fields.paths().contains(&path))
                };
                prop_assert!(of(&before) && !of(&result), "{:?}", path);
            }
        }
    }

    #[test]
    fn appliers_that_share_nothing_make_the_union_of_their_last_words(
        words in vec((any::<bool>(), 0..5_i64, btree_map("[a-c]", "[xyz]", 1..3), btree_set("[a-c]", 1..3)), 1..6),
    ) {
        // Alice says replicas and containers a to c; Bob says containers that begin with his letter, and finalizers.
        let containers = |prefix: &str, images: &std::collections::BTreeMap<String, String>| -> Document {
            images.iter().map(|(name, image)| doc!({"name": (format!("{prefix}{name}")), "image": image.as_str()})).collect()
        };
        let mut live = begin();
        let mut last = [None, None];
        for (alice, replicas, images, finalizers) in &words {
            let (writer, spec) = if *alice {
                ("alice", doc!({"replicas": *replicas, "containers": (containers("", images))}))
            } else {
                let finalizers: Document = finalizers.iter().map(|text| Document::from(text.as_str())).collect();
                ("bob", doc!({"containers": (containers("b", images)), "finalizers": finalizers}))
            };
            live = applied(Some(&live), spec.clone(), writer)?;
            last[usize::from(!alice)] = Some(spec);
        }
        let union = last.into_iter().flatten().fold(object(doc!({})), |whole, spec| {
            merge::merge(&whole, &object(spec), Some(&schema()))
        });
        prop_assert_eq!(sorted(live["spec"].clone()), sorted(union["spec"].clone()));
    }

    #[test]
    fn what_two_say_stays_until_both_are_silent(history in histories(), spec in specs()) {
        let live = forced(&forced(&after(history), spec.clone(), "alice"), spec.clone(), "bob");
        let without_alice = forced(&live, doc!({}), "alice");
        prop_assert_eq!(merge::merge(&without_alice, &object(spec), Some(&schema())), without_alice.clone());
        prop_assert_eq!(owned(&without_alice, "bob"), owned(&live, "bob"));
    }

    #[test]
    fn an_update_owns_what_it_changes(history in histories(), replicas in 5..9_i64) {
        let live = after(history);
        let mut spec = live["spec"].clone();
        spec.insert("replicas", replicas);
        let result = updated(&live, spec, "editor");
        prop_assert_eq!(owned(&result, "editor"), doc!({"f:spec": {"f:replicas": {}}}));
        for writer in WRITERS {
            prop_assert!(owned(&result, writer).at(&["f:spec", "f:replicas"]).is_none());
        }
    }
}
