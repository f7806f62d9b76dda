//! What a row measures: a number with a unit and, where the design sets one, a budget.

/// A number that a row measures in each run.
#[derive(Debug, Clone)]
pub struct Figure {
    /// Its name within the row; results are kept under it, so it does not change.
    pub name: &'static str,
    /// What it is, for a reader.
    pub what: String,
    /// Its unit.
    pub unit: &'static str,
    /// What it has to meet.
    pub budget: Option<Budget>,
}

/// What a figure has to meet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Budget {
    /// Less than this.
    Below(f64),
    /// This or more.
    AtLeast(f64),
}

impl Figure {
    /// A figure without a budget.
    pub fn new(name: &'static str, what: impl Into<String>, unit: &'static str) -> Self {
        Self { name, what: what.into(), unit, budget: None }
    }

    /// With the budget of staying below a bound.
    #[must_use]
    pub fn below(mut self, bound: f64) -> Self {
        self.budget = Some(Budget::Below(bound));
        self
    }

    /// With the budget of reaching a bound.
    #[must_use]
    pub fn at_least(mut self, bound: f64) -> Self {
        self.budget = Some(Budget::AtLeast(bound));
        self
    }
}

impl Budget {
    /// Whether a number meets it.
    pub fn is_met(self, value: f64) -> bool {
        match self {
            Self::Below(bound) => value < bound,
            Self::AtLeast(bound) => value >= bound,
        }
    }
}

impl std::fmt::Display for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Below(bound) => write!(f, "< {}", short(*bound)),
            Self::AtLeast(bound) => write!(f, ">= {}", short(*bound)),
        }
    }
}

/// A number with three digits that mean something.
pub fn short(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        _ if value.fract() == 0.0 || size >= 100.0 => 0,
        _ if size >= 10.0 => 1,
        _ if size >= 1.0 => 2,
        _ if size >= 0.1 => 3,
        _ => 4,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_with_three_digits() {
        let shown = [12_345.6, 123.4, 12.34, 1.234, 0.1234, 0.01234, 50.0].map(short);
        assert_eq!(shown, ["12346", "123", "12.3", "1.23", "0.123", "0.0123", "50"]);
    }

    #[test]
    fn a_budget_is_met_on_the_right_side_of_its_bound() {
        assert!(Budget::Below(1.0).is_met(0.9) && !Budget::Below(1.0).is_met(1.0));
        assert!(Budget::AtLeast(1.0).is_met(1.0) && !Budget::AtLeast(1.0).is_met(0.9));
    }
}
