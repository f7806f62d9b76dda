//! Laws of strategic merge, on random objects and patches of a small kind.

use super::tests::{patched, schema};
use super::*;
use crate::{doc, patch::apply_merge_patch};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeSet;

fn texts(of: &BTreeSet<String>) -> Document {
    of.iter().map(|text| Document::from(text.as_str())).collect()
}

prop_compose! {
    fn container()(name in "[a-e]", image in option::of("[xyz]"), args in option::of(vec("[pq]", 0..3))) -> Document {
        let mut container = doc!({"name": name});
        if let Some(image) = image {
            container.insert("image", image);
        }
        if let Some(args) = args {
            container.insert("args", args.into_iter().map(Document::from).collect::<Document>());
        }
        container
    }
}

/// Containers whose names differ.
fn containers() -> impl Strategy<Value = Vec<Document>> {
    vec(container(), 0..5).prop_map(|mut list| {
        let mut seen = BTreeSet::new();
        list.retain(|container| seen.insert(container.str_at(&["name"]).to_owned()));
        list
    })
}

prop_compose! {
    /// An object as it is stored.
    fn objects()(
        containers in option::of(containers()),
        finalizers in option::of(btree_set("[a-d]", 0..4)),
        labels in option::of(btree_map("[a-c]", "[xy]", 0..3)),
        kind in option::of("[RS]"),
    ) -> Document {
        let mut object = Document::object();
        if let Some(containers) = containers {
            object.insert("containers", Document::from(containers));
        }
        if let Some(finalizers) = finalizers {
            object.insert("finalizers", texts(&finalizers));
        }
        if let Some(labels) = labels {
            let labels: Document = labels.into_iter().map(|(key, value)| (key, Document::from(value))).collect();
            object.insert("labels", labels);
        }
        if let Some(kind) = kind {
            object.insert("strategy", doc!({"type": kind}));
        }
        object
    }
}

prop_compose! {
    /// A patch: an object in which anything may be a directive.
    fn patches()(
        mut patch in objects(),
        removed in option::of(btree_set("[a-d]", 1..3)),
        deleted in option::of("[a-e]"),
        replace in any::<bool>(),
        forgotten in option::of("[a-c]"),
        retain in any::<bool>(),
        order in any::<bool>(),
    ) -> Document {
        if let Some(removed) = removed {
            // What is taken out is not put in as well.
            let keep = |element: &Document| element.as_str().is_none_or(|text| !removed.contains(text));
            if let Some(list) = patch.get_mut("finalizers").and_then(Document::as_array_mut) {
                list.retain(keep);
            }
            patch.insert("$deleteFromPrimitiveList/finalizers", texts(&removed));
        }
        if order && let Some(list) = patch.get("containers").and_then(Document::as_array) {
            let names: Document = list.iter().map(|container| doc!({"name": (container["name"].clone())})).collect();
            patch.insert("$setElementOrder/containers", names);
        }
        if let Some(list) = patch.get_mut("containers").and_then(Document::as_array_mut) {
            if let Some(name) = deleted {
                list.retain(|container| container.str_at(&["name"]) != name);
                list.push(doc!({"name": name, "$patch": "delete"}));
            } else if replace {
                list.push(doc!({"$patch": "replace"}));
            }
        }
        if let (Some(key), Some(labels)) = (forgotten, patch.get_mut("labels")) {
            labels.insert(key, doc!(null));
        }
        if retain && let Some(strategy) = patch.get_mut("strategy") {
            strategy.insert("$retainKeys", doc!(["type"]));
        }
        patch
    }
}

fn names(object: &Document) -> Vec<&str> {
    object.array_at(&["containers"]).iter().map(|container| container.str_at(&["name"])).collect()
}

proptest! {
    #[test]
    fn an_empty_patch_changes_nothing(live in objects()) {
        prop_assert_eq!(patched(live.clone(), doc!({}))?, live);
    }

    #[test]
    fn patching_twice_is_patching_once(live in objects(), patch in patches()) {
        let once = patched(live, patch.clone())?;
        prop_assert_eq!(patched(once.clone(), patch)?, once);
    }

    #[test]
    fn patches_of_different_fields_may_come_in_any_order(live in objects(), patch in patches(), at in any::<Index>()) {
        let fields = ["containers", "finalizers", "labels", "strategy"];
        let about = |key: &str| fields.iter().position(|field| key.ends_with(field)).unwrap_or(0);
        let (mut one, mut other) = (Document::object(), Document::object());
        for (key, value) in patch.into_object() {
            let part = if about(&key) <= at.index(fields.len()) { &mut one } else { &mut other };
            part.insert(key, value);
        }
        let first = patched(patched(live.clone(), one.clone())?, other.clone())?;
        let second = patched(patched(live, other)?, one)?;
        prop_assert_eq!(first, second);
    }

    #[test]
    fn without_lists_and_directives_it_is_a_merge_patch(live in objects(), patch in patches()) {
        let plain = |mut object: Document| {
            if let Some(map) = object.as_object_mut() {
                map.retain(|key, _| matches!(key, "labels" | "strategy"));
            }
            object.remove(&["strategy", "$retainKeys"]);
            object
        };
        let (live, patch) = (plain(live), plain(patch));
        let mut merged = live.clone();
        apply_merge_patch(&mut merged, &patch);
        prop_assert_eq!(patched(live, patch)?, merged);
    }

    #[test]
    fn no_name_comes_twice_and_nobody_is_lost(live in objects(), patch in patches()) {
        let result = patched(live.clone(), patch.clone())?;
        let found = names(&result);
        let distinct: BTreeSet<&str> = found.iter().copied().collect();
        prop_assert_eq!(distinct.len(), found.len());
        let changes = patch.array_at(&["containers"]);
        let directive = |kind: &str, change: &Document| change.str_at(&["$patch"]) == kind;
        let replaced = changes.iter().any(|change| directive("replace", change));
        let gone = |name: &str| changes.iter().any(|change| directive("delete", change) && change.str_at(&["name"]) == name);
        for name in names(&live) {
            let named = changes.iter().any(|change| change.str_at(&["name"]) == name && !directive("delete", change));
            prop_assert_eq!(found.contains(&name), named || !(replaced || gone(name)), "{}", name);
        }
    }

    #[test]
    fn the_named_order_is_the_order(live in objects(), patch in patches()) {
        let order: Vec<String> = patch
            .array_at(&["$setElementOrder/containers"])
            .iter()
            .map(|element| element.str_at(&["name"]).to_owned())
            .collect();
        let result = patched(live, patch)?;
        let found: Vec<&str> = names(&result).into_iter().filter(|name| order.iter().any(|other| other == name)).collect();
        let wanted: Vec<&str> = order.iter().map(String::as_str).filter(|name| found.contains(name)).collect();
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn what_a_patch_does_not_name_stays(live in objects(), patch in patches()) {
        let result = patched(live.clone(), patch.clone())?;
        for (key, value) in live.clone().into_object() {
            if !patch.as_object().is_some_and(|patch| patch.keys().any(|name| name.ends_with(&*key))) {
                prop_assert_eq!(&result[&*key], &value);
            }
        }
    }

    #[test]
    fn any_document_is_survived(live in objects(), patch in patches(), key in "(\\$patch|\\$retainKeys|\\$setElementOrder/containers|containers|labels)", value in patches()) {
        let mut patch = patch;
        patch.insert(key, value);
        let _ = apply_strategic_merge_patch(&mut live.clone(), &patch, &schema());
    }
}
