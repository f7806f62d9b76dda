//! Deployments rolled out step by step against simulated ReplicaSets, and tables for single decisions.

use super::*;
use crate::plan::{Failure, Write};
use skiff_apimachinery::{Document, doc};
use skiff_client::Verb;

fn at(second: i64) -> Timestamp {
    "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(second)
}

fn deployment(replicas: i64, surge: Document, unavailable: Document) -> Document {
    doc!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "n", "uid": "d", "generation": 1, "resourceVersion": "1"},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "v1"}]}},
            "revisionHistoryLimit": 2, "progressDeadlineSeconds": 600
        }
    })
}

/// A cluster in which a ReplicaSet's pods start, get ready and go at random moments.
struct Sailor {
    deployment: Document,
    sets: Vec<Set>,
    second: i64,
    seed: u64,
    told: Vec<String>,
}

struct Set {
    object: Document,
    /// For each pod whether it is ready.
    pods: Vec<bool>,
}

impl Sailor {
    fn new(deployment: Document, seed: u64) -> Self {
        Self {
            deployment,
            sets: Vec::new(),
            second: 0,
            seed: seed.wrapping_mul(0x9e37_79b9).wrapping_add(1),
            told: Vec::new(),
        }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % below
    }

    fn world(&self) -> World {
        let cached = |doc: &Document| Arc::new(Cached::decode(Arc::new(doc.clone())).unwrap());
        let deployment: Arc<Cached<Deployment>> =
            Arc::new(Cached::decode(Arc::new(self.deployment.clone())).unwrap());
        let sets: Vec<CachedSet> = self.sets.iter().map(|set| cached(&set.object)).collect();
        let name = template::set_name(&deployment);
        World {
            homonym: sets.iter().find(|set| set.name() == name).cloned(),
            sets: ownership::claim(&deployment, &selector_of(&deployment), sets),
            running_pods: self
                .sets
                .iter()
                .flat_map(|set| vec![set.object.uid().to_owned(); set.pods.len()])
                .collect(),
            deployment,
        }
    }

    /// One sync; tells whether it wrote anything.
    fn sync(&mut self) -> bool {
        self.second += 1;
        let world = self.world();
        let plan = DeploymentController::plan(&world, at(self.second));
        let conclusion = DeploymentController::conclude(&world, &Report::default(), at(self.second));
        let writes: Vec<Write> = plan.writes().chain(conclusion.writes()).cloned().collect();
        writes.iter().for_each(|write| self.apply(write));
        !writes.is_empty()
    }

    fn apply(&mut self, write: &Write) {
        self.told.extend(write.success.iter().map(|notice| notice.message.clone()));
        let call = &write.call;
        let body = call.body.clone().unwrap();
        match (&*call.resource.kind, call.verb, call.subresource.as_str()) {
            ("ReplicaSet", Verb::Create, _) => {
                let mut object = body;
                object.set(&["metadata", "uid"], object.name().to_owned());
                object.set(&["metadata", "generation"], 1);
                object.set(
                    &["metadata", "creationTimestamp"],
                    skiff_apimachinery::time::format_time(at(self.second)),
                );
                self.sets.push(Set { object, pods: Vec::new() });
            }
            ("ReplicaSet", Verb::Update, _) => {
                let set = self.sets.iter_mut().find(|set| set.object.name() == call.name).unwrap();
                let changed = set.object["spec"] != body["spec"];
                let generation = set.object.generation() + i64::from(changed);
                set.object = body;
                set.object.set(&["metadata", "generation"], generation);
            }
            ("ReplicaSet", Verb::Delete, _) => self.sets.retain(|set| set.object.name() != call.name),
            ("Deployment", Verb::Update, "status") => {
                self.deployment.insert("status", body["status"].clone());
                if let Some(revision) = body.annotation(revision::REVISION) {
                    self.deployment.set(&["metadata", "annotations", revision::REVISION], revision);
                }
            }
            other => panic!("unexpected write {other:?}"),
        }
    }

    /// The ReplicaSet controller and the kubelet do something, somewhere.
    fn elapse(&mut self) {
        for i in 0..self.sets.len() {
            let dice = self.random(4);
            let set = &mut self.sets[i];
            let wanted = set.object.i64_at(&["spec", "replicas"]).unwrap() as usize;
            match dice {
                0 => {
                    set.pods.sort_unstable(); // unready pods go first
                    let surplus = set.pods.len().saturating_sub(wanted);
                    set.pods.drain(..surplus);
                    set.pods.resize(wanted, false);
                }
                1 => {
                    if let Some(pod) = set.pods.iter_mut().find(|ready| !**ready) {
                        *pod = true;
                    }
                }
                _ => {
                    let ready = set.pods.iter().filter(|ready| **ready).count();
                    let generation = set.object.generation();
                    set.object.insert(
                        "status",
                        doc!({"replicas": set.pods.len(), "readyReplicas": ready,
                        "availableReplicas": ready, "observedGeneration": generation}),
                    );
                }
            }
        }
    }

    fn available(&self) -> usize {
        self.sets.iter().flat_map(|set| &set.pods).filter(|ready| **ready).count()
    }

    fn wanted(&self) -> i64 {
        self.sets.iter().map(|set| set.object.i64_at(&["spec", "replicas"]).unwrap()).sum()
    }

    fn condition(&self, kind: &str) -> (&str, &str) {
        let conditions = self.deployment.array_at(&["status", "conditions"]);
        let found = conditions.iter().find(|c| c.str_at(&["type"]) == kind);
        found.map_or(("", ""), |c| (c.str_at(&["status"]), c.str_at(&["reason"])))
    }

    fn complete(&self) -> bool {
        let world = self.world();
        let rollout = Rollout::of(&world);
        status::is_complete(&rollout, &self.deployment["status"])
            && self.condition("Progressing").1 == "NewReplicaSetAvailable"
    }

    /// Sails until the rollout is complete; checks a law before each sync.
    fn sail(&mut self, law: impl Fn(&Self)) {
        for _ in 0..5000 {
            self.sync();
            law(self);
            self.elapse();
            law(self);
            if self.complete() {
                while self.sync() {}
                return;
            }
        }
        panic!(
            "never completes: {} sets {:?}",
            self.deployment,
            self.sets
                .iter()
                .map(|s| (s.object["spec"]["replicas"].clone(), s.pods.clone()))
                .collect::<Vec<_>>()
        );
    }

    fn change(&mut self, path: &[&str], value: impl Into<Document>) {
        self.deployment.set(path, value);
        let generation = self.deployment.generation() + 1;
        self.deployment.set(&["metadata", "generation"], generation);
    }

    fn image(&mut self, image: &str) {
        self.change(&["spec", "template", "spec", "containers"], doc!([{"name": "c", "image": image}]));
    }

    fn revisions(&self) -> Vec<(&str, i64)> {
        self.sets
            .iter()
            .map(|set| {
                (
                    set.object.annotation(revision::REVISION).unwrap(),
                    set.object.i64_at(&["spec", "replicas"]).unwrap(),
                )
            })
            .collect()
    }
}

#[test]
fn a_rollout_keeps_its_bounds_at_every_step() {
    let percent = |n: u64| doc!(format!("{n}%"));
    for seed in 0..60 {
        let mut dice = Sailor::new(Document::object(), seed);
        let replicas = 1 + dice.random(12) as i64;
        let (surge, unavailable) = if seed % 2 == 0 {
            (doc!(dice.random(4)), doc!(dice.random(4)))
        } else {
            (percent(dice.random(101)), percent(dice.random(101)))
        };
        let mut sailor = Sailor::new(deployment(replicas, surge, unavailable), seed);
        sailor.sail(|_| ());
        let world = sailor.world();
        let rollout = Rollout::of(&world);
        let (most, least) = (replicas + rollout.max_surge, replicas - rollout.max_unavailable);
        for image in ["v2", "v3"] {
            sailor.image(image);
            sailor.sail(|sailor| {
                assert!(sailor.wanted() <= most, "seed {seed}: {} wanted of at most {most}", sailor.wanted());
                assert!(
                    sailor.available() as i64 >= least,
                    "seed {seed}: {} available of at least {least}",
                    sailor.available()
                );
            });
        }
        assert_eq!(sailor.condition("Available"), ("True", "MinimumReplicasAvailable"));
    }
}

#[test]
fn a_rollover_in_the_middle_of_a_rollout_keeps_the_bounds() {
    for seed in 0..25 {
        let mut sailor = Sailor::new(deployment(6, doc!(2), doc!(1)), seed);
        sailor.sail(|_| ());
        for image in ["v2", "v3", "v4"] {
            sailor.image(image);
            for _ in 0..10 {
                sailor.sync();
                sailor.elapse();
                assert!(sailor.wanted() <= 8 && sailor.available() >= 5, "seed {seed}");
            }
        }
        sailor.sail(|sailor| assert!(sailor.wanted() <= 8 && sailor.available() >= 5, "seed {seed}"));
    }
}

#[test]
fn a_finished_rollout_is_idle() {
    let mut sailor = Sailor::new(deployment(3, doc!("25%"), doc!("25%")), 1);
    sailor.sail(|_| ());
    assert!(!sailor.sync());
    assert_eq!(sailor.told[0], format!("Scaled up replica set {} from 0 to 3", sailor.sets[0].object.name()));
    let message = sailor.deployment["status"]["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c.str_at(&["type"]) == "Progressing");
    assert_eq!(
        message.unwrap().str_at(&["message"]),
        format!("ReplicaSet {:?} has successfully progressed.", sailor.sets[0].object.name())
    );
}

#[test]
fn a_rollback_reuses_the_replica_set_with_a_new_revision() {
    let mut sailor = Sailor::new(deployment(3, doc!(1), doc!(0)), 2);
    sailor.sail(|_| ());
    sailor.image("v2");
    sailor.sail(|_| ());
    assert_eq!(sailor.revisions(), [("1", 0), ("2", 3)]);
    sailor.image("v1");
    sailor.sail(|_| ());
    assert_eq!(sailor.revisions(), [("3", 3), ("2", 0)]);
    assert_eq!(sailor.sets[0].object.annotation("deployment.kubernetes.io/revision-history"), Some("1"));
    assert_eq!(sailor.deployment.annotation(revision::REVISION), Some("3"));
}

#[test]
fn history_beyond_the_limit_is_deleted() {
    let mut sailor = Sailor::new(deployment(2, doc!(1), doc!(0)), 3);
    for image in ["v1", "v2", "v3", "v4", "v5"] {
        sailor.image(image);
        sailor.sail(|_| ());
    }
    while sailor.second < 10_000 && (sailor.sets.len() > 3 || sailor.sync()) {
        sailor.sync();
        sailor.elapse();
    }
    let revisions: Vec<&str> = sailor.revisions().into_iter().map(|(revision, _)| revision).collect();
    assert_eq!(revisions, ["3", "4", "5"]);
}

#[test]
fn recreate_never_runs_two_templates_at_once() {
    for seed in 0..25 {
        let mut object = deployment(4, Document::NULL, Document::NULL);
        object.set(&["spec", "strategy"], doc!({"type": "Recreate"}));
        let mut sailor = Sailor::new(object, seed);
        sailor.sail(|_| ());
        sailor.image("v2");
        sailor.sail(|sailor| {
            let running = sailor.sets.iter().filter(|set| !set.pods.is_empty()).count();
            assert!(running <= 1, "seed {seed}");
        });
    }
}

#[test]
fn scaling_in_the_middle_of_a_rollout_is_proportional() {
    // Upstream's documented example: 10 replicas, surge 3, 8 old and 5 new; scaled to 15 they become 11 and 7.
    let mut sailor = Sailor::new(deployment(10, doc!(3), doc!(2)), 4);
    sailor.sail(|_| ());
    sailor.image("v2");
    sailor.sync();
    while sailor.sync() {}
    let sizes: Vec<i64> = sailor.revisions().into_iter().map(|(_, size)| size).collect();
    assert_eq!(sizes, [8, 5]);
    sailor.change(&["spec", "replicas"], 15);
    sailor.sync();
    let sizes: Vec<i64> = sailor.revisions().into_iter().map(|(_, size)| size).collect();
    assert_eq!(sizes, [11, 7]);
}

#[test]
fn a_paused_deployment_scales_but_does_not_roll() {
    let mut sailor = Sailor::new(deployment(3, doc!(1), doc!(1)), 5);
    sailor.sail(|_| ());
    sailor.change(&["spec", "paused"], true);
    sailor.image("v2");
    sailor.change(&["spec", "replicas"], 5);
    while sailor.sync() {}
    assert_eq!(sailor.revisions(), [("1", 5)]);
    assert_eq!(sailor.condition("Progressing"), ("Unknown", "DeploymentPaused"));
    sailor.change(&["spec", "paused"], false);
    sailor.sync();
    assert!(sailor.sets.len() == 2);
    assert_eq!(sailor.condition("Progressing").1, "NewReplicaSetCreated");
}

#[test]
fn a_rollout_without_progress_times_out() {
    let mut sailor = Sailor::new(deployment(3, doc!(1), doc!(1)), 6);
    while sailor.sync() {}
    assert_eq!(sailor.condition("Progressing"), ("True", "NewReplicaSetCreated"));
    let world = sailor.world();
    let waits = DeploymentController::conclude(&world, &Report::default(), at(sailor.second)).requeue_after;
    let waits = waits.unwrap().as_secs() as i64;
    assert!((595..=601).contains(&waits), "{waits}");
    sailor.second += waits;
    sailor.sync();
    assert_eq!(sailor.condition("Progressing"), ("False", "ProgressDeadlineExceeded"));
    sailor.sail(|_| ());
    assert_eq!(sailor.condition("Progressing"), ("True", "NewReplicaSetAvailable"));
}

#[test]
fn a_taken_name_counts_a_collision() {
    let mut sailor = Sailor::new(deployment(1, doc!(1), doc!(1)), 7);
    let world = sailor.world();
    let name = template::set_name(&world.deployment);
    let stranger = doc!({"metadata": {"name": name.as_str(), "namespace": "n", "uid": "x"}, "spec": {"replicas": 0, "selector": {}}});
    sailor.sets.push(Set { object: stranger, pods: Vec::new() });
    sailor.sync();
    assert_eq!(sailor.deployment.i64_at(&["status", "collisionCount"]), Some(1));
    sailor.sync();
    assert_eq!(sailor.sets.len(), 2);
    assert_ne!(sailor.sets[1].object.name(), name);
}

#[test]
fn a_refused_replica_set_shows_in_the_status() {
    let sailor = Sailor::new(deployment(1, doc!(1), doc!(1)), 8);
    let world = sailor.world();
    let plan = DeploymentController::plan(&world, at(0));
    let call = plan.writes().next().unwrap().call.clone();
    let status = Status::new(403, skiff_apimachinery::Reason::Forbidden, "exceeded quota");
    let report = Report { failures: vec![Failure { call, status }], ..Report::default() };
    let conclusion = DeploymentController::conclude(&world, &report, at(0));
    let written = conclusion.writes().next().unwrap().call.body.clone().unwrap();
    let conditions = written.array_at(&["status", "conditions"]);
    let progressing = conditions.iter().find(|c| c.str_at(&["type"]) == "Progressing").unwrap();
    assert_eq!(
        (progressing.str_at(&["status"]), progressing.str_at(&["reason"])),
        ("False", "ReplicaSetCreateError")
    );
}

#[test]
fn a_deployment_that_selects_everything_is_refused() {
    let mut object = deployment(1, doc!(1), doc!(1));
    object.set(&["spec", "selector"], Document::object());
    let sailor = Sailor::new(object, 9);
    let plan = DeploymentController::plan(&sailor.world(), at(0));
    let [Action::Tell(notice)] = plan.actions.as_slice() else { panic!("{plan:?}") };
    assert_eq!(notice.reason, "SelectingAll");
}
