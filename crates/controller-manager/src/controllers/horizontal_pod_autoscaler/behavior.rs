//! `spec.behavior`: how fast and after which hesitation a target may grow and shrink.

use super::memory::{Recommendation, Rescale};
use jiff::{SignedDuration, Timestamp};
use skiff_apimachinery::Document;
use skiff_apimachinery::quantity::Quantity;

/// The rules of one direction.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rules {
    /// How far back recommendations are looked at.
    pub(super) window: SignedDuration,
    policies: Vec<Policy>,
    select: Select,
}

/// How much may change in a period.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Policy {
    amount: Amount,
    period: SignedDuration,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Amount {
    Pods(i64),
    Percent(i64),
}

/// Which policy counts of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Select {
    /// The one that allows the largest change.
    Max,
    /// The one that allows the smallest change.
    Min,
    /// None: this direction is off.
    Disabled,
}

/// Up or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// More replicas.
    Up,
    /// Fewer replicas.
    Down,
}

impl Direction {
    fn field(self) -> &'static str {
        match self {
            Self::Up => "scaleUp",
            Self::Down => "scaleDown",
        }
    }
}

/// How far use may be from its target before anything is done, as a share of the target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tolerances {
    pub(super) up: f64,
    pub(super) down: f64,
}

impl Tolerances {
    /// Those of an autoscaler; the behaviour of a direction may say its own (KEP-4951).
    pub(super) fn of(autoscaler: &Document, default: f64) -> Self {
        let tolerance = |direction: Direction| {
            let own = autoscaler.at(&["spec", "behavior", direction.field(), "tolerance"]);
            own.and_then(Quantity::from_document).and_then(Result::ok).map_or(default, Quantity::as_f64)
        };
        Self { up: tolerance(Direction::Up), down: tolerance(Direction::Down) }
    }

    /// Whether a ratio of use to target is close enough.
    pub(super) fn allow(self, ratio: f64) -> bool {
        (1.0 - self.down..=1.0 + self.up).contains(&ratio)
    }
}

impl Rules {
    /// The rules of a direction. The API server has put in what was left out; what is missing all the same has the same
    /// values here.
    pub(super) fn of(behavior: &Document, direction: Direction, default_window: SignedDuration) -> Self {
        let rules = &behavior[direction.field()];
        let window = rules.i64_at(&["stabilizationWindowSeconds"]).map(SignedDuration::from_secs);
        let otherwise = match direction {
            Direction::Up => SignedDuration::ZERO,
            Direction::Down => default_window,
        };
        let policies = match rules.get("policies").and_then(Document::as_array) {
            Some(policies) => policies.iter().map(Policy::of).collect(),
            None => Policy::defaults(direction),
        };
        let select = match rules.str_at(&["selectPolicy"]) {
            "Min" => Select::Min,
            "Disabled" => Select::Disabled,
            _ => Select::Max,
        };
        Self { window: window.unwrap_or(otherwise), policies, select }
    }

    /// The longest period of the policies.
    pub(super) fn longest_period(&self) -> SignedDuration {
        self.policies.iter().map(|policy| policy.period).max().unwrap_or(SignedDuration::ZERO)
    }

    /// The most replicas, or growing down the fewest, that the policies allow now.
    pub(super) fn limit(
        &self,
        direction: Direction,
        current: i64,
        rescales: &[Rescale],
        now: Timestamp,
    ) -> i64 {
        let limits = self.policies.iter().map(|policy| policy.limit(direction, current, rescales, now));
        let limit = match (self.select, direction) {
            (Select::Disabled, _) => return current,
            (Select::Max, Direction::Up) | (Select::Min, Direction::Down) => limits.max(),
            (Select::Min, Direction::Up) | (Select::Max, Direction::Down) => limits.min(),
        };
        let limit = limit.unwrap_or(current);
        // Changes of this period that went too far are not taken back.
        match direction {
            Direction::Up => limit.max(current),
            Direction::Down => limit.min(current),
        }
    }
}

impl Policy {
    fn of(policy: &Document) -> Self {
        let value = policy.i64_at(&["value"]).unwrap_or(0);
        let amount =
            if policy.str_at(&["type"]) == "Percent" { Amount::Percent(value) } else { Amount::Pods(value) };
        let seconds = policy.i64_at(&["periodSeconds"]).unwrap_or(0);
        Self { amount, period: SignedDuration::from_secs(seconds) }
    }

    fn defaults(direction: Direction) -> Vec<Self> {
        let policy = |amount| Self { amount, period: SignedDuration::from_secs(15) };
        match direction {
            Direction::Up => vec![policy(Amount::Pods(4)), policy(Amount::Percent(100))],
            Direction::Down => vec![policy(Amount::Percent(100))],
        }
    }

    fn limit(&self, direction: Direction, current: i64, rescales: &[Rescale], now: Timestamp) -> i64 {
        let recent = rescales.iter().filter(|rescale| now.duration_since(rescale.at) < self.period);
        let changed: i64 = recent.map(|rescale| rescale.to - rescale.from).sum();
        let start = current - changed;
        match (direction, self.amount) {
            (Direction::Up, Amount::Pods(pods)) => start.saturating_add(pods),
            (Direction::Down, Amount::Pods(pods)) => start.saturating_sub(pods),
            // Rounded up, or a small target could never grow.
            (Direction::Up, Amount::Percent(percent)) => {
                (start as f64 * (1.0 + percent as f64 / 100.0)).ceil() as i64
            }
            (Direction::Down, Amount::Percent(percent)) => {
                (start as f64 * (1.0 - percent as f64 / 100.0)) as i64
            }
        }
    }
}

/// The recommendation that is in line with those before: no more than the lowest of the window upwards, no less than the
/// highest of the window downwards.
pub(super) fn stabilized(
    past: &[Recommendation],
    (up, down): (SignedDuration, SignedDuration),
    current: i64,
    desired: i64,
    now: Timestamp,
) -> i64 {
    let within = |window: SignedDuration| {
        let recent = past.iter().filter(move |past| now.duration_since(past.at) < window);
        recent.map(|past| past.replicas)
    };
    let lowest = within(up).fold(desired, i64::min);
    let highest = within(down).fold(desired, i64::max);
    // In this order: where the windows contradict each other, the one of shrinking wins.
    current.max(lowest).min(highest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn at(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
    }

    fn rules(direction: Direction, rules: Document) -> Rules {
        let mut behavior = Document::object();
        behavior.insert(direction.field(), rules);
        Rules::of(&behavior, direction, SignedDuration::from_mins(5))
    }

    fn policies(select: &str) -> Document {
        doc!({"selectPolicy": select, "policies": [
            {"type": "Pods", "value": 3, "periodSeconds": 60}, {"type": "Percent", "value": 50, "periodSeconds": 60}]})
    }

    #[test]
    fn policies_limit_what_changes_in_their_period() {
        use Direction::{Down, Up};
        let grown = [Rescale { from: 10, to: 12, at: at(70) }];
        let shrunk = [Rescale { from: 12, to: 10, at: at(70) }];
        let long_ago = [Rescale { from: 2, to: 10, at: at(40) }];
        let too_far = [Rescale { from: 2, to: 10, at: at(70) }];
        let cases: [(Direction, &str, i64, &[Rescale], i64); 16] = [
            (Up, "Max", 10, &[], 15),
            (Up, "Min", 10, &[], 13),
            (Up, "Disabled", 10, &[], 10),
            (Up, "Max", 12, &grown, 15),
            (Up, "Min", 12, &grown, 13),
            (Up, "Max", 10, &shrunk, 18),
            (Up, "Max", 10, &long_ago, 15),
            (Up, "Max", 10, &too_far, 10),
            (Up, "Max", 1, &[], 4),
            (Down, "Max", 10, &[], 5),
            (Down, "Min", 10, &[], 7),
            (Down, "Disabled", 10, &[], 10),
            (Down, "Max", 10, &shrunk, 6),
            (Down, "Min", 10, &shrunk, 9),
            (Down, "Max", 12, &grown, 5),
            (Down, "Min", 3, &[], 1),
        ];
        for (direction, select, current, rescales, wanted) in cases {
            let rules = rules(direction, policies(select));
            let limit = rules.limit(direction, current, rescales, at(100));
            assert_eq!(limit, wanted, "{direction:?} {select} {current} {rescales:?}");
        }
    }

    #[test]
    fn what_is_left_out_has_defaults() {
        use Direction::{Down, Up};
        let up = rules(Up, doc!(null));
        assert_eq!((up.window, up.longest_period()), (SignedDuration::ZERO, SignedDuration::from_secs(15)));
        assert_eq!((up.limit(Up, 1, &[], at(0)), up.limit(Up, 10, &[], at(0))), (5, 20));
        let down = rules(Down, doc!({"selectPolicy": "Max"}));
        assert_eq!(down.window, SignedDuration::from_mins(5));
        assert_eq!(down.limit(Down, 10, &[], at(0)), 0);
    }

    #[test]
    fn windows_hold_back() {
        let past = |list: &[(i64, i64)]| -> Vec<Recommendation> {
            list.iter()
                .map(|(replicas, second)| Recommendation { replicas: *replicas, at: at(*second) })
                .collect()
        };
        let none = SignedDuration::ZERO;
        let minute = SignedDuration::from_mins(1);
        let cases = [
            ("nothing before", vec![], (none, minute), 5, 3, 3),
            ("higher before", past(&[(4, 70)]), (none, minute), 5, 3, 4),
            ("higher than the size before", past(&[(8, 70)]), (none, minute), 5, 3, 5),
            ("higher long before", past(&[(8, 40)]), (none, minute), 5, 3, 3),
            ("growing is not held back by it", past(&[(8, 70)]), (none, minute), 5, 6, 6),
            ("lower before", past(&[(6, 70)]), (minute, none), 5, 9, 6),
            ("lower than the size before", past(&[(2, 70)]), (minute, none), 5, 9, 5),
            ("both", past(&[(2, 70), (9, 80)]), (minute, minute), 5, 7, 5),
        ];
        for (case, past, windows, current, desired, wanted) in cases {
            assert_eq!(stabilized(&past, windows, current, desired, at(100)), wanted, "{case}");
        }
    }

    #[test]
    fn each_direction_may_have_its_own_tolerance() {
        let default = Tolerances::of(&doc!({"spec": {}}), 0.1);
        assert!(default.allow(0.9) && default.allow(1.1));
        assert!(!default.allow(0.89) && !default.allow(1.11));
        let own =
            doc!({"spec": {"behavior": {"scaleUp": {"tolerance": "50m"}, "scaleDown": {"tolerance": "0"}}}});
        let own = Tolerances::of(&own, 0.1);
        assert!(own.allow(1.0) && own.allow(1.05) && !own.allow(1.06) && !own.allow(0.99));
        assert!(!own.allow(f64::NAN) && !own.allow(f64::INFINITY));
    }
}
