//! What an autoscaler does: whether its target gets another size, and what its conditions and events tell of that.

use super::behavior::{self, Direction, Rules, Tolerances};
use super::conditions::{Conditions, Kind};
use super::groups::Delays;
use super::proposal::{self, Failure, Proposal};
use super::replicas::Setting;
use super::{Autoscaler, Target};
use crate::plan::Notice;
use jiff::SignedDuration;
use skiff_apimachinery::selector::LabelSelector;
use skiff_apimachinery::{Document, doc};
use std::cmp::Ordering;

/// A target without a rule about it may double, but to four replicas it may grow at once.
const GROWTH: i64 = 2;
const FREE_GROWTH: i64 = 4;

/// What is decided.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Decision {
    /// The conditions, before the target is scaled.
    pub(super) conditions: Conditions,
    /// What is told.
    pub(super) notices: Vec<Notice>,
    /// What the status tells of metrics.
    pub(super) metrics: Vec<Document>,
    /// How the sizes of the status change.
    pub(super) sizes: Sizes,
    /// What the metrics ask for, before it was held back.
    pub(super) recommendation: Option<i64>,
}

/// What becomes of the sizes in the status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sizes {
    /// Nothing, for the target's is not known; the metrics stay too.
    Unknown,
    /// The target has this size, but what it is to have is not known.
    Current(i64),
    /// The target has the size that it is to have.
    Right(i64),
    /// The target gets another size.
    Rescale {
        /// The size that it has.
        from: i64,
        /// The size that it gets.
        to: i64,
        /// Why.
        reason: String,
    },
}

struct Decider<'w> {
    world: &'w Autoscaler,
    decision: Decision,
}

/// Decides. The same autoscaler always gets the same decision.
pub(super) fn of(world: &Autoscaler) -> Decision {
    let decision = Decision {
        conditions: Conditions::of(&world.object),
        notices: Vec::new(),
        metrics: Vec::new(),
        sizes: Sizes::Unknown,
        recommendation: None,
    };
    let mut decider = Decider { world, decision };
    match &world.target {
        Ok(target) => decider.decision.sizes = decider.sizes(target),
        Err(why) => decider.has_no_scale(why),
    }
    decider.decision
}

impl Decider<'_> {
    fn set(&mut self, kind: Kind, holds: bool, reason: &str, message: &str) {
        self.decision.conditions.set(kind, holds, reason, message, self.world.at);
    }

    fn warn(&mut self, reason: &'static str, message: &str) {
        self.decision.notices.push(Notice::warning(&self.world.object, reason, message));
    }

    fn has_no_scale(&mut self, why: &str) {
        self.warn("FailedGetScale", why);
        let message = format!("the HPA controller was unable to get the target's current scale: {why}");
        self.set(Kind::AbleToScale, false, "FailedGetScale", &message);
    }

    fn sizes(&mut self, target: &Target) -> Sizes {
        let message = "the HPA controller was able to get the target's current scale";
        self.set(Kind::AbleToScale, true, "SucceededGetScale", message);
        let (from, min, max) = (target.replicas(), self.world.min(), self.world.max());
        let rescale = |to: i64, reason: &str| Sizes::Rescale { from, to, reason: reason.to_owned() };
        if from == 0 && min != 0 {
            let message = "scaling is disabled since the replica count of the target is zero";
            self.set(Kind::ScalingActive, false, "ScalingDisabled", message);
            Sizes::Right(0)
        } else if from > max {
            rescale(max, "Current number of replicas above Spec.MaxReplicas")
        } else if from < min {
            rescale(min, "Current number of replicas below Spec.MinReplicas")
        } else {
            match self.proposal(target) {
                Ok(proposal) => self.limited(from, &proposal),
                Err(why) => {
                    self.warn("FailedComputeMetricsReplicas", &why);
                    Sizes::Current(from)
                }
            }
        }
    }

    /// What the metrics ask for: the largest of what each asks for. If some cannot be read, the others may make the target
    /// grow, but not shrink.
    fn proposal(&mut self, target: &Target) -> Result<Proposal, String> {
        self.check_selector(target)?;
        let world = self.world;
        let setting = world.setting(target);
        let metrics = world.object.array_at(&["spec", "metrics"]);
        let (mut best, mut first, mut invalid): (Option<Proposal>, Option<Failure>, usize) = (None, None, 0);
        for (metric, reading) in metrics.iter().zip(&target.readings) {
            match proposal::of(metric, reading, &setting) {
                Ok(proposal) => {
                    self.decision.metrics.push(proposal.status.clone());
                    let better = |best: &Proposal| best.replicas == 0 || proposal.replicas > best.replicas;
                    if best.as_ref().is_none_or(better) {
                        best = Some(proposal);
                    }
                }
                Err(failure) => {
                    self.decision.metrics.push(doc!({"type": ""}));
                    self.warn(failure.reason, &failure.cause);
                    invalid += 1;
                    first = first.or(Some(failure));
                }
            }
        }
        let best = best.unwrap_or(Proposal { replicas: 0, metric: String::new(), status: Document::NULL });
        if let Some(failure) = first
            && (invalid >= metrics.len() || best.replicas < target.replicas())
        {
            let message = format!("the HPA was unable to compute the replica count: {}", failure.cause);
            self.set(Kind::ScalingActive, false, failure.reason, &message);
            let (all, error) = (metrics.len(), failure.error);
            return Err(format!("invalid metrics ({invalid} invalid out of {all}), first error is: {error}"));
        }
        let message =
            format!("the HPA was able to successfully calculate a replica count from {}", best.metric);
        self.set(Kind::ScalingActive, true, "ValidMetricFound", &message);
        Ok(best)
    }

    /// The target must tell which pods it has, and no other autoscaler may have a part of them.
    fn check_selector(&mut self, target: &Target) -> Result<(), String> {
        let text = target.selector();
        let (event, reason, error, message) = if text.is_empty() {
            let error = "selector is required".to_owned();
            let message = "the HPA target's scale is missing a selector".to_owned();
            ("SelectorRequired", "InvalidSelector", error, message)
        } else if let Err(why) = LabelSelector::parse(text) {
            let error =
                format!("couldn't convert selector into a corresponding internal selector object: {why}");
            ("InvalidSelector", "InvalidSelector", error.clone(), error)
        } else if target.rivals.len() > 1 {
            let rivals: Vec<String> = target.rivals.iter().map(ToString::to_string).collect();
            let rivals = rivals.join(" ");
            let error = format!("pods by selector {text} are controlled by multiple HPAs: [{rivals}]");
            ("AmbiguousSelector", "AmbiguousSelector", error.clone(), error)
        } else {
            return Ok(());
        };
        self.warn(event, &error);
        self.set(Kind::ScalingActive, false, reason, &message);
        Err(error)
    }

    /// The proposal, held back as the behaviour and the limits say.
    fn limited(&mut self, from: i64, proposal: &Proposal) -> Sizes {
        let desired = proposal.replicas.max(0);
        self.decision.recommendation = Some(desired);
        let reason = match desired.cmp(&from) {
            Ordering::Greater => format!("{} above target", proposal.metric),
            Ordering::Less => "All metrics below target".to_owned(),
            Ordering::Equal => String::new(),
        };
        let to = match self.world.rules() {
            Some((up, down)) => self.limited_by_rules(from, desired, &up, &down),
            None => self.limited_by_default(from, desired),
        };
        if to == from { Sizes::Right(from) } else { Sizes::Rescale { from, to, reason } }
    }

    fn limited_by_default(&mut self, from: i64, desired: i64) -> i64 {
        let world = self.world;
        let window = world.downscale_stabilization();
        // Here a recommendation counts until the very end of the window, and the size does not count at all.
        let past = world.memory.recommendations.iter();
        let recent = past.filter(|past| world.at.duration_since(past.at) <= window);
        let stabilized = recent.map(|past| past.replicas).fold(desired, i64::max);
        self.tell_stabilized(desired, stabilized, Direction::Down);
        let fastest = from.saturating_mul(GROWTH).max(FREE_GROWTH);
        let max = world.max();
        let highest = if max > fastest { (fastest, UP_LIMIT) } else { (max, TOO_MANY) };
        self.tell_limited(stabilized, (world.min(), TOO_FEW), highest)
    }

    fn limited_by_rules(&mut self, from: i64, desired: i64, up: &Rules, down: &Rules) -> i64 {
        let world = self.world;
        let (past, rescales) = (&world.memory.recommendations, &world.memory.rescales);
        let stabilized = behavior::stabilized(past, (up.window, down.window), from, desired, world.at);
        let direction = if desired >= from { Direction::Up } else { Direction::Down };
        self.tell_stabilized(desired, stabilized, direction);
        let (min, max) = (world.min(), world.max());
        let (mut lowest, mut highest) = ((i64::MIN, TOO_FEW), (i64::MAX, TOO_MANY));
        if stabilized > from {
            let limit = up.limit(Direction::Up, from, rescales, world.at);
            highest = if max > limit { (limit, UP_LIMIT) } else { (max, TOO_MANY) };
        } else if stabilized < from {
            let limit = down.limit(Direction::Down, from, rescales, world.at);
            lowest = if min < limit { (limit, DOWN_LIMIT) } else { (min, TOO_FEW) };
        }
        self.tell_limited(stabilized, lowest, highest)
    }

    fn tell_stabilized(&mut self, desired: i64, stabilized: i64, direction: Direction) {
        let (reason, message) = match direction {
            _ if desired == stabilized => ("ReadyForNewScale", "recommended size matches current size"),
            Direction::Up => (
                "ScaleUpStabilized",
                "recent recommendations were lower than current one, applying the lowest recent recommendation",
            ),
            Direction::Down => (
                "ScaleDownStabilized",
                "recent recommendations were higher than current one, applying the highest recent recommendation",
            ),
        };
        self.set(Kind::AbleToScale, true, reason, message);
    }

    /// The size within the limits.
    fn tell_limited(&mut self, size: i64, lowest: (i64, Limit), highest: (i64, Limit)) -> i64 {
        let (limited, (reason, message)) = if size < lowest.0 {
            lowest
        } else if size > highest.0 {
            highest
        } else {
            (size, ("DesiredWithinRange", "the desired count is within the acceptable range"))
        };
        self.set(Kind::ScalingLimited, limited != size, reason, message);
        limited
    }
}

/// Why a size is held back: a reason and a text.
type Limit = (&'static str, &'static str);

const UP_LIMIT: Limit =
    ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate");
const DOWN_LIMIT: Limit =
    ("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate");
const TOO_MANY: Limit =
    ("TooManyReplicas", "the desired replica count is more than the maximum replica count");
const TOO_FEW: Limit = ("TooFewReplicas", "the desired replica count is less than the minimum replica count");

impl Autoscaler {
    fn min(&self) -> i64 {
        self.object.i64_at(&["spec", "minReplicas"]).unwrap_or(1)
    }

    fn max(&self) -> i64 {
        self.object.i64_at(&["spec", "maxReplicas"]).unwrap_or(0)
    }

    fn downscale_stabilization(&self) -> SignedDuration {
        let window = self.config.horizontal_pod_autoscaler_downscale_stabilization;
        SignedDuration::try_from(window).unwrap_or(SignedDuration::MAX)
    }

    /// The rules upwards and downwards, if the autoscaler has any.
    pub(super) fn rules(&self) -> Option<(Rules, Rules)> {
        let behavior = self.object.at(&["spec", "behavior"]).filter(|behavior| !behavior.is_null())?;
        let rules = |direction| Rules::of(behavior, direction, self.downscale_stabilization());
        Some((rules(Direction::Up), rules(Direction::Down)))
    }

    /// How far back recommendations and changes are looked at.
    pub(super) fn reach(&self) -> (SignedDuration, SignedDuration) {
        match self.rules() {
            Some((up, down)) => (up.window.max(down.window), up.longest_period().max(down.longest_period())),
            None => (self.downscale_stabilization(), SignedDuration::ZERO),
        }
    }

    /// Whether the metrics decide: the target is not switched off, nor outside of the limits.
    pub(super) fn is_metered(&self, replicas: i64) -> bool {
        let switched_off = replicas == 0 && self.min() != 0;
        !switched_off && (self.min()..=self.max()).contains(&replicas)
    }

    fn setting<'w>(&'w self, target: &'w Target) -> Setting<'w> {
        let config = &self.config;
        Setting {
            namespace: self.object.namespace(),
            pods: &target.pods,
            current: target.replicas(),
            present: target.scale.i64_at(&["status", "replicas"]).unwrap_or(0),
            tolerances: Tolerances::of(&self.object, config.horizontal_pod_autoscaler_tolerance),
            delays: Delays {
                cpu_initialization: config.horizontal_pod_autoscaler_cpu_initialization_period,
                initial_readiness: config.horizontal_pod_autoscaler_initial_readiness_delay,
            },
            now: self.at,
        }
    }
}

impl Target {
    /// The size that the target is to have.
    pub(super) fn replicas(&self) -> i64 {
        self.scale.i64_at(&["spec", "replicas"]).unwrap_or(0)
    }

    /// Which pods it has, as text.
    pub(super) fn selector(&self) -> &str {
        self.scale.str_at(&["status", "selector"])
    }
}
