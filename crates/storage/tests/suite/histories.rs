//! Random histories compared with a model that is too simple to be wrong: a list of all writes.

use crate::steps::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use skiff_storage::{Expect, Op, Range, Revision, Storage, StorageError, TxnResult};
use std::collections::BTreeMap;

/// A step of a history, with keys out of a few so that they meet.
#[derive(Debug, Clone)]
pub enum Step {
    Create { key: u8 },
    Update { key: u8, stale: bool },
    Delete { key: u8, stale: bool },
    Compact { back: u64 },
}

/// What the store should hold: every write as (revision, key, value after it).
#[derive(Default)]
struct Model {
    start: Revision,
    writes: Vec<(Revision, String, Option<String>)>,
    compacted: Revision,
}

impl Model {
    fn now(&self) -> Revision {
        self.writes.last().map_or(self.start, |write| write.0)
    }

    fn at(&self, revision: Revision) -> BTreeMap<String, (Revision, String)> {
        let mut state = BTreeMap::new();
        for (written, key, value) in self.writes.iter().take_while(|write| write.0 <= revision) {
            match value {
                Some(value) => state.insert(key.clone(), (*written, value.clone())),
                None => state.remove(key),
            };
        }
        state
    }
}

pub fn step() -> impl Strategy<Value = Step> {
    let key = 0..5_u8;
    prop_oneof![
        4 => key.clone().prop_map(|key| Step::Create { key }),
        4 => (key.clone(), prop::bool::weighted(0.2)).prop_map(|(key, stale)| Step::Update { key, stale }),
        2 => (key, prop::bool::weighted(0.2)).prop_map(|(key, stale)| Step::Delete { key, stale }),
        1 => (0..8_u64).prop_map(|back| Step::Compact { back }),
    ]
}

/// Runs a history under a prefix and checks every read of every revision and every watch that can be started.
pub async fn check(store: &dyn Storage, prefix: &str, steps: &[Step]) {
    let mut model = Model { start: store.revision().await.unwrap(), ..Model::default() };
    for (n, step) in steps.iter().enumerate() {
        take(store, &mut model, prefix, step, &format!("v{n}")).await;
    }
    for revision in model.start..=model.now() {
        check_past(store, &model, prefix, revision).await;
        check_watch(store, &model, prefix, revision + 1).await;
    }
}

async fn take(store: &dyn Storage, model: &mut Model, prefix: &str, step: &Step, text: &str) {
    let (key, stale, op) = match *step {
        Step::Compact { back } => {
            let before = model.now().saturating_sub(back).max(model.start);
            store.compact(before).await.unwrap();
            model.compacted = model.compacted.max(before);
            return;
        }
        Step::Create { key } => {
            let key = format!("{prefix}{key}");
            let held = model.at(model.now()).contains_key(&key);
            match write(store, &key, Expect::Absent, value(text)).await {
                TxnResult::Committed { revision } if !held => {
                    model.writes.push((revision, key, Some(text.to_owned())))
                }
                TxnResult::Failed { current: Some(_), .. } if held => {}
                other => panic!("{step:?}: {other:?}"),
            }
            return;
        }
        Step::Update { key, stale } => (key, stale, value(text)),
        Step::Delete { key, stale } => (key, stale, Op::Delete),
    };
    let key = format!("{prefix}{key}");
    let after = matches!(op, Op::Put { .. }).then(|| text.to_owned());
    let held = model.at(model.now()).get(&key).cloned();
    let last = held.as_ref().map_or(model.now(), |held| held.0);
    // Revision 0 would stand for an absent key.
    let expect = Expect::ModRevision(if stale { (last - 1).max(1) } else { last });
    match write(store, &key, expect, op).await {
        TxnResult::Committed { revision } if held.is_some() && !stale => {
            model.writes.push((revision, key, after))
        }
        TxnResult::Failed { current, .. } if held.is_none() || stale => {
            let told =
                current.map(|state| (state.mod_revision, String::from_utf8(state.value.to_vec()).unwrap()));
            assert_eq!(told, held, "{step:?}");
        }
        other => panic!("{step:?}: {other:?}"),
    }
}

async fn check_past(store: &dyn Storage, model: &Model, keys: &str, revision: Revision) {
    let found = store.range(Range { revision: Some(revision), ..prefix(keys) }).await;
    if revision < model.compacted {
        assert!(matches!(found, Err(StorageError::Compacted { .. })), "at {revision}: {found:?}");
        return;
    }
    let found = found.unwrap();
    let wanted = model.at(revision);
    let told: BTreeMap<_, _> = found
        .items
        .iter()
        .map(|item| {
            (item.key.to_string(), (item.mod_revision, String::from_utf8(item.value.to_vec()).unwrap()))
        })
        .collect();
    assert_eq!(told, wanted, "at {revision}");
}

async fn check_watch(store: &dyn Storage, model: &Model, prefix: &str, from: Revision) {
    if from <= model.compacted {
        return;
    }
    let mut watcher = Watcher::start(store, prefix, from).await;
    for (revision, key, after) in model.writes.iter().filter(|write| write.0 >= from) {
        let before = model.at(revision - 1).get(key).map(|state| state.1.clone());
        let shown = |state: &Option<String>| state.clone().unwrap_or_else(|| "-".to_owned());
        let wanted = format!("{key} {}->{} @{revision}", shown(&before), shown(after));
        assert_eq!(told(&watcher.event().await), wanted, "in a watch from {from}");
    }
}

/// Runs `cases` random histories; `run` checks one of them on a store.
pub fn random(cases: u32, run: impl Fn(u32, Vec<Step>)) {
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let number = std::cell::Cell::new(0);
    runner
        .run(&prop::collection::vec(step(), 1..40), |steps| {
            number.set(number.get() + 1);
            run(number.get(), steps);
            Ok(())
        })
        .unwrap();
}

#[test]
fn random_histories_on_the_embedded_store_equal_the_model() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    random(24, |_, steps| {
        let store = crate::embedded_store::Fresh::open();
        runtime.block_on(check(&*store, "/k/", &steps));
    });
}

#[test]
fn random_histories_on_etcd_equal_the_model() {
    let Some(server) = skiff_testkit::etcd::EtcdServer::start() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(crate::etcd_server::connect(&server));
    random(6, |number, steps| {
        runtime.block_on(check(&store, &format!("/history{number}/"), &steps));
    });
}
