//! The pause before failed pods are replaced: ten seconds, doubled with each failure up to ten minutes.
//!
//! It starts anew after a success. Failures are remembered by this process only, as in upstream: after a restart those
//! that were counted before no longer hold anything up. Jobs whose indexes fail each for itself need no memory, for
//! their pods carry the count.

use super::job_pod::JobPod;
use jiff::{SignedDuration, Timestamp};
use skiff_apimachinery::Document;
use skiff_apimachinery::meta::ObjectKey;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

const FIRST: SignedDuration = SignedDuration::from_secs(10);
const LONGEST: SignedDuration = SignedDuration::from_mins(10);

/// How a Job's pods did of late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Backoff {
    /// Failures since the last success.
    failures: u32,
    /// When the last of them was.
    last: Option<Timestamp>,
}

/// How the pods of all Jobs did.
#[derive(Debug, Default)]
pub(super) struct Backoffs(HashMap<ObjectKey, Memory>);

#[derive(Debug, Default)]
struct Memory {
    job: String,
    backoff: Backoff,
    /// Pods that are in it and that may be seen as new again.
    seen: HashSet<String>,
}

/// How long to wait after so many failures, the last of which was then; `None` if that is over.
pub(super) fn pause(failures: u32, last: Timestamp, now: Timestamp) -> Option<Duration> {
    // Six doublings are beyond the longest pause.
    let pause = (FIRST * (1_i32 << failures.checked_sub(1)?.min(6))).min(LONGEST);
    let left = pause - now.duration_since(last);
    left.is_positive().then(|| left.unsigned_abs())
}

impl Backoff {
    /// How long to wait before failed pods are replaced.
    pub(super) fn pause(self, now: Timestamp) -> Option<Duration> {
        pause(self.failures, self.last?, now)
    }

    /// With pods that succeeded and failed since, by when they ended.
    fn with(self, succeeded: &[Timestamp], failed: &[Timestamp]) -> Self {
        let success = succeeded.iter().max();
        let before = if success.is_some() { Self::default() } else { self };
        let later = || failed.iter().filter(|failure| success.is_none_or(|success| *failure > success));
        let count = u32::try_from(later().count()).unwrap_or(u32::MAX);
        Self { failures: before.failures.saturating_add(count), last: later().max().copied().or(before.last) }
    }
}

impl Backoffs {
    /// Takes in the pods of a Job that ended and are not counted; each is taken in once.
    pub(super) fn update(&mut self, job: &Document, succeeded: &[&JobPod], failed: &[&JobPod]) -> Backoff {
        let memory = self.0.entry(job.key()).or_default();
        if memory.job != job.uid() {
            *memory = Memory { job: job.uid().to_owned(), ..Memory::default() };
        }
        let (succeeded_now, failed_now) = (memory.unseen(succeeded), memory.unseen(failed));
        memory.backoff = memory.backoff.with(&succeeded_now, &failed_now);
        memory.seen = succeeded.iter().chain(failed).map(|pod| pod.uid().to_owned()).collect();
        memory.backoff
    }

    /// Forgets a Job that is over.
    pub(super) fn forget(&mut self, job: &ObjectKey) {
        self.0.remove(job);
    }
}

impl Memory {
    /// When those of these pods ended that are new.
    fn unseen(&self, pods: &[&JobPod]) -> Vec<Timestamp> {
        pods.iter().filter(|pod| !self.seen.contains(pod.uid())).map(|pod| pod.finished_at()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::spec::Spec;
    use super::*;
    use skiff_apimachinery::doc;
    use skiff_client::Cached;
    use std::sync::Arc;

    fn at(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
    }

    #[test]
    fn pauses_double_up_to_ten_minutes() {
        let cases = [
            (0, 0, None),
            (1, 0, Some(10)),
            (1, 1, Some(9)),
            (1, 10, None),
            (1, 11, None),
            (2, 0, Some(20)),
            (3, 0, Some(40)),
            (6, 0, Some(320)),
            (7, 0, Some(600)),
            (8, 0, Some(600)),
            (u32::MAX, 1, Some(599)),
        ];
        for (failures, now, expected) in cases {
            let pause = pause(failures, at(0), at(now));
            assert_eq!(pause, expected.map(Duration::from_secs), "{failures} failures after {now}s");
        }
        assert_eq!(Backoff::default().pause(at(0)), None);
    }

    #[test]
    fn a_success_makes_up_for_the_failures_before_it() {
        let before = Backoff { failures: 2, last: Some(at(1)) };
        let cases = [
            ("nothing new", before, vec![], vec![], before),
            (
                "a first failure",
                Backoff::default(),
                vec![],
                vec![9],
                Backoff { failures: 1, last: Some(at(9)) },
            ),
            (
                "two failures",
                Backoff::default(),
                vec![],
                vec![9, 8],
                Backoff { failures: 2, last: Some(at(9)) },
            ),
            ("one more failure", before, vec![], vec![9], Backoff { failures: 3, last: Some(at(9)) }),
            ("a success", before, vec![5], vec![], Backoff::default()),
            ("a success after failures", before, vec![9], vec![7, 8], Backoff::default()),
            ("both at a time", before, vec![9], vec![9], Backoff::default()),
            (
                "failures after a success",
                before,
                vec![5],
                vec![9, 3, 4, 8],
                Backoff { failures: 2, last: Some(at(9)) },
            ),
        ];
        for (case, before, succeeded, failed, expected) in cases {
            let times = |seconds: Vec<i64>| -> Vec<Timestamp> { seconds.into_iter().map(at).collect() };
            assert_eq!(before.with(&times(succeeded), &times(failed)), expected, "{case}");
        }
    }

    fn failed(name: &str) -> JobPod {
        let pod = doc!({
            "metadata": {"name": name, "uid": name, "creationTimestamp": "1970-01-01T00:00:07Z"},
            "status": {"phase": "Failed"}
        });
        JobPod::owned(Arc::new(Cached::decode(Arc::new(pod)).unwrap()), Spec::of(&doc!({})))
    }

    #[test]
    fn a_pod_is_taken_in_once_and_a_new_job_of_the_name_starts_anew() {
        let job = |uid: &str| doc!({"metadata": {"name": "j", "namespace": "n", "uid": uid}});
        let (a, b) = (failed("a"), failed("b"));
        let mut backoffs = Backoffs::default();
        let mut update = |uid: &str, pods: &[&JobPod]| backoffs.update(&job(uid), &[], pods).failures;
        assert_eq!(update("1", &[&a]), 1);
        assert_eq!(update("1", &[&a]), 1);
        assert_eq!(update("1", &[&a, &b]), 2);
        assert_eq!(update("1", &[]), 2);
        assert_eq!(update("2", &[&b]), 1);
        backoffs.forget(&job("2").key());
        assert_eq!(backoffs.update(&job("2"), &[], &[]), Backoff::default());
    }

    #[test]
    fn a_pod_ended_when_its_last_container_did() {
        let time = |second: u8| format!("1970-01-01T00:00:0{second}Z");
        let terminated =
            |second: u8| doc!({"state": {"terminated": {"exitCode": 1, "finishedAt": time(second)}}});
        let running = || doc!({"state": {"running": {}}});
        let ready = |status: &str| doc!([{"type": "Ready", "status": status, "lastTransitionTime": time(4)}]);
        let deleted = doc!({
            "name": "p", "creationTimestamp": time(1), "deletionTimestamp": time(9), "deletionGracePeriodSeconds": 2
        });
        let created = doc!({"name": "p", "creationTimestamp": time(1)});
        let cases = [
            ("containers", &deleted, vec![terminated(5), terminated(6), terminated(3)], "False", 6),
            ("one runs", &deleted, vec![terminated(5), running()], "False", 4),
            ("none tells", &deleted, vec![], "False", 4),
            ("ready", &deleted, vec![running()], "True", 7),
            ("created only", &created, vec![running()], "True", 1),
        ];
        for (case, metadata, containers, status, expected) in cases {
            let pod = doc!({
                "metadata": (metadata.clone()),
                "status": {"containerStatuses": containers, "conditions": (ready(status))}
            });
            let pod = Arc::new(Cached::decode(Arc::new(pod)).unwrap());
            let pod = JobPod::owned(pod, Spec::of(&doc!({})));
            assert_eq!(pod.finished_at(), at(expected), "{case}");
        }
    }
}
