//! How many replicas bring use to its target.
//!
//! The base rule is `ceil(replicas * use / target)`, kept back where the truth is not known: pods whose use is unknown are
//! taken to use nothing when the target would grow and to use all they may when it would shrink, and nothing changes if
//! that turns the direction or the change is within the tolerance.

use super::behavior::Tolerances;
use super::groups::{Delays, Groups};
use super::metrics::Samples;
use super::requests::{self, Requests};
use crate::pods::{self, CachedPod};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// What the calculation needs to know beside use.
pub(super) struct Setting<'w> {
    /// The namespace of all that is looked at.
    pub(super) namespace: &'w str,
    /// The pods of the target.
    pub(super) pods: &'w [CachedPod],
    /// The replicas that the target is to have.
    pub(super) current: i64,
    /// The replicas that the target has.
    pub(super) present: i64,
    pub(super) tolerances: Tolerances,
    pub(super) delays: Delays,
    pub(super) now: Timestamp,
}

/// Use against requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Utilization {
    /// In percent of what is requested.
    pub(super) percent: i64,
    /// In thousandths, for each pod.
    pub(super) average: i64,
}

/// Amounts by pod, from samples and from assumptions.
type Amounts<'s> = BTreeMap<&'s str, i64>;

/// What comes of comparing use with its target.
struct Comparison<U> {
    ratio: f64,
    used: U,
}

impl Setting<'_> {
    /// Replicas for a percentage of what pods request.
    ///
    /// # Errors
    /// In upstream's words, if use and requests do not go together.
    pub(super) fn for_utilization(
        &self,
        samples: &Samples,
        (resource, container): (&str, &str),
        target: i64,
    ) -> Result<(i64, Utilization), String> {
        let (groups, mut amounts) = self.counting(samples, resource)?;
        let requests = requests::of(self.pods, container, resource)?;
        let first = utilization(&amounts, &requests, target)?;
        // What is unknown is assumed to be all that a pod may use, and at least what it asks for.
        let all = target.max(100);
        let assumed = |pod: &str| requests.get(pod).copied().unwrap_or(0).saturating_mul(all) / 100;
        if let Some(settled) = self.settled(&groups, first.ratio) {
            return Ok((settled, first.used));
        }
        self.assume(&groups, first.ratio, &mut amounts, assumed);
        let second = utilization(&amounts, &requests, target)?;
        Ok((self.resized(first.ratio, second.ratio, amounts.len()), first.used))
    }

    /// Replicas for an amount for each pod; also returns the average.
    ///
    /// # Errors
    /// In upstream's words, if there is no use of any pod that counts.
    pub(super) fn for_average(
        &self,
        samples: &Samples,
        resource: &str,
        target: i64,
    ) -> Result<(i64, i64), String> {
        let (groups, mut amounts) = self.counting(samples, resource)?;
        let first = average(&amounts, target);
        if let Some(settled) = self.settled(&groups, first.ratio) {
            return Ok((settled, first.used));
        }
        self.assume(&groups, first.ratio, &mut amounts, |_| target);
        let second = average(&amounts, target);
        Ok((self.resized(first.ratio, second.ratio, amounts.len()), first.used))
    }

    /// Replicas for an amount that all pods cause together.
    ///
    /// # Errors
    /// In upstream's words, if the target has no pods.
    pub(super) fn for_total(&self, used: i64, target: i64) -> Result<i64, String> {
        let ratio = used as f64 / target as f64;
        if self.current == 0 {
            return Ok(up(ratio));
        }
        if self.tolerances.allow(ratio) {
            return Ok(self.current);
        }
        if self.pods.is_empty() {
            let why = "no pods returned by selector while calculating replica count";
            return Err(format!("unable to calculate ready pods: {why}"));
        }
        let ready = |pod: &&CachedPod| pods::phase(pod) == "Running" && pods::is_ready(pod);
        Ok(up(ratio * self.pods.iter().filter(ready).count() as f64))
    }

    /// Replicas for each of which there is to be so much of an amount; also returns how much there is for each.
    pub(super) fn for_share(&self, used: i64, target: i64) -> (i64, i64) {
        let present = self.present as f64;
        let ratio = used as f64 / (target as f64 * present);
        let replicas =
            if self.tolerances.allow(ratio) { self.present } else { up(used as f64 / target as f64) };
        let share = if used == i64::MAX { used } else { (used as f64 / present.max(1.0)).ceil() as i64 };
        (replicas, share)
    }

    /// The pods by group, and the amounts of those that count.
    fn counting<'s>(&self, samples: &'s Samples, resource: &str) -> Result<(Groups<'s>, Amounts<'s>), String>
    where
        Self: 's,
    {
        if self.pods.is_empty() {
            return Err("no pods returned by selector while calculating replica count".to_owned());
        }
        let groups = Groups::of(self.pods, samples, resource, &self.delays, self.now);
        let left_out = |pod: &str| groups.ignored.contains(&pod) || groups.unready.contains(&pod);
        let amounts: Amounts<'s> = samples
            .iter()
            .filter(|(pod, _)| !left_out(pod))
            .map(|(pod, sample)| (pod.as_str(), sample.value))
            .collect();
        if amounts.is_empty() {
            return Err("did not receive metrics for targeted pods (pods might be unready)".to_owned());
        }
        Ok((groups, amounts))
    }

    /// The replicas, if nothing needs to be assumed.
    fn settled(&self, groups: &Groups<'_>, ratio: f64) -> Option<i64> {
        let grows_with_unready = !groups.unready.is_empty() && ratio > 1.0;
        if grows_with_unready || !groups.missing.is_empty() {
            return None;
        }
        let close = self.tolerances.allow(ratio);
        Some(if close { self.current } else { up(ratio * groups.ready as f64) })
    }

    /// Adds what pods are taken to use of which it is not known.
    fn assume<'s>(
        &self,
        groups: &Groups<'s>,
        ratio: f64,
        amounts: &mut Amounts<'s>,
        all: impl Fn(&str) -> i64,
    ) {
        if ratio < 1.0 {
            amounts.extend(groups.missing.iter().map(|pod| (*pod, all(pod))));
        } else if ratio > 1.0 {
            amounts.extend(groups.missing.iter().chain(&groups.unready).map(|pod| (*pod, 0)));
        }
    }

    /// The replicas after assumptions: they may hold a change back, but not turn it.
    fn resized(&self, first: f64, second: f64, pods: usize) -> i64 {
        let turned = (first < 1.0 && second > 1.0) || (first > 1.0 && second < 1.0);
        if self.tolerances.allow(second) || turned {
            return self.current;
        }
        let replicas = up(second * pods as f64);
        let turned = (second < 1.0 && replicas > self.current) || (second > 1.0 && replicas < self.current);
        if turned { self.current } else { replicas }
    }
}

fn utilization(
    amounts: &Amounts<'_>,
    requests: &Requests<'_>,
    target: i64,
) -> Result<Comparison<Utilization>, String> {
    let (mut used, mut requested, mut pods) = (0_i128, 0_i128, 0_i128);
    for (pod, amount) in amounts {
        // Amounts of pods that are not the target's.
        let Some(request) = requests.get(pod) else { continue };
        used += i128::from(*amount);
        requested += i128::from(*request);
        pods += 1;
    }
    if requested == 0 || pods == 0 {
        return Err("no metrics returned matched known pods".to_owned());
    }
    let whole = |number: i128| i64::try_from(number).unwrap_or(i64::MAX);
    let percent = whole(used * 100 / requested);
    let used = Utilization { percent, average: whole(used / pods) };
    Ok(Comparison { ratio: percent as f64 / target as f64, used })
}

/// Of amounts of which there is at least one.
fn average(amounts: &Amounts<'_>, target: i64) -> Comparison<i64> {
    let total: i128 = amounts.values().map(|amount| i128::from(*amount)).sum();
    let pods = i128::try_from(amounts.len().max(1)).unwrap_or(i128::MAX);
    let used = i64::try_from(total / pods).unwrap_or(i64::MAX);
    Comparison { ratio: used as f64 / target as f64, used }
}

/// A number of replicas, rounded up, at most what the API can say.
fn up(replicas: f64) -> i64 {
    (replicas.ceil() as i64).clamp(0, i64::from(i32::MAX))
}

#[cfg(test)]
mod tests;
